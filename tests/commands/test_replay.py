"""`sightline replay`: what it prints and writes, and how it ends."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server.training.metrics_file import read_metrics
from tests.commands.running import run, start
from tests.commands.table_clip import write_table_clip
from tests.server_process import REPOSITORY

CLIPS = REPOSITORY.parent / "shared" / "data" / "clips"


@pytest.fixture(scope="module")
def drawn_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene's clip, in which a pistol comes into the picture."""
    return write_table_clip(tmp_path_factory.mktemp("clips") / "table.mp4")


@pytest.mark.usefixtures("delivered_model_dir")
def test_alerts_of_a_video_are_told_with_their_pictures(drawn_clip: Path, tmp_path: Path) -> None:
    """As JSON, with the time from the raising; the picture lies in the folder."""
    (tmp_path / "raised.toml").write_text('"table.mp4" = 1.6\n')
    (tmp_path / "rules.toml").write_text("hits = 2\nframes = 3\n")
    files = ("--rules", str(tmp_path / "rules.toml"), "--raised", str(tmp_path / "raised.toml"), "--out", str(tmp_path / "out"))
    code, printed, err = run("replay", str(drawn_clip), *files, "--format", "json")
    assert (code, err) == (0, "")
    content = json.loads(printed)
    assert (content["rule"]["hits"], content["rule"]["cooldown_s"], content["complete"]) == (2, 60, True)
    (video,) = content["videos"]
    (alert,) = video["alerts"]
    assert video["time_to_alert_s"] == pytest.approx(alert["time_s"] - 1.6, abs=0.002)
    assert (alert["name"], video["early_alerts"], content["false_alarms"]["hours"]) == ("firearm", 0, 0)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [alert["picture"]]
    assert (tmp_path / "out" / alert["picture"]).read_bytes().startswith(b"\xff\xd8")


@pytest.mark.usefixtures("delivered_model_dir")
@pytest.mark.parametrize("form", ["text", "csv"])
def test_alerts_of_gun_free_video_are_false(form: str, drawn_clip: Path) -> None:
    """With the footage and the bound, or a line for each alert."""
    code, printed, err = run("replay", "--gun-free", str(drawn_clip), "--format", form)
    assert (code, err) == (0, "")
    if form == "text":
        assert printed.startswith("table.mp4: 4.0 s, 1 alert, all false\n")
        assert "false alarms: 1 in 0.1 minutes of gun-free footage; with 95 % certainty below" in printed
    else:
        (row,) = csv.DictReader(io.StringIO(printed))
        assert (row["video"], row["name"], row["judged"], row["picture"]) == ("table.mp4", "firearm", "false", "")


@pytest.mark.usefixtures("delivered_model_dir")
def test_ctrl_c_tells_what_was_replayed_whole(drawn_clip: Path, tmp_path: Path) -> None:
    """Exit code 130, no traceback; the video under way is not among it."""
    videos = [tmp_path / f"{number}.mp4" for number in range(40)]
    for video in videos:
        video.hardlink_to(drawn_clip)
    with start("replay", *map(str, videos), "--out", str(tmp_path / "out"), "--format", "json") as process:
        while not (tmp_path / "out").exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        printed, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    content = json.loads(printed)
    assert content["complete"] is False
    assert len(content["videos"]) < len(videos)


@pytest.mark.usefixtures("delivered_model_dir")
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "replay needs videos"),
        (("no/clip.mp4",), "no/clip.mp4"),
        (("VIDEO", "--rules", "no/rules.toml"), "no/rules.toml"),
        (("VIDEO", "--raised", "no/raised.toml"), "no/raised.toml"),
        (("VIDEO", "--out", "README.md/below"), "README.md"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(arguments: tuple[str, ...], named: str, drawn_clip: Path) -> None:
    """Nothing is printed when the order itself is wrong."""
    code, out, err = run("replay", *(str(drawn_clip) if one == "VIDEO" else one for one in arguments))
    (line,) = err.splitlines()
    assert (code, out) == (2, "")
    assert line.startswith("sightline: ")
    assert named in line


def test_it_needs_no_extra() -> None:
    """None of the libraries of training and evaluation is imported."""
    extras = "{'yaml', 'matplotlib', 'faster_coco_eval', 'ultralytics', 'torch', 'onnx'}"
    code = f"import sys, server.commands.replay; print(sorted({extras} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.shared
@pytest.mark.skipif(not CLIPS.is_dir(), reason="the clips lie outside the repository")
@pytest.mark.usefixtures("delivered_model_dir")
def test_real_clips_alert_as_they_were_evaluated() -> None:
    """With the settings as they are delivered: at the first of the alerts in metrics.json, and once in a sighting."""
    (evaluated,) = read_metrics(REPOSITORY / "models" / "firearm-yolov8n" / "metrics.json").clips.values()
    names = ("sofwerx_hall_aiming_720p.mp4", "roboflow_night_street_people_426x240.mp4")
    code, printed, _ = run("replay", *(str(CLIPS / name) for name in names), "--format", "json")
    assert code == 0
    alerts_s = {one["name"]: [alert["time_s"] for alert in one["alerts"]] for one in json.loads(printed)["videos"]}
    assert alerts_s == {one.name: one.alerts_s[:1] for one in evaluated.clips if one.name in names}
