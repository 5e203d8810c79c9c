"""`sightline export`: what it refuses; tests/training has the exports themselves."""

import pytest

from tests.commands.running import run


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("no/such.pt",), "no/such.pt"),
        (("README.md", "--imgsz", "333"), "333"),
        (("README.md", "--format", "int8"), "--calibration"),
        (("README.md", "--format", "int8", "--calibration", "no/data.yaml"), "no/data.yaml"),
    ],
)
def test_an_export_that_cannot_be_made_is_one_line(arguments: tuple[str, ...], named: str) -> None:
    """Exit code 2, and standard output stays empty: scripts take the path from there."""
    code, printed, err = run("export", *arguments)
    (line,) = err.splitlines()
    assert (code, printed) == (2, "")
    assert named in line
