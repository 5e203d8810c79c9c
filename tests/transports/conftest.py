"""Fixtures of the live transports."""

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.inference.pool import DetectorPool
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.stream import Stream
from server.pipeline.tracker import ByteTracker
from server.transports.aiortc_changes import AiortcChanges, apply
from tests.builders import make_options
from tests.transports.rig import MODEL, FixedDetector, Rig, run_rig


@pytest.fixture
def changed_aiortc() -> Iterator[None]:
    """Aiortc as the server changes it."""
    undo = apply(AiortcChanges())
    yield
    undo()


@pytest.fixture
async def rig(changed_aiortc: None) -> AsyncIterator[Rig]:
    """A WebRTC service with a detector that is always sure of one box; what it leaves behind fails the test."""
    async with run_rig() as running:
        yield running


@pytest.fixture
def renderer() -> Iterator[ThreadPoolExecutor]:
    """A thread that draws."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def create_stream(renderer: ThreadPoolExecutor) -> Iterator[Callable[[], Stream]]:
    """Makes streams that do not run, all of one id, as those of a camera are."""
    pool = DetectorPool(FixedDetector(), workers=1)

    def create() -> Stream:
        return Stream(
            id="s",
            name="test",
            pool=pool,
            tracker=ByteTracker(),
            annotator=BoxAnnotator(MODEL.labels),
            options=make_options(),
            renderer=renderer,
        )

    yield create
    pool.close()


@pytest.fixture
def stream(create_stream: Callable[[], Stream]) -> Stream:
    """A stream that does not run."""
    return create_stream()
