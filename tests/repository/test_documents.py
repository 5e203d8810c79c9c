"""The documents say what the code does."""

import re
from pathlib import Path

import msgspec
import pytest

from server.config.settings import Settings
from server.metrics import METRIC_NAMES

ROOT = Path(__file__).resolve().parents[2]


def test_every_setting_is_documented() -> None:
    """docs/configuration.md has a row for each setting, and none for what does not exist."""
    text = (ROOT / "docs/configuration.md").read_text()
    documented = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)`", text, re.MULTILINE))
    existing = {
        f"{section.name}.{field.name}"
        for section in msgspec.structs.fields(Settings)
        for field in msgspec.structs.fields(section.type)
    }
    assert documented == existing


def test_every_metric_is_documented() -> None:
    """docs/operations.md has a row for each metric, and none for what does not exist."""
    text = (ROOT / "docs/operations.md").read_text()
    assert set(re.findall(r"^\| `(sightline_[a-z_]+)`", text, re.MULTILINE)) == set(METRIC_NAMES)


def test_the_changelog_has_its_form() -> None:
    """Unreleased changes stand first, and every group under a version is one of Keep a Changelog's."""
    headings = re.findall(r"^(##+) (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    versions = [text for marks, text in headings if marks == "##"]
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", text) for text in versions[1:])
    groups = {text for marks, text in headings if marks == "###"}
    assert groups <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize(
    "word", ["help", "run", "test", "lint", "types", "e2e", "bench", "golden", "image", "security-table", "audit"]
)
def test_the_makefile_has_its_words(word: str) -> None:
    """Each word that the README and CONTRIBUTING use exists and has a line in `make help`."""
    assert re.search(rf"^{word}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_links_between_documents_lead_somewhere() -> None:
    """A relative link in a Markdown file names a file that is there."""
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "models").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
