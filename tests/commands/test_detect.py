"""`sightline detect`: what it writes, and how it ends."""

import json
import signal
import time
from pathlib import Path

import pytest

from server.media.picture import decode, probe
from tests.commands.running import run, start
from tests.web.pictures import picture_file


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with two pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(picture_file("JPEG"))
    (folder / "b.png").write_bytes(picture_file())
    return folder


@pytest.mark.usefixtures("delivered_model_dir")
def test_a_folder_is_checked(pictures: Path, tmp_path: Path) -> None:
    """Annotated pictures, results, one summary line, exit code 0; no progress where there is no terminal."""
    code, out, err = run("detect", str(pictures), "--out", str(tmp_path / "out"))
    (line,) = out.splitlines()
    assert (code, err) == (0, "")
    assert line.startswith("2 pictures checked, ")
    assert line.endswith(str(tmp_path / "out" / "detections.json"))
    assert sorted(path.name for path in (tmp_path / "out" / "annotated").iterdir()) == ["a.jpg", "b.png"]
    document = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert [picture["file"] for picture in document["pictures"]] == ["a.jpg", "b.png"]


@pytest.mark.usefixtures("delivered_model_dir")
def test_a_damaged_picture_is_reported_and_the_others_go_on(pictures: Path, tmp_path: Path) -> None:
    """It is named on standard error, counted in the summary, and makes the exit code 1."""
    (pictures / "bad.jpg").write_bytes(picture_file("JPEG")[:-300])
    arguments = ("--out", str(tmp_path / "out"), "--format", "coco", "--no-video")
    code, out, err = run("detect", str(pictures), *arguments)
    assert code == 1
    assert "bad.jpg: the picture is damaged" in err
    assert "2 pictures checked" in out
    assert "1 could not be checked" in out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["detections.coco.json"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("no/such",), "no/such"),
        (("clip.mp4",), "no such file"),
        (("rtsp://camera/1",), "not checked by this command"),
        (("static/icons", "--classes", "unicorn"), "unicorn"),
        (("static/icons", "--model", "no/model"), "no/model"),
        (("static/icons", "--conf", "7"), "model.confidence"),
        (("static/icons", "--out", "README.md/below"), "cannot be written"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(arguments: tuple[str, ...], named: str, tmp_path: Path) -> None:
    """Nothing is checked when the order itself is wrong."""
    where = () if "--out" in arguments else ("--out", str(tmp_path / "out"))
    code, out, err = run("detect", *arguments, *where)
    (line,) = err.splitlines()
    assert (code, out) == (2, "")
    assert line.startswith("sightline: ")
    assert named in line
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("delivered_model_dir")
def test_ctrl_c_leaves_complete_files(pictures: Path, tmp_path: Path) -> None:
    """What was checked is written, what is written is whole, and the exit code is 130."""
    for number in range(600):
        (pictures / f"more-{number}.jpg").hardlink_to(pictures / "a.jpg")
    annotated = tmp_path / "out" / "annotated"
    with start("detect", str(pictures), "--out", str(tmp_path / "out")) as process:
        while not annotated.exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    document = json.loads((tmp_path / "out" / "detections.json").read_text())
    files = {path.name: path.read_bytes() for path in annotated.iterdir()}
    assert process.returncode == 130
    assert "interrupted" in out
    assert "Traceback" not in err
    assert document["complete"] is False
    assert set(files) == {picture["file"] for picture in document["pictures"]}
    assert all(decode(data, probe(data, max_pixels=100_000)).size for data in files.values())
