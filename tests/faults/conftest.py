"""Servers for the faults, one for each module."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.served import Served, serving
from tests.inference.tiny_models import make_onnx
from tests.server_process import ServerProcess


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> int:
    """How many times as much is done: 1, and 10 by `make faults`."""
    return 10 if request.config.getoption("--thorough", False) else 1


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes next to no time, so that the faults have the processor."""
    return make_onnx(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """Settings of the module's server; modules that need some have a fixture of this name."""
    return {}


@pytest.fixture(scope="module")
def process(model: Path, environ: dict[str, str]) -> Iterator[ServerProcess]:
    """A server process."""
    with ServerProcess("--model", str(model), environ=environ) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(process: ServerProcess) -> AsyncIterator[Served]:
    """The server with its witness."""
    async with serving(process) as running:
        yield running
