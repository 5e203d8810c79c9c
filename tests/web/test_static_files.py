"""Tests of serving files from one folder."""

import gzip
import os
from pathlib import Path

import pytest

from server.web.static_files import StaticFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a page, and a secret beside it."""
    static = tmp_path / "static"
    (static / "js").mkdir(parents=True)
    (static / "icons").mkdir()
    (static / "sign-in.html").write_text(
        '<script src="/static/js/sign-in.js"></script><link rel="modulepreload" href="/static/js/api.js">'
        '<use href="/static/icons.svg#i-warn">'
    )
    for name in ("js/sign-in.js", "js/api.js", "js/main.js", "icons/icon.svg", "icons.svg", "manifest.webmanifest"):
        (static / name).write_text("content " * 50)
    (static / ".hidden").write_text("hidden")
    (tmp_path / "secret.txt").write_text("secret")
    return static


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "js/../../secret.txt",
        "/etc/passwd",
        "",
        ".",
        "js",
        "none.js",
        ".hidden",
        "a\0b",
        "//etc/passwd",
        "x" * 9000,
    ],
)
def test_gives_nothing_else(folder: Path, path: str) -> None:
    """Folders, hidden files and everything outside the folder are not there."""
    assert StaticFiles(folder).read(path) is None


def test_gives_nothing_behind_a_link(folder: Path) -> None:
    """A link out of the folder leads nowhere."""
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    assert StaticFiles(folder).read("link.txt") is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.js", "text/javascript"),
        ("a.css", "text/css"),
        ("a.html", "text/html"),
        ("a.svg", "image/svg+xml"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.png", "image/png"),
        ("a.unknown", "application/octet-stream"),
    ],
)
def test_knows_content_types(folder: Path, name: str, kind: str) -> None:
    """Each file has the type that browsers insist on, whatever the system's table says."""
    (folder / name).write_bytes(b"content")
    file = StaticFiles(folder).read(name)
    assert file is not None
    assert file.content_type == kind


def test_compresses_text_that_gets_smaller(folder: Path) -> None:
    """Text has a gzip form; a picture and a tiny file have none."""
    (folder / "tiny.css").write_text("a{}")
    (folder / "a.png").write_bytes(b"content " * 50)
    files = StaticFiles(folder)
    script, tiny, picture = files.read("js/api.js"), files.read("tiny.css"), files.read("a.png")
    assert script is not None
    assert script.compressed is not None
    assert gzip.decompress(script.compressed) == script.content
    assert tiny is not None
    assert tiny.compressed is None
    assert picture is not None
    assert picture.compressed is None


def test_reads_a_changed_file_again(folder: Path) -> None:
    """Whoever works on the page sees the change at the next request."""
    files = StaticFiles(folder)
    before = files.read("js/api.js")
    (folder / "js/api.js").write_text("changed")
    os.utime(folder / "js/api.js", ns=(1, 1))
    after = files.read("js/api.js")
    assert before is not None
    assert after is not None
    assert after.content == b"changed"
    assert after.etag != before.etag


def test_only_what_the_sign_in_page_names_is_open(folder: Path) -> None:
    """Named files, the manifest and the icons are open; the rest is not."""
    files = StaticFiles(folder)
    opened = ("js/sign-in.js", "js/api.js", "icons.svg", "icons/icon.svg", "manifest.webmanifest")
    assert all(files.is_open(path) for path in opened)
    assert not any(files.is_open(path) for path in ("js/main.js", "index.html", "sign-in.html", "js/sign-in.js.map", ""))
