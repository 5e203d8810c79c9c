"""The process that checks, the real one with the delivered model: its results, and what it says when a limit is met."""

import asyncio
import json
import os
from pathlib import Path

import msgspec
import pytest

from server.domain.errors import Unprocessable, UnsupportedFormat
from server.domain.job import Job
from server.jobs.check import Outcome, RunningCheck
from server.jobs.messages import Finished, Limits, ModelOrder, Probed, Refused
from server.jobs.options import JobOptions
from server.jobs.probe import probe_upload
from server.media.jpeg import decode_i420
from server.resources import static_dir
from tests.builders import make_job
from tests.e2e.marked_clip import write_marked_clip
from tests.web.openapi import schema

FRAMES = 20
LIMITS = Limits(nice=0, memory_bytes=3 * 2**30, cpu_s=120, file_bytes=2**30, parent=os.getpid())


@pytest.fixture(autouse=True)
def acting_children() -> None:
    """Not here: children are real."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip, under the name that the server gives it."""
    folder = tmp_path_factory.mktemp("clip")
    return write_marked_clip(folder / "clip.mp4", frames=FRAMES).rename(folder / "source")


@pytest.fixture
def model(delivered_model_dir: Path) -> ModelOrder:
    """The delivered model."""
    return ModelOrder(str(delivered_model_dir), "auto", "auto", None, 0.7, None, threads=1, workers=1)


async def _never() -> bool:
    return False


async def check(
    source: Path,
    out: Path,
    *,
    model: ModelOrder,
    limits: Limits = LIMITS,
    job: Job | None = None,
    pictures: list[bytes] | None = None,
    max_pixels: int = 10**7,
    max_duration_s: float = 7200.0,
) -> Outcome:
    """What comes of a check; `pictures` gets the previews that a viewer sees."""
    await asyncio.to_thread(out.mkdir)
    options = JobOptions(lambda: model, max_pixels, max_duration_s, limits=limits, stall_s=60.0, keep_s=1.0, max_total_bytes=1)
    running = RunningCheck(job or make_job(), options=options, progressed=lambda _: None, is_writing=_never)

    async def watch() -> None:
        with running.view() as slot:
            async for picture in slot:
                if pictures is not None:
                    pictures.append(picture)

    watching = asyncio.create_task(watch())
    outcome = await running.run(source=source, out=out)
    running.end()
    await watching
    return outcome


async def test_every_frame_is_in_the_results(clip: Path, tmp_path: Path, model: ModelOrder) -> None:
    """And previews came, of which the first is kept."""
    pictures: list[bytes] = []
    job = make_job(name="gate.mov", every=1)
    outcome = await check(clip, tmp_path / "out", model=model, job=job, pictures=pictures)
    assert outcome == Finished(FRAMES, detections=0, tracks=0)
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"annotated.mp4", "detections.json", "detections.csv", "poster.jpg"}
    found = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert (found["source"], len(found["frames"])) == ("gate.mov", FRAMES)
    poster = (tmp_path / "out" / "poster.jpg").read_bytes()
    assert pictures[0] == poster
    assert decode_i420(poster, max_pixels=10**7).shape == (480 * 3 // 2, 640)


async def test_results_are_as_described(tmp_path: Path, model: ModelOrder) -> None:
    """With objects in them: those of the sample clip."""
    outcome = await check(static_dir() / "sample.webm", tmp_path / "out", model=model, job=make_job(every=5))
    assert isinstance(outcome, Finished)
    assert (outcome.frames, outcome.tracks > 0, outcome.detections > 0) == (300, True, True)
    found = json.loads((tmp_path / "out" / "detections.json").read_text())
    schema("VideoDetections").validate(found)
    assert (found["every"], len(found["frames"]), len(found["tracks"])) == (5, 60, outcome.tracks)
    assert sum(len(row["results"]) for row in found["frames"]) == outcome.detections


async def test_too_little_memory_is_told(clip: Path, tmp_path: Path, model: ModelOrder) -> None:
    """The process ends, whatever it was that asked for the memory, and nothing else does."""
    outcome = await check(clip, tmp_path / "out", model=model, limits=msgspec.structs.replace(LIMITS, memory_bytes=150 * 2**20))
    assert not isinstance(outcome, Finished)


async def test_a_result_that_is_too_large_is_told(clip: Path, tmp_path: Path, model: ModelOrder) -> None:
    """It names the setting; that the first preview could not be kept either keeps nobody from saying so."""
    outcome = await check(clip, tmp_path / "out", model=model, limits=msgspec.structs.replace(LIMITS, file_bytes=8000))
    assert outcome == Refused("Its result is larger than the limit (videos.max_result_bytes).")


async def test_pictures_above_the_limit_are_told(clip: Path, tmp_path: Path, model: ModelOrder) -> None:
    """As a refused upload is told; a header may have said less, or the limit was another one."""
    outcome = await check(clip, tmp_path / "out", model=model, max_pixels=640 * 480 - 1)
    assert outcome == Refused("Its pictures are 640x480, the limit is 307,199 pixels (videos.max_pixels).", "too_large")


async def test_another_model_in_its_place_is_told(clip: Path, tmp_path: Path, model: ModelOrder) -> None:
    """A job uses the model that the server was started with, or none."""
    outcome = await check(clip, tmp_path / "out", model=msgspec.structs.replace(model, labels=("dog",)))
    assert isinstance(outcome, Refused)
    assert outcome.reason.endswith("another model lies there than the server was started with; start it again.")
    assert "/" not in outcome.reason  # and not where


async def test_a_class_that_the_model_does_not_know_is_told(clip: Path, tmp_path: Path, model: ModelOrder) -> None:
    """As after a restart with another model."""
    outcome = await check(clip, tmp_path / "out", model=model, job=make_job(classes=("unicorn",)))
    assert outcome == Refused("The model of this server knows no class 'unicorn'; add the file again.")


async def test_an_upload_that_is_gone_is_told(tmp_path: Path, model: ModelOrder) -> None:
    """Somebody tidied up the data folder."""
    outcome = await check(tmp_path / "source", tmp_path / "out", model=model)
    assert outcome == Refused("The uploaded file is gone from the server. Add it again.")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A file that is no video."""
    file = tmp_path / "0123"
    file.write_text("no video at all\n" * 100)
    return file


@pytest.fixture
def half(clip: Path, tmp_path: Path) -> Path:
    """The beginning of a video."""
    file = tmp_path / "4567"
    file.write_bytes(clip.read_bytes()[:3000])
    return file


async def test_probing_says_what_a_file_is(clip: Path, text: Path, half: Path) -> None:
    """By its owner's name for it where it is no video."""
    assert await probe_upload(clip, name="gate.mov", limits=LIMITS) == Probed(640, 480, FRAMES / 30, FRAMES)
    with pytest.raises(UnsupportedFormat, match=r"^notes\.pdf is not a video"):
        await probe_upload(text, name="notes.pdf", limits=LIMITS)
    with pytest.raises(Unprocessable):
        await probe_upload(half, name="gate.mov", limits=LIMITS)
