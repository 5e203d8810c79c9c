"""Fixtures of the live transports."""

from collections.abc import AsyncIterator, Iterator

import pytest

from server.transports.aiortc_changes import AiortcChanges, apply
from tests.transports.rig import Rig, run_rig


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
