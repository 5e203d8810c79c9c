"""Settings: files and environments of any content are read, or refused with one line."""

import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from server.config.load import load_settings
from server.config.rules_file import read_rules
from server.config.settings import Settings
from server.domain.errors import InvalidRequest, SettingsError
from tests.fuzz.bounds import bounded
from tests.fuzz.mutations import WORDS, mutated

FILES = [
    b'[server]\nport = 8080\ntrusted_proxies = ["10.0.0.0/8"]\n[live]\nmax_sessions = 4\n[auth]\napi_keys = ["a"]\n',
    b'[[cameras.entries]]\nname = "Gate"\nurl = "rtsp://10.0.0.1/live"\nconf = 0.5\n[cameras]\nenabled = true\n',
    b"[videos]\nmax_bytes = 1_000\nkeep_days = 1.5\n[alerts]\nsources = ['camera']\nexpire_s = 2026-01-01T00:00:00Z\n",
    b"a = " + b"[" * 5000,
    b"a = " + b"9" * 5000,
    b"[" + b"a." * 2000 + b"b]",
]
NAMES = [
    f"SIGHTLINE_{section.name}__{field.name}".upper()
    for section in msgspec.structs.fields(Settings)
    for field in msgspec.structs.fields(section.type)
]


@bounded(300)
@given(data=mutated(FILES))
def test_a_settings_file_is_read_or_refused(data: bytes) -> None:
    """One line says what is wrong."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        Path(file.name).write_bytes(data)
        with suppress(SettingsError):
            load_settings(file=Path(file.name), environ={}, flags={})
        with suppress(InvalidRequest):
            read_rules(Path(file.name))


@bounded(300)
@given(environ=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(WORDS) | st.text(max_size=20), max_size=3))
def test_an_environment_is_read_or_refused(environ: dict[str, str]) -> None:
    """Values of any kind for each setting."""
    with suppress(SettingsError):
        load_settings(file=None, environ=environ, flags={})
