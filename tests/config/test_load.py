"""Settings: layers, types and refusals."""

from pathlib import Path

import pytest

from server.config.load import load_settings
from server.config.settings import Settings
from server.domain.errors import SettingsError


def test_defaults_serve_on_loopback() -> None:
    """Without any setting the server listens on this machine only."""
    assert load_settings(file=None, environ={}, flags={}) == Settings()
    assert Settings().server.host == "127.0.0.1"


def test_later_layers_win(tmp_path: Path) -> None:
    """Flags beat the environment, which beats the file, which beats the defaults; what a layer leaves out stays."""
    file = tmp_path / "sightline.toml"
    file.write_text('[server]\nport = 1\nhost = "a"\ndata_dir = "d"\n')
    environ = {"SIGHTLINE_SERVER__PORT": "2", "SIGHTLINE_SERVER__HOST": "b"}
    settings = load_settings(file=file, environ=environ, flags={"server": {"port": "3"}})
    assert (settings.server.port, settings.server.host, settings.server.data_dir) == (3, "b", "d")


@pytest.mark.parametrize("value", ["one,two", " one , two ", '["one","two"]'])
def test_a_list_in_the_environment_is_commas_or_json(value: str) -> None:
    """Both ways to write a list mean the same."""
    settings = load_settings(file=None, environ={"SIGHTLINE_AUTH__API_KEYS": value}, flags={})
    assert settings.auth.api_keys == ["one", "two"]


def test_ice_servers_come_as_json_from_the_environment() -> None:
    """A list of tables is given as JSON."""
    environ = {"SIGHTLINE_WEBRTC__ICE_SERVERS": '[{"urls":["stun:stun.example"]}]'}
    assert load_settings(file=None, environ=environ, flags={}).webrtc.ice_servers[0].urls == ["stun:stun.example"]


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"SIGHTLINE_SERVER__PROT": "1"}, "prot"),
        ({"SIGHTLINE_SERVR__PORT": "1"}, "servr"),
        ({"SIGHTLINE_SERVER__PORT": "70000"}, "server.port"),
        ({"SIGHTLINE_SERVER__PORT": "many"}, "server.port"),
        ({"SIGHTLINE_MODEL__IMGSZ": "333"}, "model.imgsz"),
        ({"SIGHTLINE_AUTH__API_KEYS": "[1"}, "auth.api_keys"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(environ: dict[str, str], named: str) -> None:
    """An unknown key or an impossible value names its place."""
    with pytest.raises(SettingsError, match=named):
        load_settings(file=None, environ=environ, flags={})


@pytest.mark.parametrize("setting", ["AUTH__API_KEYS", "WEBRTC__ICE_SERVERS", "ALERTS__WEBHOOKS"])
def test_a_list_that_is_none_is_named_without_what_is_in_it(setting: str) -> None:
    """It may be a secret, and the line goes to logs."""
    with pytest.raises(SettingsError) as refused:
        load_settings(file=None, environ={f"SIGHTLINE_{setting}": "[s3cretword]"}, flags={})
    assert setting.lower().replace("__", ".") in str(refused.value)
    assert "s3cret" not in str(refused.value)


# The last two are no TOML errors to Python's reader; fuzzing has found them.
@pytest.mark.parametrize(
    "text", ["[server]\nport = '5000'\n", "[server\n", "port = 1\n", "a = " + "[" * 5000, "a = " + "9" * 5000]
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    """TOML has types, so text is no number there; broken TOML and keys outside a section are named too."""
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"wrong\.toml"):
        load_settings(file=file, environ={}, flags={})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A settings file that was asked for must be there."""
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_settings(file=tmp_path / "none.toml", environ={}, flags={})


def test_other_variables_are_left_alone() -> None:
    """Only SIGHTLINE_SECTION__KEY names a setting."""
    assert load_settings(file=None, environ={"SIGHTLINE_CONFIG": "x", "PATH": "y"}, flags={}) == Settings()
