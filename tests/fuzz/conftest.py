"""What the fuzzing tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.web.handlers import events
from tests.fuzz.served import Served

FOLDER = Path(__file__).parent
# What libraries say of damaged input. The server's own filters, set where it uses them, are not in force within a test.
IGNORED = (
    "ignore::UserWarning:PIL",
    "ignore::aiohttp.multipart.BadContentDispositionParam",
    "ignore::aiohttp.multipart.BadContentDispositionHeader",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps such warnings from becoming errors here."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            for one in IGNORED:
                item.add_marker(pytest.mark.filterwarnings(one))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The one application that all tests of a module send to."""
    with pytest.MonkeyPatch.context() as patch, Served(tmp_path_factory.mktemp("fuzzed")) as served:
        patch.setattr(events, "HEARTBEAT_S", 0.2)  # that a follower has left is noticed at the next
        yield served
        served.check(collect=True)


@pytest.fixture
def served(running: Served) -> Iterator[Served]:
    """The application, which has to be as it was when the test is over: nothing logged as an error, no task left."""
    yield running
    running.check()
