"""Tests of where API keys come from."""

import hmac
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from server.config.settings import Auth, Server, Settings
from server.domain.errors import SettingsError
from server.web import credentials
from server.web.api_key import ApiKey, Right, api_key, digest_of
from server.web.credentials import Keys, is_loopback, resolve_keys
from server.web.generated_key import GeneratedKey
from server.web.key_file import key_file


def make_settings(tmp_path: Path, *, host: str = "127.0.0.1", auth: Auth | None = None) -> Settings:
    """Settings for one host."""
    return Settings(server=Server(host=host, data_dir=str(tmp_path / "data")), auth=auth or Auth())


def test_loopback_needs_no_key(tmp_path: Path) -> None:
    """On loopback no key is made, and nothing is written."""
    assert not resolve_keys(make_settings(tmp_path))
    assert not (tmp_path / "data").exists()


def made_by(settings: Settings) -> GeneratedKey:
    """The key that a start with these settings makes or finds."""
    made = resolve_keys(settings).generated
    assert made is not None
    return made


def test_other_addresses_get_a_key_that_is_kept(tmp_path: Path) -> None:
    """The first start makes a key readable to its owner alone; later starts find it."""
    settings = make_settings(tmp_path, host="0.0.0.0")
    first, second = made_by(settings), made_by(settings)
    assert first == second
    assert len(first.unshown) == 43  # 256 bits
    assert first.file == tmp_path / "data" / "api-key"
    assert stat.S_IMODE(first.file.stat().st_mode) == 0o600


def test_a_generated_key_is_kept_by_its_digests_once_it_was_shown(tmp_path: Path) -> None:
    """A start that ends before it could show the key leaves that to the next one; once shown nobody can read it again."""
    settings = make_settings(tmp_path, host="0.0.0.0")
    made_by(settings)
    value = made_by(settings).unshown
    made_by(settings).mark_shown()
    again = made_by(settings)
    assert again.unshown == ""
    assert value not in again.file.read_text()
    assert resolve_keys(settings).find(value) == again.key
    assert stat.S_IMODE(again.file.stat().st_mode) == 0o600


def test_takes_a_generated_key_of_an_earlier_version(tmp_path: Path) -> None:
    """It still opens the server, and is kept by its digests from now on."""
    file = tmp_path / "data" / "api-key"
    file.parent.mkdir()
    file.write_text("key-of-version-0.1\n")
    settings = make_settings(tmp_path, host="0.0.0.0")
    assert made_by(settings).unshown == ""
    assert "key-of-version" not in file.read_text()
    assert resolve_keys(settings).find("key-of-version-0.1") == made_by(settings).key


def test_insecure_makes_no_key(tmp_path: Path) -> None:
    """With `insecure` the server is open on any address."""
    assert not resolve_keys(make_settings(tmp_path, host="0.0.0.0", auth=Auth(insecure=True)))
    assert not (tmp_path / "data").exists()


def test_configured_keys_win(tmp_path: Path) -> None:
    """Keys of the settings and of the file are taken together; none is made."""
    file = tmp_path / "keys"
    file.write_text("# cameras\nsecond-key\n\n  third-key  \n")
    keys = resolve_keys(make_settings(tmp_path, host="0.0.0.0", auth=Auth(api_keys=["first-key"], api_keys_file=str(file))))
    found = [keys.find(f"{number}-key") for number in ("first", "second", "third")]
    assert found == list(keys)
    assert keys.generated is None


def test_named_keys_are_taken_beside_configured_ones(tmp_path: Path) -> None:
    """Each has its own rights; configured ones may do everything. No key is made where there are named ones."""
    settings = make_settings(tmp_path, host="0.0.0.0")
    value = key_file(settings).add("gate", Right.VIEW)
    alone = resolve_keys(settings)
    both = resolve_keys(make_settings(tmp_path, host="0.0.0.0", auth=Auth(api_keys=["first-key"])))
    assert [(key.name, key.right) for key in both] == [("API key", Right.ADMIN), ("gate", Right.VIEW)]
    assert [key.name for key in alone] == ["gate"]
    assert alone.find(value) == both.find(value) == next(iter(alone))
    assert not (tmp_path / "data" / "api-key").exists()


def test_a_key_file_without_keys_opens_nothing(tmp_path: Path) -> None:
    """Whoever revokes the last key does not open the server, on loopback neither, nor at the next start."""
    settings = make_settings(tmp_path)
    file = key_file(settings)
    file.add("gate", Right.ADMIN)
    file.revoke("gate")
    keys = resolve_keys(settings)
    assert bool(keys)
    assert list(keys) == []


def test_a_damaged_key_file_never_means_an_open_server(tmp_path: Path) -> None:
    """The server does not start, and says which file it is."""
    settings = make_settings(tmp_path)
    key_file(settings).add("gate", Right.ADMIN)
    (tmp_path / "data" / "keys.json").write_text('{"keys": [')
    with pytest.raises(SettingsError, match=r"keys\.json cannot be read, the file is damaged"):
        resolve_keys(settings)


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


def make_keys(*values: str) -> Keys:
    """Keys of these values, which are named as they are."""
    return Keys([api_key(value, name=value, right=Right.VIEW) for value in values])


def test_finds_only_whole_keys() -> None:
    """A key is found by all of it, not by a part or another case."""
    keys = make_keys("alpha-key", "beta-key")
    found = keys.find("beta-key")
    assert found is not None
    assert found.name == "beta-key"
    assert [keys.find(shown) for shown in ("", "alpha", "ALPHA-KEY", "alpha-key ", "alpha-keyx", "ä\udc80")] == [None] * 6


@pytest.mark.parametrize("shown", ["first", "second", "third", "none of them", ""])
def test_every_key_is_compared_and_in_constant_time(shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever key is shown, each digest goes through the comparison that always takes as long, and through no other."""
    compared: list[tuple[bytes, bytes]] = []

    def comparing(left: bytes, right: bytes) -> bool:
        compared.append((bytes(left), bytes(right)))
        return hmac.compare_digest(left, right)

    class OnlyCompared(bytes):
        __hash__ = bytes.__hash__

        def __eq__(self, other: object) -> bool:
            raise AssertionError("a digest is compared byte by byte")

    monkeypatch.setattr(credentials, "hmac", SimpleNamespace(compare_digest=comparing))
    keys = Keys([ApiKey(name, Right.VIEW, OnlyCompared(digest_of(name)), b"") for name in ("first", "second", "third")])
    keys.find(shown)
    assert compared == [(digest_of(name), digest_of(shown)) for name in ("first", "second", "third")]


def test_keys_are_not_shown_in_logs() -> None:
    """What is printed of keys contains neither them nor what they are recognised by."""
    (key,) = make_keys("alpha")
    printed = f"{make_keys('alpha')!r} {key!r}"
    assert key.digest.hex() not in printed
    assert str(key.digest) not in printed
    assert "digest" not in printed


@pytest.mark.parametrize(
    ("host", "loopback"),
    [(host, True) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost")]
    + [(host, False) for host in ("0.0.0.0", "::", "192.168.1.5", "sightline.example", "")],
)
def test_knows_loopback(host: str, *, loopback: bool) -> None:
    """Only addresses that no other machine reaches are loopback; an unknown name is not."""
    assert is_loopback(host) is loopback
