"""No answer names a folder of the server, whatever fails within it."""

import os
from pathlib import Path

import pytest

from server.config.settings import Auth, Server, Settings
from server.domain import errors
from server.domain.errors import ModelError, SightlineError
from server.web.middlewares import problem_of
from server.web.routes import ROUTES
from tests.conftest import REPOSITORY, Client, ClientFactory, with_sections
from tests.fakes import FakeDetector
from tests.security.places import places_in
from tests.web.pictures import picture_file
from tests.web.test_access import address

INSIDE = f"{REPOSITORY}/models/weights.xml: user 'sightline' at db.internal"
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SightlineError)]
# Of these no text is shown to whoever sends a request.
HIDDEN = (errors.RecordsUnavailable, errors.ModelError, errors.SettingsError, errors.DetectorFailed, errors.ClipFailed)


async def told_by_all(client: Client) -> str:
    """What all routes answer, streams aside, which have no end."""
    told = ""
    for route in ROUTES:
        async with client.request(route.method, address(route)) as answer:
            endless = answer.content_type in ("text/event-stream", "multipart/x-mixed-replace", "application/gzip")
            told += f"{answer.headers}" + ("" if endless else await answer.text(errors="replace"))
    return told


async def test_no_route_tells_where_things_lie(client: Client, settings: Settings) -> None:
    """Neither the doctor nor anything else, while all is well."""
    told = await told_by_all(client)
    assert "server.data_dir" in told  # the doctor's setting in place of the folder
    assert places_in(told, settings) == []


async def test_a_model_that_cannot_be_loaded_is_not_named(start_client: ClientFactory, settings: Settings) -> None:
    """Whoever started the server reads where it lies; who asks over the network reads that it is not there."""
    client = await start_client(detector=FakeDetector(load_failure=ModelError(INSIDE)), wait=False)
    told = await told_by_all(client)
    assert places_in(told, settings) == []
    assert "db.internal" not in told


async def test_a_detector_that_fails_does_not_say_how(start_client: ClientFactory, settings: Settings) -> None:
    """500, and the log has the rest."""
    client = await start_client(detector=FakeDetector(failure=OSError(2, "no such file", INSIDE)))
    for path in ("/predict", "/v1/vision/detection"):
        answer = await client.post(path, data=picture_file())
        told = await answer.text()
        assert answer.status >= 400
        assert places_in(told, settings) == []


@pytest.mark.parametrize("refused_by", ["file in its place", "system"])
async def test_a_data_folder_that_cannot_be_written_is_not_named(
    start_client: ClientFactory, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_by: str
) -> None:
    """501 says that it cannot be written, and the doctor which setting names it."""
    if refused_by == "system":
        monkeypatch.setattr(os, "access", lambda *_args, **_options: False)  # to root nothing is forbidden
    else:
        (tmp_path / "file").touch()
        settings = with_sections(settings, server=Server(data_dir=str(tmp_path / "file" / "data")))
    client = await start_client(settings)
    told = await told_by_all(client)
    assert "cannot be written" in told
    assert places_in(told, settings) == []


async def test_a_key_file_that_is_gone_is_not_named(start_client: ClientFactory, settings: Settings, tmp_path: Path) -> None:
    """The doctor says that the keys cannot be used, and names the setting."""
    file = tmp_path / "keys"
    file.write_text("a-key-for-tests\n")
    settings = with_sections(settings, auth=Auth(api_keys_file=str(file)))
    client = await start_client(settings, key="a-key-for-tests")
    file.unlink()
    told = await (await client.get("/api/doctor")).text()
    assert "auth.api_keys_file" in told
    assert str(tmp_path) not in told


@pytest.mark.parametrize("kind", HIDDEN)
def test_errors_of_the_inside_are_told_in_words_of_the_web_layer(kind: type[SightlineError]) -> None:
    """Their texts are for the log: a database's names hosts and users, a model's where it lies."""
    problem = problem_of(kind(INSIDE))
    assert problem.status >= 500
    assert "db.internal" not in problem.detail


def test_every_error_is_known_to_be_for_clients_or_not() -> None:
    """A new one is looked at here before its text goes out."""
    shown = {
        "SightlineError", "InvalidRequest", "TooLarge", "UnsupportedFormat", "Conflict", "Outdated", "Unprocessable",
        "AddressRefused", "CameraFailed", "ChannelFailed", "NotFound", "Busy", "AtCapacity", "Overloaded", "NotReady",
        "Draining", "NoRoom", "NotOffered", "Stopped", "TooMany",
    }  # fmt: skip
    assert {kind.__name__ for kind in KINDS} == shown | {kind.__name__ for kind in HIDDEN}
