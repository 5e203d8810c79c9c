"""Tests of where API keys come from."""

import stat
from pathlib import Path

import pytest

from server.config.settings import Auth, Server, Settings
from server.domain.errors import SettingsError
from server.web.credentials import Keys, is_loopback, resolve_keys


def make_settings(tmp_path: Path, *, host: str = "127.0.0.1", auth: Auth | None = None) -> Settings:
    """Settings for one host."""
    return Settings(server=Server(host=host, data_dir=str(tmp_path / "data")), auth=auth or Auth())


def test_loopback_needs_no_key(tmp_path: Path) -> None:
    """On loopback no key is made, and nothing is written."""
    assert not resolve_keys(make_settings(tmp_path))
    assert not (tmp_path / "data").exists()


def test_other_addresses_get_a_key_that_is_kept(tmp_path: Path) -> None:
    """The first start makes a key readable to its owner alone; later starts find it."""
    settings = make_settings(tmp_path, host="0.0.0.0")
    first, second = resolve_keys(settings), resolve_keys(settings)
    assert first.values == second.values
    assert len(first.values[0]) >= 32
    assert first.file == tmp_path / "data" / "api-key"
    assert stat.S_IMODE(first.file.stat().st_mode) == 0o600


def test_a_generated_key_is_shown_until_somebody_has_seen_it(tmp_path: Path) -> None:
    """A start that ends before it could show the key leaves that to the next one; once shown it stays as it is."""
    settings = make_settings(tmp_path, host="0.0.0.0")
    first, second = resolve_keys(settings), resolve_keys(settings)
    assert first.unshown
    assert second.unshown
    second.mark_shown()
    third = resolve_keys(settings)
    assert not third.unshown
    assert third.values == first.values
    assert third.file is not None
    assert third.file.read_text() == f"{first.values[0]}\n"
    assert stat.S_IMODE(third.file.stat().st_mode) == 0o600


def test_insecure_makes_no_key(tmp_path: Path) -> None:
    """With `insecure` the server is open on any address."""
    assert not resolve_keys(make_settings(tmp_path, host="0.0.0.0", auth=Auth(insecure=True)))
    assert not (tmp_path / "data").exists()


def test_configured_keys_win(tmp_path: Path) -> None:
    """Keys of the settings and of the file are taken together; none is made."""
    file = tmp_path / "keys"
    file.write_text("# cameras\nsecond-key\n\n  third-key  \n")
    keys = resolve_keys(make_settings(tmp_path, host="0.0.0.0", auth=Auth(api_keys=["first-key"], api_keys_file=str(file))))
    assert keys.values == ("first-key", "second-key", "third-key")
    assert not keys.unshown


@pytest.mark.parametrize("key", ["", "with space", "schlüssel", "line\nbreak"])
def test_refuses_keys_that_cannot_be_sent(tmp_path: Path, key: str) -> None:
    """A key that fits into no header is refused at the start."""
    with pytest.raises(SettingsError, match="printable"):
        resolve_keys(make_settings(tmp_path, auth=Auth(api_keys=[key])))


def test_refuses_keys_together_with_insecure(tmp_path: Path) -> None:
    """Keys that would not be asked for are a mistake."""
    with pytest.raises(SettingsError, match="insecure"):
        resolve_keys(make_settings(tmp_path, auth=Auth(api_keys=["some-key"], insecure=True)))


def test_refuses_a_missing_key_file(tmp_path: Path) -> None:
    """A key file that is not there never means an open server."""
    with pytest.raises(SettingsError, match="cannot read"):
        resolve_keys(make_settings(tmp_path, auth=Auth(api_keys_file=str(tmp_path / "none"))))


def test_refuses_an_empty_key_file(tmp_path: Path) -> None:
    """Nor does an empty one."""
    (tmp_path / "keys").write_text("# nothing\n")
    with pytest.raises(SettingsError, match="holds no key"):
        resolve_keys(make_settings(tmp_path, auth=Auth(api_keys_file=str(tmp_path / "keys"))))


def test_refuses_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Where no key can be kept the server does not start."""
    (tmp_path / "data").write_text("a file in its place")
    with pytest.raises(SettingsError, match="cannot keep a generated key"):
        resolve_keys(make_settings(tmp_path, host="0.0.0.0"))


@pytest.mark.parametrize("content", ["", "\n", "two words\n"])
def test_refuses_a_damaged_generated_key(tmp_path: Path, content: str) -> None:
    """An empty file, as a full disk leaves it, never means an empty key."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "api-key").write_text(content)
    with pytest.raises(SettingsError, match="holds no key"):
        resolve_keys(make_settings(tmp_path, host="0.0.0.0"))


def test_finds_only_whole_keys() -> None:
    """A key is found by all of it, not by a part or another case."""
    keys = Keys(("alpha-key", "beta-key"))
    assert keys.find("beta-key") == "beta-key"
    assert [keys.find(shown) for shown in ("", "alpha", "ALPHA-KEY", "alpha-key ", "alpha-keyx", "ä\udc80")] == [None] * 6


def test_keys_are_not_shown_in_logs() -> None:
    """What is printed of keys does not contain them."""
    assert "alpha" not in repr(Keys(("alpha-key",)))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [(host, True) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost")]
    + [(host, False) for host in ("0.0.0.0", "::", "192.168.1.5", "sightline.example", "")],
)
def test_knows_loopback(host: str, *, loopback: bool) -> None:
    """Only addresses that no other machine reaches are loopback; an unknown name is not."""
    assert is_loopback(host) is loopback
