"""LatestSlot: the newest item wins."""

import asyncio

import pytest

from server.pipeline.slot import LatestSlot, SlotClosed


async def test_newest_item_wins_and_the_others_are_counted() -> None:
    """Three puts before a read leave the last one and two drops."""
    slot: LatestSlot[int] = LatestSlot()
    for number in range(3):
        slot.put(number)
    assert await slot.get() == 2
    assert slot.dropped == 2


async def test_an_item_that_was_read_can_be_exchanged_for_a_newer_one() -> None:
    """What was overtaken is a drop; without a newer one the item stays."""
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    read = await slot.get()
    assert (slot.newest(read), slot.dropped) == (1, 0)
    slot.put(2)
    assert (slot.newest(read), slot.dropped) == (2, 1)


async def test_reader_waits_for_the_next_item() -> None:
    """A read of an empty slot ends when something is put."""
    slot: LatestSlot[str] = LatestSlot()
    reading = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    assert not reading.done()
    slot.put("new")
    assert await reading == "new"
    assert slot.dropped == 0


async def test_close_ends_a_waiting_reader() -> None:
    """A reader that waits is told when nothing will come."""
    slot: LatestSlot[str] = LatestSlot()
    reading = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    slot.close()
    with pytest.raises(SlotClosed):
        await reading


async def test_last_item_is_read_before_the_end() -> None:
    """What was put before the close is still delivered; what comes after is not."""
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    slot.close()
    slot.put(2)
    assert [item async for item in slot] == [1]


async def test_cancelled_reader_loses_nothing() -> None:
    """An item put after a reader was cancelled goes to the next reader."""
    slot: LatestSlot[int] = LatestSlot()
    reading = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    slot.put(7)
    assert await slot.get() == 7


async def test_polling_takes_what_waits() -> None:
    """Whoever polls gets the newest item once, and None where none waits."""
    slot: LatestSlot[int] = LatestSlot()
    assert slot.poll() is None
    slot.put(1)
    slot.put(2)
    assert (slot.poll(), slot.poll()) == (2, None)
