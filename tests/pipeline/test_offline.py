"""The offline line: every picture, several at once, in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.domain.detection import DetectOptions
from server.inference.pool import DetectorPool
from server.media.picture import decode, probe
from server.media.picture_files import PictureFile
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.offline import CheckedFile, PictureLine
from tests.fakes import FAKE_MODEL, FakeDetector, HeldDetector
from tests.web.pictures import picture_file

Lines = Callable[[FakeDetector], PictureLine]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Lines]:
    """Makes lines with two workers that write to the test's folder."""
    pools: list[DetectorPool] = []
    with ThreadPoolExecutor(4) as io:

        def make(detector: FakeDetector) -> PictureLine:
            pools.append(DetectorPool(detector, workers=2))
            return PictureLine(
                pool=pools[-1],
                annotator=BoxAnnotator(FAKE_MODEL.labels),
                options=DetectOptions(0.4, 0.7),
                io=io,
                annotated_dir=tmp_path / "annotated",
                max_pixels=100_000,
                at_once=4,
            )

        yield make
        for pool in pools:
            await asyncio.to_thread(pool.close)


def _files(folder: Path, *names: str, data: bytes | None = None) -> list[PictureFile]:
    for name in names:
        (folder / name).write_bytes(picture_file("JPEG" if name.endswith(".jpg") else "PNG") if data is None else data)
    return [PictureFile(folder / name, name) for name in names]


async def _run(line: PictureLine, files: list[PictureFile]) -> list[CheckedFile]:
    return [checked async for checked in line.run(files, stop=asyncio.Event())]


async def test_every_picture_is_checked_in_order(start: Lines, tmp_path: Path) -> None:
    """Results come in the order of the files, each with its size and detections."""
    files = _files(tmp_path, *(f"{number}.png" for number in range(9)))
    checked = await _run(start(FakeDetector()), files)
    assert [one.file for one in checked] == files
    assert {one.shape for one in checked} == {(120, 160)}
    assert {len(one.result.detections) for one in checked if one.result} == {1}


async def test_annotated_pictures_are_whole_files(start: Lines, tmp_path: Path) -> None:
    """JPEG stays JPEG, all else becomes PNG, in the size of the original."""
    files = [*_files(tmp_path, "a.jpg", "b.png"), *_files(tmp_path, "c.bmp", data=picture_file("BMP"))]
    await _run(start(FakeDetector()), files)
    annotated = {path.name: path.read_bytes() for path in (tmp_path / "annotated").iterdir()}
    headers = {name: probe(data, max_pixels=100_000) for name, data in annotated.items()}
    assert {name: header.format for name, header in headers.items()} == {"a.jpg": "JPEG", "b.png": "PNG", "c.bmp.png": "PNG"}
    assert all(decode(data, headers[name]).shape == (120, 160, 3) for name, data in annotated.items())


@pytest.mark.parametrize(
    ("data", "error"),
    [(picture_file()[:-200], "damaged"), (b"text", "not a JPEG"), (picture_file(width=1000), "more than the limit")],
)
async def test_a_bad_picture_is_told_and_the_others_go_on(start: Lines, tmp_path: Path, data: bytes, error: str) -> None:
    """One has an error, the next its result."""
    files = [*_files(tmp_path, "bad.png", data=data), *_files(tmp_path, "good.png")]
    bad, good = await _run(start(FakeDetector()), files)
    assert error in (bad.error or "")
    assert good.result is not None
    assert [path.name for path in (tmp_path / "annotated").iterdir()] == ["good.png"]


async def test_a_picture_that_is_gone_is_told(start: Lines, tmp_path: Path) -> None:
    """It was there when the folder was read."""
    (checked,) = await _run(start(FakeDetector()), [PictureFile(tmp_path / "gone.png", "gone.png")])
    assert checked.error == "it cannot be read: No such file or directory"


async def test_a_detector_that_fails_on_a_picture_is_told(start: Lines, tmp_path: Path) -> None:
    """It is an error of that picture."""
    (checked,) = await _run(start(FakeDetector(failure=ValueError("broken"))), _files(tmp_path, "a.png"))
    assert "broken" in (checked.error or "")


async def test_all_workers_are_busy(start: Lines, tmp_path: Path) -> None:
    """Both workers have a picture before the first one is done."""
    detector = HeldDetector()
    line = start(detector)
    running = asyncio.create_task(_run(line, _files(tmp_path, *(f"{number}.png" for number in range(4)))))
    for _ in range(2):
        assert await asyncio.to_thread(detector.entered.acquire, timeout=10)
    detector.release.set()
    assert len(await running) == 4


async def test_stopping_finishes_what_is_under_way(start: Lines, tmp_path: Path) -> None:
    """Nothing further is begun, and nothing is left half."""
    detector = HeldDetector()
    line, stop = start(detector), asyncio.Event()
    files = _files(tmp_path, *(f"{number}.png" for number in range(9)))

    async def run() -> list[CheckedFile]:
        return [checked async for checked in line.run(files, stop=stop)]

    running = asyncio.create_task(run())
    assert await asyncio.to_thread(detector.entered.acquire, timeout=10)
    stop.set()
    detector.release.set()
    checked = await running
    assert 4 <= len(checked) < 9
    assert len(list((tmp_path / "annotated").iterdir())) == len(checked)
