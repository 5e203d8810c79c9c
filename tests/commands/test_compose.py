"""`sightline compose`: what it writes and prints, and how it ends."""

from pathlib import Path

from server.training.labelled_pictures import read_split
from tests.commands.running import run
from tests.drawn_set import write_drawn_set


def with_training_split(folder: Path) -> Path:
    """The drawn set with its pictures as training pictures, too."""
    data = write_drawn_set(folder)
    data.write_text(data.read_text() + "train: images/val\n")
    return data


def test_a_set_is_composed(tmp_path: Path) -> None:
    """It says how many of each kind there are, and which data.yaml to train with; exit code 0."""
    data, out = with_training_split(tmp_path / "set"), tmp_path / "out"
    none = [f"--count={kind}=0" for kind in ("pasted", "held", "others", "mined", "seen_by_camera")]
    code, printed, err = run(
        "compose",
        "--data",
        str(data),
        "--out",
        str(out),
        "--count",
        "tiles=3",
        "--count",
        "emptied=2",
        "--count",
        "enlarged=4",
        *none,
    )
    assert (code, err) == (0, "")
    assert "tiles            3\n" in printed
    assert printed.rstrip().endswith(f"sightline train --data {out / 'data.yaml'}")
    assert len(read_split(out / "data.yaml", split="train").pictures) == 31 + 9


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    """Exit code 2 and a sentence."""
    data = with_training_split(tmp_path / "set")
    for arguments, said in (
        (["--count", "tiles"], "tiles=200"),
        (["--count", "stars=3"], "there is no kind of composite 'stars'"),
        (["--mined", str(tmp_path / "no.json")], "is not there"),
    ):
        code, _, err = run("compose", "--data", str(data), "--out", str(tmp_path / "out"), *arguments)
        assert code == 2
        assert said in err
