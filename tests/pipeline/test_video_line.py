"""The line of one video file: every kind of file that people bring, frame by frame."""

import csv
import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from server.domain.detection import DetectOptions
from server.domain.errors import DetectorFailed, Stopped, TooLarge, Unprocessable, UnsupportedFormat
from server.domain.frame import Frame, PixelLayout
from server.domain.video import VideoProgress
from server.inference.pool import DetectorPool
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.video_line import VideoLine
from tests.fakes import FAKE_MODEL, FakeDetector
from tests.video_clips import (
    FPS,
    FRAMES,
    SIDE_PX,
    SOUND_RATE,
    cut,
    frame_times,
    join,
    make_changing,
    make_clip,
    make_empty,
    make_joined,
    make_sound,
    square_at,
)

Make = Callable[[Path], Path]

RISING_MS = [0, 40, 90, 100, 400, 433, 1000, 1001, 1500, 1540, 1600, 1700, 1717, 1800, 1900, 2000, 2500, 2533, 2600, 2700]
STEREO, MONO, SURROUND = (SOUND_RATE, "stereo"), (48_000, "mono"), (32_000, "5.1")
PAUSING_MS = [time + (60_000 if time > 1000 else 0) for time in RISING_MS]
INTERLACED = {"flags": "+ildct+ilme", "x264-params": "tff=1"}

KINDS: dict[str, Make] = {
    "plain": lambda folder: make_clip(folder / "a.mp4"),
    "variable frame rate": lambda folder: make_clip(folder / "a.mp4", times_ms=RISING_MS),
    "variable frame rate in Matroska": lambda folder: make_clip(folder / "a.mkv", times_ms=RISING_MS),
    "WebM": lambda folder: make_clip(folder / "a.webm", codec="libvpx"),
    "AVI": lambda folder: make_clip(folder / "a.avi", codec="mpeg4"),
    "transport stream": lambda folder: make_clip(folder / "a.ts"),
    "rotated": lambda folder: make_clip(folder / "a.mp4", rotation_deg=90),
    "odd sides": lambda folder: make_clip(folder / "a.mkv", size=(161, 121), codec="ffv1", pix_fmt="yuv444p"),
    "10 bit": lambda folder: make_clip(folder / "a.mp4", pix_fmt="yuv420p10le"),
    "interlaced": lambda folder: make_clip(folder / "a.mp4", options=INTERLACED),
    "changing size": lambda folder: make_changing(folder / "a.ts"),
    "truncated": lambda folder: cut(make_clip(folder / "a.ts"), share=0.6),
    "truncated MP4": lambda folder: cut(make_clip(folder / "a.mp4", container={"movflags": "+faststart"}), share=0.8),
    "with sound": lambda folder: make_clip(folder / "a.mp4", sound="aac"),
    "full range": lambda folder: make_clip(folder / "a.mp4", pix_fmt="yuvj420p"),
    "no times": lambda folder: make_clip(folder / "a.h264"),
    "one frame": lambda folder: make_clip(folder / "a.mp4", frames=1),
    "times that begin again": lambda folder: make_joined(folder / "a.ts", firsts=(0, 0, 0)),
    "times that jump": lambda folder: make_joined(folder / "a.ts", firsts=(0, 100 * FPS, 5 * FPS)),
    "a long pause": lambda folder: make_clip(folder / "a.mkv", times_ms=PAUSING_MS),
}
# What comes of times that jump; all others are to be those of the file.
TIMES = {kind: [index / FPS for index in range(FRAMES // 2 * 3)] for kind in ("times that begin again", "times that jump")}


@pytest.fixture
def pools() -> Iterator[Callable[[FakeDetector], DetectorPool]]:
    """Makes pools of two workers."""
    made: list[DetectorPool] = []

    def make(detector: FakeDetector) -> DetectorPool:
        made.append(DetectorPool(detector, workers=2))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


@pytest.fixture
def line(pools: Callable[[FakeDetector], DetectorPool]) -> VideoLine:
    """A line with the fake detector, which finds red."""
    return make_line(pools(FakeDetector()))


def make_line(pool: DetectorPool, *, max_pixels: int = 10**7) -> VideoLine:
    """A line that asks for what the fake model finds."""
    annotator = BoxAnnotator(FAKE_MODEL.labels)
    return VideoLine(pool=pool, options=DetectOptions(0.4, 0.7), annotator=annotator, max_pixels=max_pixels)


def results(out: Path) -> dict[str, Any]:
    """What the JSON file says."""
    document: dict[str, Any] = json.loads((out / "detections.json").read_text())
    return document


def annotated(out: Path) -> list[float]:
    """The times of the frames in the annotated video."""
    return frame_times(out / "annotated.mp4")


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_comes_out(line: VideoLine, tmp_path: Path, kind: str) -> None:
    """Frames in are frames out are rows, each at its time."""
    source, out = KINDS[kind](tmp_path), tmp_path / "out"
    summary = line.run(source, out)
    document, times = results(out), TIMES.get(kind) or frame_times(source)
    assert summary.frames == len(times) == len(document["frames"]) == len(annotated(out))
    assert [row["frame"] for row in document["frames"]] == list(range(len(times)))
    assert document["complete"] is True
    assert document["video"]["frames"] == len(times)
    rows = [row["time_s"] - document["frames"][0]["time_s"] for row in document["frames"]]
    assert rows == pytest.approx(times, abs=2e-3)
    assert annotated(out) == pytest.approx(times, abs=2e-3)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("changing size", "rotated", "a long pause")])
def test_boxes_are_where_the_square_is(line: VideoLine, tmp_path: Path, kind: str) -> None:
    """In the frame that the row names, in pixels of the picture."""
    out = tmp_path / "out"
    line.run(KINDS[kind](tmp_path), out)
    for row in results(out)["frames"]:
        (found,) = row["results"]
        left, top = square_at(row["frame"])
        box = [found["box"][side] for side in ("x1", "y1", "x2", "y2")]
        assert box == pytest.approx([left, top, left + SIDE_PX, top + SIDE_PX], abs=4), row["frame"]
        assert (found["name"], found["track_id"]) == ("firearm", 1)


def test_a_phone_video_stands_upright(line: VideoLine, tmp_path: Path) -> None:
    """Turned by a quarter, as its header says: wide becomes high, and the square is where a viewer sees it."""
    out = tmp_path / "out"
    summary = line.run(make_clip(tmp_path / "a.mp4", rotation_deg=90), out)
    (found,) = results(out)["frames"][0]["results"]
    assert (summary.width_px, summary.height_px) == (120, 160)
    left, top = square_at(0)
    # Counterclockwise: what was at the left is at the bottom now.
    expected = [top, 160 - left - SIDE_PX, top + SIDE_PX, 160 - left]
    assert [found["box"][side] for side in ("x1", "y1", "x2", "y2")] == pytest.approx(expected, abs=4)
    assert decoded(out)[0].rotation == 0


def test_a_changed_size_is_fitted_into_the_first(line: VideoLine, tmp_path: Path) -> None:
    """The annotated video keeps its size; the wider picture lies between black bars."""
    out = tmp_path / "out"
    line.run(make_changing(tmp_path / "a.ts"), out)
    last = decoded(out)[-1].to_ndarray(format="bgr24")
    assert last.shape == (120, 160, 3)
    assert last[:15].max() < 40
    assert last[60, 5].tolist() == pytest.approx([110] * 3, abs=12)


def test_the_annotated_video_plays_in_browsers(line: VideoLine, tmp_path: Path) -> None:
    """H.264 High, yuv420p, even sides, BT.601 said, the index in front, sound as it was."""
    out = tmp_path / "out"
    line.run(make_clip(tmp_path / "a.mp4", sound="aac"), out)
    with av.open(str(out / "annotated.mp4")) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        context = video.codec_context
        assert (context.name, context.profile, context.pix_fmt) == ("h264", "High", "yuv420p")
        assert (int(context.colorspace), int(context.color_range)) == (6, 1)
        assert sound.codec_context.name == "aac"
        assert container.start_time == pytest.approx(0, abs=30_000)
    data = (out / "annotated.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    ("name", "codec", "kept"),
    [
        ("a.mp4", "aac", "aac"),
        ("a.ts", "aac", "aac"),
        ("a.mkv", "libmp3lame", "mp3"),
        ("a.mkv", "pcm_s16le", "aac"),
        ("a.ts", "ac3", "aac"),
    ],
)
def test_sound_comes_along(line: VideoLine, tmp_path: Path, name: str, codec: str, kept: str) -> None:
    """Copied where MP4 and browsers take it, else as AAC; as long as it was, and in time."""
    source, out = make_clip(tmp_path / name, sound=codec), tmp_path / "out"
    line.run(source, out)
    (kept_codec, heard), (_, original) = heard_in(out / "annotated.mp4"), heard_in(source)
    assert kept_codec.startswith(kept)
    assert heard == pytest.approx(original, abs=0.08)
    assert len(annotated(out)) == FRAMES


@pytest.mark.parametrize("forms", [(STEREO, MONO), (MONO, STEREO), (STEREO, SURROUND, MONO)])
def test_sound_may_change_its_form(line: VideoLine, tmp_path: Path, forms: tuple[tuple[int, str], ...]) -> None:
    """As in recordings of television: all of it is heard, in the form that it began with."""
    parts = [
        make_clip(tmp_path / f"{number}.ts", sound="ac3", sound_form=form, first=number * FRAMES)
        for number, form in enumerate(forms)
    ]
    line.run(join(tmp_path / "a.ts", parts), tmp_path / "out")
    assert len(annotated(tmp_path / "out")) == len(forms) * FRAMES
    with av.open(str(tmp_path / "out" / "annotated.mp4")) as container:
        heard = list(container.decode(audio=0))
    assert heard[-1].time == pytest.approx(len(forms) * FRAMES / FPS, abs=0.2)
    assert sum(frame.samples / frame.sample_rate for frame in heard) == pytest.approx(len(forms) * FRAMES / FPS, abs=0.2)
    loud = [float(np.abs(frame.to_ndarray()).max()) > 0.1 for frame in heard]
    assert sum(loud) / len(loud) > 0.9


@pytest.mark.parametrize("sound", ["aac", "ac3"])
@pytest.mark.parametrize("firsts", [(0, 0, 0), (0, 100 * FPS, 5 * FPS), (50 * FPS, 0, 20 * FPS)])
def test_sound_stays_with_the_picture_where_times_jump(
    line: VideoLine, tmp_path: Path, sound: str, firsts: tuple[int, ...]
) -> None:
    """Both go on, and nothing but what lies across a jump is missing."""
    source = make_joined(tmp_path / "a.ts", firsts=firsts, frames=FRAMES, sound=sound)
    line.run(source, tmp_path / "out", annotated=True)
    with av.open(str(tmp_path / "out" / "annotated.mp4")) as container:
        heard = list(container.decode(audio=0))
    assert annotated(tmp_path / "out")[-1] == pytest.approx((3 * FRAMES - 1) / FPS, abs=2e-3)
    assert heard[-1].time == pytest.approx(3 * FRAMES / FPS, abs=0.2)
    assert sum(frame.samples for frame in heard) / SOUND_RATE == pytest.approx(3 * FRAMES / FPS, abs=0.4)


def test_sound_that_nobody_can_decode_is_left_out(line: VideoLine, tmp_path: Path) -> None:
    """The pictures are checked all the same."""
    source = make_clip(tmp_path / "a.mkv", sound="ac3")
    source.write_bytes(source.read_bytes().replace(b"A_AC3", b"A_ZZ3"))
    summary = line.run(source, tmp_path / "out")
    assert summary.frames == len(annotated(tmp_path / "out")) == FRAMES
    with av.open(str(tmp_path / "out" / "annotated.mp4")) as container:
        assert not container.streams.audio


def test_tracks_say_when_and_where_something_was_seen(line: VideoLine, tmp_path: Path) -> None:
    """First, last, how often, and the best frame with its box."""
    out = tmp_path / "out"
    summary = line.run(make_clip(tmp_path / "a.mp4"), out)
    (track,), (told,) = summary.tracks, results(out)["tracks"]
    assert (track.frames, track.first_s, track.best_frame) == (FRAMES, 0.0, 0)
    assert track.last_s == pytest.approx((FRAMES - 1) / FPS)
    assert told["track_id"] == 1
    assert told["name"] == "firearm"
    assert told["box"] == results(out)["frames"][told["best_frame"]]["results"][0]["box"]


def test_the_table_has_a_line_for_each_detection(line: VideoLine, tmp_path: Path) -> None:
    """CSV with frame, time and track."""
    out = tmp_path / "out"
    line.run(make_clip(tmp_path / "a.mp4"), out)
    rows = list(csv.DictReader((out / "detections.csv").read_text().splitlines()))
    assert [int(row["frame"]) for row in rows] == list(range(FRAMES))
    assert {row["track_id"] for row in rows} == {"1"}
    assert float(rows[3]["time_s"]) == pytest.approx(3 / FPS, abs=1e-3)


def test_coco_knows_frames_and_tracks(line: VideoLine, tmp_path: Path) -> None:
    """One image a frame, and annotations that refer to them."""
    out = tmp_path / "out"
    line.run(make_clip(tmp_path / "a.mp4"), out, forms=("coco",))
    document = json.loads((out / "detections.coco.json").read_text())
    assert [image["frame_id"] for image in document["images"]] == list(range(FRAMES))
    assert [one["image_id"] for one in document["annotations"]] == [image["id"] for image in document["images"]]
    assert {one["track_id"] for one in document["annotations"]} == {1}
    assert document["videos"][0]["frames"] == FRAMES
    assert not (out / "detections.json").exists()


def test_every_third_frame_can_be_checked(pools: Callable[[FakeDetector], DetectorPool], tmp_path: Path) -> None:
    """The first one is; the video keeps all frames, with the last boxes; the result names it."""
    detector, out = FakeDetector(), tmp_path / "out"
    summary = make_line(pools(detector)).run(make_clip(tmp_path / "a.mp4"), out, every=3)
    document = results(out)
    assert len(detector.options) == summary.checked == 7
    assert [row["frame"] for row in document["frames"]] == [0, 3, 6, 9, 12, 15, 18]
    assert (document["every"], summary.frames, len(annotated(out))) == (3, FRAMES, FRAMES)
    # The edge of the box in frame 8 is where the square was in frame 6.
    left, top = square_at(6)
    shown = decoded(out)[8].to_ndarray(format="bgr24")
    assert shown[top + SIDE_PX // 2, left - 1].tolist() != pytest.approx([110] * 3, abs=30)


def test_a_track_outlives_long_gaps_between_checks(line: VideoLine, tmp_path: Path) -> None:
    """Checked once in two seconds, it is still one object."""
    out = tmp_path / "out"
    still = [index * 1000 for index in range(8)]
    summary = line.run(make_clip(tmp_path / "a.mkv", frames=8, times_ms=still, fps=1), out, every=2)
    assert [track.frames for track in summary.tracks] == [4]


def test_without_annotated_video_there_are_results_alone(line: VideoLine, tmp_path: Path) -> None:
    """Previews come all the same, fewer of them."""
    previews: list[Frame] = []
    out = tmp_path / "out"
    line.run(make_clip(tmp_path / "a.mp4"), out, annotated=False, on_preview=previews.append)
    assert sorted(path.name for path in out.iterdir()) == ["detections.csv", "detections.json"]
    assert 1 <= len(previews) < FRAMES


def test_previews_show_the_boxes(line: VideoLine, tmp_path: Path) -> None:
    """Each frame of the annotated video, in order."""
    previews: list[Frame] = []
    line.run(make_clip(tmp_path / "a.mp4"), tmp_path / "out", on_preview=previews.append)
    assert [preview.index for preview in previews] == list(range(FRAMES))
    assert {preview.layout for preview in previews} == {PixelLayout.I420}
    left, top = square_at(0)
    assert int(previews[0].pixels[top + SIDE_PX // 2, left - 1]) != int(previews[0].pixels[5, 150])


def test_progress_ends_with_everything(pools: Callable[[FakeDetector], DetectorPool], tmp_path: Path) -> None:
    """At most five a second by the clock, never backwards, and one at the end."""
    told: list[VideoProgress] = []
    ticks = iter(index * 0.05 for index in range(10_000))
    line = VideoLine(
        pool=pools(FakeDetector()),
        options=DetectOptions(0.4, 0.7),
        annotator=BoxAnnotator(FAKE_MODEL.labels),
        clock=lambda: next(ticks),
    )
    line.run(make_clip(tmp_path / "a.mp4"), tmp_path / "out", on_progress=told.append)
    done = [progress.frames_done for progress in told]
    assert done == sorted(done)
    assert len(told) < FRAMES
    assert (told[-1].frames_done, told[-1].frames, told[-1].left_s) == (FRAMES, FRAMES, 0.0)


def test_stopping_leaves_complete_files(line: VideoLine, tmp_path: Path) -> None:
    """They hold what was finished, say that it is not all, and the video plays."""
    stop, out = threading.Event(), tmp_path / "out"
    source = make_clip(tmp_path / "a.mp4", frames=300, sound="aac")

    def stop_after_ten(frame: Frame) -> None:
        if frame.index == 10:
            stop.set()

    summary = line.run(source, out, on_preview=stop_after_ten, stop=stop)
    document = results(out)
    assert 10 < summary.frames < 300
    assert (document["complete"], summary.complete) == (False, False)
    assert len(document["frames"]) == len(annotated(out)) == summary.frames
    assert heard_in(out / "annotated.mp4")[1] == pytest.approx(summary.duration_s, abs=0.1)


@pytest.mark.parametrize("annotated", [True, False])
def test_stopping_before_the_first_frame_leaves_nothing(line: VideoLine, tmp_path: Path, *, annotated: bool) -> None:
    """Neither results without a row nor half a video."""
    stop, out = threading.Event(), tmp_path / "out"
    stop.set()
    with pytest.raises(Stopped):
        line.run(make_clip(tmp_path / "a.mp4"), out, annotated=annotated, stop=stop)
    assert list(out.iterdir()) == []


def test_pictures_that_grow_above_the_limit_are_refused(pools: Callable[[FakeDetector], DetectorPool], tmp_path: Path) -> None:
    """A header may say less than comes; as many pixels as the limit are fine."""
    source, out = make_changing(tmp_path / "a.ts"), tmp_path / "out"
    reason = r"Its pictures are 240x120, the limit is 28,799 pixels \(videos.max_pixels\)."
    with pytest.raises(TooLarge, match=reason):
        make_line(pools(FakeDetector()), max_pixels=240 * 120 - 1).run(source, out)
    assert list(out.iterdir()) == []
    assert make_line(pools(FakeDetector()), max_pixels=240 * 120).run(source, out).frames == FRAMES


PLAYLIST = "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"
REFUSED: dict[str, tuple[Make, type[Exception], str]] = {
    "text": (lambda folder: text(folder / "a.mp4"), UnsupportedFormat, "a.mp4 is not a video. MP4, MOV"),
    "a playlist": (
        lambda folder: text(folder / "a.m3u8", PLAYLIST),
        UnsupportedFormat,
        "not a video",
    ),
    "sound alone": (lambda folder: make_sound(folder / "a.m4a"), Unprocessable, "sound but no picture"),
    "MP3": (lambda folder: make_sound(folder / "a.mp3", codec="libmp3lame"), Unprocessable, "sound but no picture"),
    "no frames": (lambda folder: make_empty(folder / "a.mp4"), Unprocessable, "ends after 0 frames"),
    "no index": (lambda folder: cut(make_clip(folder / "a.mp4"), share=0.6), Unprocessable, "damaged or ends too early"),
    "nothing": (lambda folder: text(folder / "a.mp4", ""), UnsupportedFormat, "not a video"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_checked_is_told(line: VideoLine, tmp_path: Path, kind: str) -> None:
    """A reason in words, and nothing is left behind."""
    make, error, reason = REFUSED[kind]
    with pytest.raises(error, match=reason):
        line.run(make(tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_picture_that_is_not_there_is_told(line: VideoLine, tmp_path: Path) -> None:
    """As the operating system says it."""
    with pytest.raises(FileNotFoundError):
        line.run(tmp_path / "gone.mp4", tmp_path / "out")


def test_a_detector_that_fails_ends_the_run(pools: Callable[[FakeDetector], DetectorPool], tmp_path: Path) -> None:
    """No thread stays, no half file stays."""
    before = threading.active_count()
    pool = pools(FakeDetector(failure=ValueError("broken")))
    with pytest.raises(DetectorFailed, match="broken"):
        make_line(pool).run(make_clip(tmp_path / "a.mp4", frames=100), tmp_path / "out")
    assert threading.active_count() == before + 2  # the pool's own
    assert list((tmp_path / "out").iterdir()) == []


def text(path: Path, content: str = "Dear all,") -> Path:
    """A file that is no video."""
    path.write_text(content)
    return path


def decoded(out: Path) -> list[av.VideoFrame]:
    """The frames of the annotated video."""
    with av.open(str(out / "annotated.mp4")) as container:
        return list(container.decode(video=0))


def heard_in(path: Path) -> tuple[str, float]:
    """Codec of the sound, and how many seconds of it can be decoded."""
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
        return container.streams.audio[0].codec_context.name, samples / SOUND_RATE


@pytest.mark.parametrize(("name", "sound"), [("a.mp4", "aac"), ("a.ts", "ac3"), ("a.mkv", "flac")])
def test_changed_bytes_are_a_result_or_an_error_of_ours(line: VideoLine, tmp_path: Path, name: str, sound: str) -> None:
    """Whatever a file holds: its frames and rows agree, or there is a reason in words."""
    whole = make_clip(tmp_path / name, sound=sound, container={"movflags": "+faststart"} if name == "a.mp4" else None)
    chance, broken, data = random.Random(7), tmp_path / f"broken-{name}", whole.read_bytes()
    for number in range(12):
        changed = bytearray(data)
        for _ in range(1 + number):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        broken.write_bytes(changed)
        try:
            summary = line.run(broken, tmp_path / "out")
        except (UnsupportedFormat, Unprocessable):
            continue
        assert summary.frames == len(results(tmp_path / "out")["frames"]) == len(annotated(tmp_path / "out"))
