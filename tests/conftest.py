"""Fixtures that many tests share."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from server.config.settings import Auth, Cluster, Live, Predict, Server, Settings, Storage, Videos, Webrtc
from server.config.watching import Alerts
from server.domain.protocols import Detector
from server.web import keys
from server.web.app import create_app
from tests.fakes import FakeDetector, room_for_eight

REPOSITORY = Path(__file__).resolve().parent.parent

Client = TestClient[web.Request, web.Application]


class ClientFactory(Protocol):
    """Starts the application on a free port."""

    async def __call__(
        self,
        settings: Settings | None = None,
        *,
        detector: Detector | None = None,
        key: str | None = None,
        wait: bool = True,
    ) -> Client:
        """A client of it; `key` is sent with every request, `wait` waits until the model is loaded."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--no-skips`, for a machine that has everything that the tests need."""
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run for a skipped test where none may be."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if not session.config.getoption("--no-skips") or terminal is None:
        return
    # No installation brings what the processor cannot do, nor pictures that are not ours to give.
    excused = ("this processor", "../shared are not here")
    skipped = [str(report.longrepr) for report in terminal.stats.get("skipped", [])]
    if [reason for reason in skipped if not any(excuse in reason for excuse in excused)]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder with pictures, clips and weights beside the repository."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the pictures, clips and weights in ../shared are not here")
    return folder


@pytest.fixture(scope="session")
def delivered_model_dir() -> Path:
    """The folder with the delivered model."""
    folder = REPOSITORY / "models" / "firearm-yolov8n"
    if not (folder / "model.toml").is_file():
        pytest.skip("the delivered model is not here")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The default settings, with a data folder of the test's own."""
    return Settings(server=Server(data_dir=str(tmp_path / "data")))


def with_sections(
    settings: Settings,
    *,
    server: Server | None = None,
    predict: Predict | None = None,
    live: Live | None = None,
    webrtc: Webrtc | None = None,
    auth: Auth | None = None,
    videos: Videos | None = None,
    storage: Storage | None = None,
    cluster: Cluster | None = None,
    alerts: Alerts | None = None,
) -> Settings:
    """The settings with some sections replaced."""
    given = {
        "server": server,
        "predict": predict,
        "live": live,
        "webrtc": webrtc,
        "auth": auth,
        "videos": videos,
        "storage": storage,
        "cluster": cluster,
        "alerts": alerts,
    }
    return msgspec.structs.replace(settings, **{name: section for name, section in given.items() if section is not None})


@pytest.fixture
def start_client(aiohttp_client: Callable[..., Awaitable[Client]], settings: Settings) -> ClientFactory:
    """Starts the real application, with a fake detector unless a test brings another."""
    default = settings

    async def start(
        settings: Settings | None = None, *, detector: Detector | None = None, key: str | None = None, wait: bool = True
    ) -> Client:
        app = create_app(settings or default, detector=detector or FakeDetector(), time_pool=room_for_eight)
        client = await aiohttp_client(app, headers={"Authorization": f"Bearer {key}"} if key else {})
        if wait:
            await app[keys.MODEL].loaded()
        return client

    return start


@pytest.fixture
async def client(start_client: ClientFactory) -> Client:
    """A client of the application with default settings: on loopback, no key, a fake detector."""
    return await start_client()
