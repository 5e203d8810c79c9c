"""Alerts: `/api/alerts`."""

from aiohttp import web

from server.web import keys
from server.web.access import HOLDER
from server.web.alert_answers import AlertAnswer
from server.web.alert_export import send_csv, send_dataset
from server.web.alert_orders import ConfirmOrder, DismissOrder, NoteOrder, read_filter, read_form
from server.web.answers import json_response
from server.web.api_key import ApiKey
from server.web.upload import read_small_body

UNNAMED = "somebody on this computer"


async def list_alerts(request: web.Request) -> web.Response:
    """Those that the filters let through, newest first."""
    return json_response(await request.app[keys.ALERTS].find(read_filter(request.query)))


async def get_alert(request: web.Request) -> web.Response:
    """One of them."""
    return json_response(await request.app[keys.ALERTS].get(request.match_info["id"]))


async def confirm(request: web.Request) -> web.Response:
    """A person says that it is what the detector took it for."""
    order = read_form(ConfirmOrder, await read_small_body(request))
    answer = await request.app[keys.ALERTS].confirm(
        request.match_info["id"], by=_who(request, order.by), zone=order.time_zone, note=order.note
    )
    return json_response(answer)


async def dismiss(request: web.Request) -> web.Response:
    """A person says that it is something else."""
    order = read_form(DismissOrder, await read_small_body(request))
    answer = await request.app[keys.ALERTS].dismiss(
        request.match_info["id"], by=_who(request, order.by), zone=order.time_zone, note=order.note, reason=order.reason
    )
    return json_response(answer)


async def write_note(request: web.Request) -> web.Response:
    """Writes something beside an alert."""
    order = read_form(NoteOrder, await read_small_body(request))
    answer: AlertAnswer = await request.app[keys.ALERTS].write_note(request.match_info["id"], order.note)
    return json_response(answer)


async def remove(request: web.Request) -> web.Response:
    """Removes an alert that is decided, with its pictures and clip."""
    await request.app[keys.ALERTS].remove(request.match_info["id"])
    return web.Response(status=204)


async def export_csv(request: web.Request) -> web.StreamResponse:
    """Those that the filters let through as a table."""
    alerts = await request.app[keys.ALERTS].exported(read_filter(request.query))
    return await send_csv(request, [one.alert for one in alerts], io=request.app[keys.IO])


async def export_dataset(request: web.Request) -> web.StreamResponse:
    """Those that are decided as a data set to train with."""
    app = request.app
    alerts = await app[keys.ALERTS].exported(read_filter(request.query))
    return await send_dataset(request, alerts, labels=app[keys.MODEL].info.labels, io=app[keys.IO])


def _who(request: web.Request, given: str | None) -> str:
    """Who decides: the name of the key, or where none are set what the person calls themselves."""
    holder: ApiKey | None = request.get(HOLDER)
    if holder is not None:
        return holder.name
    return (given or "").strip() or UNNAMED
