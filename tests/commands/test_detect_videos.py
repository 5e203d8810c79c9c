"""`sightline detect` on videos, alone and among pictures, with the delivered model."""

import json
import signal
import threading
import time
from pathlib import Path

import av
import pytest

from server.commands.detect_summary import Summary
from server.commands.detect_videos import check_videos
from server.commands.detect_work import DetectOrder, DetectWork
from server.config.settings import Settings
from server.domain.detection import DetectOptions
from server.inference.pool import DetectorPool
from server.media.picture_files import PictureFile
from tests.commands.running import run, start
from tests.fakes import FakeDetector
from tests.scenes import CLIP_S, draw_frame
from tests.video_clips import frame_times, make_clip, make_sound
from tests.web.pictures import picture_file

pytestmark = pytest.mark.usefixtures("delivered_model_dir")
FRAMES, FPS = 30, 3


def draw_pistol(path: Path) -> Path:
    """The drawn pan over a table with a pistol, in few pictures."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = 640, 480, "yuv420p"
        for index in range(FRAMES):
            shot = draw_frame(index / FRAMES * CLIP_S)
            output.mux(video.encode(av.VideoFrame.from_ndarray(shot.bgr, format="bgr24")))
        output.mux(video.encode(None))
    return path


def test_pictures_and_videos_are_checked_together(tmp_path: Path) -> None:
    """Each video has a folder of its own, with the pistol where it was drawn; one line sums it up."""
    folder, out = tmp_path / "all", tmp_path / "out"
    (folder / "night").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(picture_file("JPEG"))
    draw_pistol(folder / "night" / "table.mp4")
    code, said, err = run("detect", str(folder), "--recursive", "--out", str(out))
    (line,) = said.splitlines()
    document = json.loads((out / "night" / "table" / "detections.json").read_text())
    assert (code, err) == (0, "")
    assert line.startswith(f"1 picture checked, 1 video with {FRAMES} frames checked, ")
    assert [file["file"] for file in json.loads((out / "detections.json").read_text())["pictures"]] == ["a.jpg"]
    assert [row["frame"] for row in document["frames"]] == list(range(FRAMES))
    assert len(frame_times(out / "night" / "table" / "annotated.mp4")) == FRAMES
    middle = document["frames"][FRAMES // 4]
    (drawn,) = draw_frame(FRAMES // 4 / FRAMES * CLIP_S).boxes
    found = [result["box"] for result in middle["results"] if result["name"] == "firearm"]
    assert any(abs(box["x1"] - drawn[0]) < 30 and abs(box["x2"] - drawn[2]) < 30 for box in found)
    assert {track["name"] for track in document["tracks"]} >= {"firearm"}


@pytest.mark.parametrize(("form", "name"), [("csv", "detections.csv"), ("coco", "detections.coco.json")])
def test_the_form_is_asked_for(tmp_path: Path, form: str, name: str) -> None:
    """Results alone, in that form, of every tenth frame."""
    source, out = make_clip(tmp_path / "a.mp4"), tmp_path / "out"
    code, _, _ = run("detect", str(source), "--out", str(out), "--format", form, "--no-video", "--every", "10")
    assert code == 0
    assert [path.name for path in (out / "a").iterdir()] == [name]


def test_what_cannot_be_checked_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    """Exit code 1, and no folder for what has no results."""
    folder, out = tmp_path / "all", tmp_path / "out"
    folder.mkdir()
    (folder / "letter.mp4").write_text("Dear all,")
    make_sound(folder / "song.mp4")
    make_clip(folder / "walk.mp4")
    code, said, err = run("detect", f"{folder}/*.mp4", "--out", str(out))
    assert code == 1
    assert "letter.mp4 is not a video" in err
    assert "song.mp4: It has sound but no picture." in err
    assert "2 could not be checked" in said
    assert [path.name for path in out.iterdir()] == ["walk"]


def test_no_results_are_named_where_there_are_none(tmp_path: Path) -> None:
    """Nobody looks for pictures that were not asked for, nor for a file that was not written."""
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear all,")
    code, said, _ = run("detect", str(letter), "--out", str(tmp_path / "out"))
    assert code == 1
    assert said.startswith("0 videos with 0 frames checked, 1 could not be checked, ")
    assert str(tmp_path) not in said


def test_ctrl_c_leaves_complete_files(tmp_path: Path) -> None:
    """The frames so far, playable, and the results say that they are not all."""
    source, out = make_clip(tmp_path / "long.mp4", frames=3000), tmp_path / "out"
    make_clip(tmp_path / "second.mp4")
    with start("detect", str(source), str(tmp_path / "second.mp4"), "--out", str(out)) as process:
        while not any(path.stat().st_size for path in out.rglob(".annotated.mp4.*")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, err = process.communicate(timeout=60)
    document = json.loads((out / "long" / "detections.json").read_text())
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in err
    assert document["complete"] is False
    assert 0 < len(document["frames"]) < 3000
    assert len(frame_times(out / "long" / "annotated.mp4")) == len(document["frames"])
    assert [path.name for path in out.iterdir()] == ["long"]


class SetWhenLookedAtAgain(threading.Event):
    """A wish to stop that comes between the begin of a video and its first frame."""

    looks = 0

    def is_set(self) -> bool:
        """From the second look on."""
        self.looks += 1
        return self.looks > 1


def test_ctrl_c_before_the_first_frame_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends as any other one does: exit code 130, and a line that says so."""
    source = PictureFile(make_clip(tmp_path / "a.mp4"), "a.mp4")
    order = DetectOrder(("a.mp4",), tmp_path / "out", "json", annotated=True, classes=(), recursive=False, every=1)
    pool, summary = DetectorPool(FakeDetector(), workers=1), Summary()
    try:
        work = DetectWork(order, pool, DetectOptions(0.4, 0.7), Settings())
        check_videos(work, [source, source], summary=summary, stop=SetWhenLookedAtAgain())
    finally:
        pool.close()
    assert (summary.exit_code, summary.videos, summary.failed) == (130, 0, 0)
    assert summary.text(None).startswith("0 videos with 0 frames checked, interrupted, the rest is left out, ")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("every", ["0", "-1", "often"])
def test_nonsense_is_refused(every: str, tmp_path: Path) -> None:
    """As argparse does."""
    code, _, err = run("detect", str(tmp_path), "--every", every)
    assert code == 2
    assert "--every" in err
