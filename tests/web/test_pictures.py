"""Tests of checking pictures without a server around it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from server.domain.detection import DetectOptions
from server.web.pictures import PictureService
from server.web.served_model import ServedModel
from tests.fakes import HeldDetector, room_for_eight
from tests.web.pictures import picture_file


async def test_holds_few_decoded_pictures() -> None:
    """However many pictures wait, only some of them lie decoded in memory; the others follow."""
    detector = HeldDetector()
    with ThreadPoolExecutor(2) as io:
        model = ServedModel(lambda: detector, workers=2, executor=io, time_pool=room_for_eight)
        model.start()
        await model.loaded()
        service = PictureService(model=model, io=io, max_pixels=1_000_000, at_once=1)
        checks = [asyncio.create_task(service.check(picture_file(), DetectOptions(0.4, iou=0.7), form="png")) for _ in range(3)]
        assert await asyncio.to_thread(detector.entered.acquire)
        assert not await asyncio.to_thread(detector.entered.acquire, timeout=0.1)
        detector.release.set()
        assert [checked.shape for checked in await asyncio.gather(*checks)] == [(120, 160)] * 3
        await model.aclose()
