"""The generated key: made where the server is reached from outside and nobody has set one, and kept in the data folder."""

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
SENDABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A key that the server has made, and the file that keeps it.

    `unshown` tells that nobody has seen it yet: it is shown to the person who started the server, once.
    """

    value: str = field(repr=False)
    file: Path
    unshown: bool = False

    def mark_shown(self) -> None:
        """Notes in `file` that the person who started the server has seen the key. Writes a file."""
        if self.unshown:
            self.file.write_text(f"{self.value}\n", "ascii")


def generated_key_path(settings: Settings) -> Path:
    """Where a generated key is kept."""
    return Path(settings.server.data_dir).expanduser() / GENERATED_KEY_FILE


def generated_key(file: Path, *, make: bool) -> GeneratedKey | None:
    """The key in `file`; where there is none it is made, if `make` says so. Raises SettingsError."""
    try:
        if not file.exists():
            return _generate(file) if make else None
        kept, _, note = file.read_text("ascii").strip().partition("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"cannot keep a generated key in {file}: {exc}; set auth.api_keys or server.data_dir") from exc
    if not SENDABLE.fullmatch(kept):
        raise SettingsError(f"{file} holds no key: delete it to have another one made")
    return GeneratedKey(kept, file, unshown=note == _UNSHOWN)


def _generate(file: Path) -> GeneratedKey:
    key = secrets.token_urlsafe(24)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Never readable to others, not even for the moment between making and chmod; O_EXCL: of two servers one wins.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(f"{key}\n{_UNSHOWN}\n")
    logger.info("made an API key, kept in %s", file)
    return GeneratedKey(key, file, unshown=True)
