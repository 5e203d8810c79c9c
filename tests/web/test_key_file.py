"""Tests of the file that keeps named keys."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from server.domain.errors import Conflict, InvalidRequest, SettingsError
from server.web.api_key import Right, digest_of, session_token
from server.web.key_file import MOST_NAME_CHARACTERS, KeyFile
from tests.conftest import REPOSITORY


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    """A key file that is not there yet."""
    return KeyFile(tmp_path / "data" / "keys.json")


def test_keeps_names_rights_and_digests(file: KeyFile) -> None:
    """What was added is read again, in its order, by the SHA-256 of the key and of its session token."""
    viewer, admin = file.add("gate", Right.VIEW), file.add("Ann's laptop", Right.ADMIN)
    first, second = file.read()
    assert (first.name, first.right, first.digest) == ("gate", Right.VIEW, digest_of(viewer))
    assert (second.name, second.right, second.session_digest) == ("Ann's laptop", Right.ADMIN, digest_of(session_token(admin)))


def test_a_key_has_256_bits(file: KeyFile) -> None:
    """43 characters of base64 for URLs; no two are alike."""
    values = {file.add(f"key {number}", Right.VIEW) for number in range(5)}
    assert len(values) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in values)


def test_nothing_on_the_disk_tells_a_key(file: KeyFile) -> None:
    """No file beside or in the folder has the key or its session token, and only the owner can read any of them."""
    value = file.add("gate", Right.VIEW)
    written = sorted(file.path.parent.iterdir())
    assert [one.name for one in written] == ["keys.json", "keys.json.lock"]
    for one in written:
        assert value.encode() not in one.read_bytes()
        assert session_token(value).encode() not in one.read_bytes()
        assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_revokes_one_and_leaves_the_others(file: KeyFile) -> None:
    """The name is free again; how many are left is told."""
    file.add("gate", Right.VIEW)
    file.add("door", Right.VIEW)
    assert file.revoke("gate") == 1
    assert [key.name for key in file.read()] == ["door"]
    file.add("gate", Right.ADMIN)
    assert [key.name for key in file.read()] == ["door", "gate"]


def test_refuses_a_taken_name(file: KeyFile) -> None:
    """A key is not replaced by accident: the one that is there goes on."""
    file.add("gate", Right.VIEW)
    before = file.read()
    with pytest.raises(Conflict, match="revoke it first"):
        file.add("gate", Right.ADMIN)
    assert file.read() == before


@pytest.mark.parametrize("name", ["", " ", " gate", "gate ", "a\nb", "a\x1b[31m", "x" * (MOST_NAME_CHARACTERS + 1)])
def test_refuses_names_that_cannot_be_read(file: KeyFile, name: str) -> None:
    """A name stands in logs and on the page."""
    with pytest.raises(InvalidRequest, match="is no name for a key"):
        file.add(name, Right.VIEW)
    assert file.stamp() is None


def test_refuses_to_revoke_what_is_not_there(file: KeyFile) -> None:
    """Whoever mistypes the name must not think that it is done."""
    file.add("gate", Right.VIEW)
    with pytest.raises(InvalidRequest, match="no key named 'gaet'"):
        file.revoke("gaet")
    assert len(file.read()) == 1


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b'{"keys": 5}',
    b'{"keys": [], "more": 1}',
    b'{"keys": [{"name": "a", "right": "root", "sha256": "00", "session_sha256": "00", "created_at": "x"}]}',
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_told_of_and_left_as_it_is(file: KeyFile, content: bytes) -> None:
    """Neither reading, nor adding, nor revoking takes it for one without keys."""
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    with pytest.raises(SettingsError, match="the file is damaged"):
        file.read()
    with pytest.raises(SettingsError, match="the file is damaged"):
        file.add("gate", Right.VIEW)
    with pytest.raises(SettingsError, match="the file is damaged"):
        file.revoke("gate")
    assert file.path.read_bytes() == content


def test_a_write_that_fails_leaves_what_was_there(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is a sentence; the keys stay, and nothing half-written does."""
    file.add("gate", Right.VIEW)
    before = file.path.read_bytes()

    def no_room(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(SettingsError, match="No space left"):
        file.add("door", Right.VIEW)
    assert file.path.read_bytes() == before
    assert sorted(one.name for one in file.path.parent.iterdir()) == ["keys.json", "keys.json.lock"]


def test_follows_no_link_in_place_of_the_lock(file: KeyFile, tmp_path: Path) -> None:
    """Whoever owns the folder cannot have root write elsewhere."""
    file.path.parent.mkdir()
    other = tmp_path / "other"
    other.write_text("not ours")
    file.path.with_name("keys.json.lock").symlink_to(other)
    with pytest.raises(SettingsError, match="cannot keep keys"):
        file.add("gate", Right.VIEW)
    assert other.read_text() == "not ours"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
def test_what_root_adds_belongs_to_the_server(file: KeyFile) -> None:
    """`sudo sightline keys add` in the folder of a server of its own user leaves files that this user can read and write."""
    file.path.parent.mkdir()
    os.chown(file.path.parent, 1234, 1235)
    file.add("gate", Right.VIEW)
    assert {(one.stat().st_uid, one.stat().st_gid) for one in file.path.parent.iterdir()} == {(1234, 1235)}


ADD = "import sys; from pathlib import Path; from server.web.key_file import KeyFile, Right\n"
ADD += "for n in range(15): KeyFile(Path(sys.argv[1])).add(f'{sys.argv[2]} {n}', Right.VIEW)"


def test_two_processes_add_at_once(file: KeyFile) -> None:
    """Neither loses a key of the other."""
    command = [sys.executable, "-c", ADD, str(file.path)]
    both = [subprocess.Popen([*command, name], cwd=REPOSITORY) for name in ("left", "right")]
    assert [one.wait(60) for one in both] == [0, 0]
    assert {key.name for key in file.read()} == {f"{side} {number}" for side in ("left", "right") for number in range(15)}


def test_its_stamp_changes_with_it(file: KeyFile) -> None:
    """A server that looks at the stamp alone misses no change."""
    stamps = {file.stamp()}
    for change in (lambda: file.add("a", Right.VIEW), lambda: file.add("b", Right.VIEW), lambda: file.revoke("a")):
        change()
        stamps.add(file.stamp())
    assert len(stamps) == 4


def test_the_form_of_the_file_is_the_documented_one(file: KeyFile) -> None:
    """Other programs may write it: docs/keys.md has these fields."""
    value = file.add("gate", Right.VIEW)
    (entry,) = msgspec.json.decode(file.path.read_bytes())["keys"]
    assert set(entry) == {"name", "right", "sha256", "session_sha256", "created_at"}
    assert entry["sha256"] == digest_of(value).hex()
