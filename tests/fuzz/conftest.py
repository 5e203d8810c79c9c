"""What the fuzzing tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The one application that all of them send to."""
    with Served(tmp_path_factory.mktemp("fuzzed")) as served:
        yield served


@pytest.fixture
def served(running: Served) -> Iterator[Served]:
    """The application, which has to be as it was when the test is over: nothing logged as an error, no task left."""
    yield running
    running.check()
