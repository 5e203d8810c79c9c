"""API keys: where they come from, and whether one that a client shows is among them."""

import hashlib
import hmac
import ipaddress
import logging
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from server.config.settings import Settings
from server.domain.errors import SettingsError

logger = logging.getLogger(__name__)

GENERATED_KEY_FILE = "api-key"
# Stands below a generated key until it was shown: a start that ends before that must not lose it.
_UNSHOWN = "# not shown yet"
# Anything else cannot be sent in a header.
_SENDABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that open the server; without any it is open to everybody who reaches it.

    `unshown` tells that the one key was generated and that nobody has seen it yet: it is shown to the person who started the
    server, once. `file` is where a generated key is kept.
    """

    values: tuple[str, ...] = field(default=(), repr=False)
    unshown: bool = False
    file: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.values)

    def find(self, candidate: str) -> str | None:
        """The key that `candidate` is, None when it is none; takes the same time whichever it is."""
        given = _digest(candidate)
        matching = [key for key in self.values if hmac.compare_digest(_digest(key), given)]
        return matching[0] if matching else None

    def mark_shown(self) -> None:
        """Notes in `file` that the person who started the server has seen the key. Writes a file."""
        if self.file is not None and self.unshown:
            self.file.write_text(f"{self.values[0]}\n", "ascii")


def resolve_keys(settings: Settings) -> Keys:
    """The keys of the settings, else one that is generated and kept where the server is reached from outside.

    Reads and writes files. Raises SettingsError.
    """
    configured = configured_keys(settings)
    if configured:
        return Keys(configured)
    if settings.auth.insecure:
        return Keys()
    if is_loopback(settings.server.host):
        return Keys()
    return _generated(Path(settings.server.data_dir).expanduser() / GENERATED_KEY_FILE)


def configured_keys(settings: Settings) -> tuple[str, ...]:
    """The keys that the settings name, each once. Reads a file; raises SettingsError."""
    auth = settings.auth
    configured = (*auth.api_keys, *_read_keys(auth.api_keys_file))
    for key in configured:
        _check(key)
    if auth.insecure and configured:
        raise SettingsError("auth.insecure serves without a key, but keys are set: remove one of the two")
    return tuple(dict.fromkeys(configured))


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_keys(file: str) -> list[str]:
    if not file:
        return []
    try:
        lines = Path(file).expanduser().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"auth.api_keys_file: cannot read {file}: {exc}") from exc
    keys = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    if not keys:
        raise SettingsError(f"auth.api_keys_file: {file} holds no key")
    return keys


def _check(key: str) -> None:
    if not _SENDABLE.fullmatch(key):
        raise SettingsError("auth.api_keys: a key must be made of printable ASCII characters without spaces")


def _generated(file: Path) -> Keys:
    try:
        if not file.exists():
            return _generate(file)
        kept, _, note = file.read_text("ascii").strip().partition("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"cannot keep a generated key in {file}: {exc}; set auth.api_keys or server.data_dir") from exc
    if not _SENDABLE.fullmatch(kept):
        raise SettingsError(f"{file} holds no key: delete it to have another one made")
    return Keys((kept,), unshown=note == _UNSHOWN, file=file)


def _generate(file: Path) -> Keys:
    key = secrets.token_urlsafe(24)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Never readable to others, not even for the moment between making and chmod; O_EXCL: of two servers one wins.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(f"{key}\n{_UNSHOWN}\n")
    logger.info("made an API key, kept in %s", file)
    return Keys((key,), unshown=True, file=file)


def _digest(key: str) -> bytes:
    # Of equal length, so that comparing tells nothing about the key's.
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
