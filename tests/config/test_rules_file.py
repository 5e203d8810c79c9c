"""Tests of reading rules to try out."""

from pathlib import Path

import pytest

from server.config.rules_file import read_rules
from server.config.watching import Alerts
from server.domain.errors import InvalidRequest
from server.domain.region import NO_MASK, RegionKind

MASK = '[{kind = "ignore", points = [[0, 0], [0.5, 0], [0.5, 1]]}]'


def write(tmp_path: Path, text: str) -> Path:
    """A file of rules."""
    (tmp_path / "rules.toml").write_text(text)
    return tmp_path / "rules.toml"


@pytest.mark.parametrize(
    "text", [f"hits = 4\nmask = {MASK}", f"[alerts]\nhits = 4\nmask = {MASK}", f"mask = {MASK}\n[alerts]\nhits = 4"]
)
def test_rules_and_a_mask_are_read(text: str, tmp_path: Path) -> None:
    """As fields alone, and as a settings file has them."""
    rules, mask = read_rules(write(tmp_path, text))
    assert rules == Alerts(hits=4)
    (region,) = mask.regions
    assert (region.kind, region.points) == (RegionKind.IGNORE, ((0, 0), (0.5, 0), (0.5, 1)))


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    """Nothing needs to be said."""
    assert read_rules(write(tmp_path, "")) == (Alerts(), NO_MASK)


@pytest.mark.parametrize(
    "text", ["hits = ", "hitz = 3", 'hits = "many"', "alerts = 3", "mask = 3", 'mask = [{kind = "hide", points = []}]', MASK,
    'mask = [{kind = "watch", points = [[0, 0], [2, 0], [2, 2]]}]', "a = " + "[" * 5000, "a = " + "9" * 5000],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text: str, tmp_path: Path) -> None:
    """With the file's name."""
    with pytest.raises(InvalidRequest, match=r"rules\.toml: is no file of alert rules"):
        read_rules(write(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(InvalidRequest, match=r"rules\.toml"):
        read_rules(tmp_path / "rules.toml")
