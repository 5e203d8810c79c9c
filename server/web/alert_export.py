"""Downloads of alerts: a CSV table or a ZIP, made on `io` while they are sent, so that neither is ever whole in memory."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from itertools import islice

from aiohttp import web

from server.alerts.export import ExportedAlert, csv_rows, dataset_files, zip_chunks
from server.domain.alert import Alert
from server.web.endless_answer import EndlessAnswer
from server.web.file_names import disposition

CSV_TYPE, ZIP_TYPE = "text/csv; charset=utf-8", "application/zip"
# Lines or pictures that one turn on `io` makes: few enough to hold up no other, and a hundred lines are worth the way there.
_LINES, _PICTURES = 100, 1
_STALL_S = 60.0


async def send_csv(request: web.Request, alerts: Sequence[Alert], *, io: Executor) -> web.StreamResponse:
    """Answers with a line for each alert."""
    return await _send(request, csv_rows(alerts), each=_LINES, io=io, content_type=CSV_TYPE, name="alerts.csv")


async def send_dataset(
    request: web.Request, alerts: Sequence[ExportedAlert], *, labels: Sequence[str], io: Executor
) -> web.StreamResponse:
    """Answers with a ZIP of a data set in YOLO layout; `labels` are the model's classes by id."""
    pieces = zip_chunks(dataset_files(alerts, labels=labels))
    return await _send(request, pieces, each=_PICTURES, io=io, content_type=ZIP_TYPE, name="alerts.zip")


async def _send(
    request: web.Request, pieces: Iterator[bytes], *, each: int, io: Executor, content_type: str, name: str
) -> web.StreamResponse:
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": disposition(name, attachment=True),
        "Cache-Control": "no-store",
    }
    answer = EndlessAnswer(request, headers=headers, stall_s=_STALL_S)
    await answer.open()
    if request.method == "HEAD":
        return answer.response
    loop = asyncio.get_running_loop()
    while piece := await loop.run_in_executor(io, lambda: b"".join(islice(pieces, each))):
        if not await answer.send(piece):
            break
    return answer.response
