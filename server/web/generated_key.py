"""The generated key: made where the server is reached from outside and nobody has set one, and shown once."""

import logging
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from server.config.settings import Settings
from server.domain.errors import SettingsError
from server.web.api_key import KEY_BYTES, ApiKey, Right, api_key
from server.web.private_file import replace_private

logger = logging.getLogger(__name__)

GENERATED_KEY_FILE = "api-key"
NAME = "generated key"
# Stands below a generated key until it was shown: a start that ends before that must not lose it.
_UNSHOWN = "# not shown yet"
# What is left of it then: the digests of the key and of its session token.
_SHOWN = re.compile(r"sha256 ([0-9a-f]{64}) ([0-9a-f]{64})")
# Anything else cannot be sent in a header.
SENDABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A key that the server has made, and the file that keeps it.

    `unshown` is the key itself for as long as nobody has seen it: it is shown to the person who started the server, once.
    """

    key: ApiKey
    file: Path
    unshown: str = field(default="", repr=False)

    def is_kept(self) -> bool:
        """Whether `file` is still there: deleting it ends the key. Looks at the disk; raises OSError."""
        try:
            self.file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def mark_shown(self) -> None:
        """Leaves in `file` no more than what a key is recognised by. Writes a file; raises OSError."""
        if self.unshown:
            replace_private(self.file, f"sha256 {self.key.digest.hex()} {self.key.session_digest.hex()}\n".encode())


def generated_key_path(settings: Settings) -> Path:
    """Where a generated key is kept."""
    return Path(settings.server.data_dir).expanduser() / GENERATED_KEY_FILE


def generated_key(file: Path, *, make: bool) -> GeneratedKey | None:
    """The key in `file`; where there is none it is made, if `make` says so. Reads and writes files; raises SettingsError."""
    try:
        if not file.exists():
            return _generate(file) if make else None
        return _read(file)
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"cannot keep a generated key in {file}: {exc}; set auth.api_keys or server.data_dir") from exc


def _read(file: Path) -> GeneratedKey:
    kept, _, note = file.read_text("ascii").strip().partition("\n")
    if digests := _SHOWN.fullmatch(kept):
        return GeneratedKey(ApiKey(NAME, Right.ADMIN, *(bytes.fromhex(digest) for digest in digests.groups())), file)
    if not SENDABLE.fullmatch(kept):
        raise SettingsError(f"{file} holds no key: delete it to have another one made")
    found = GeneratedKey(api_key(kept, name=NAME, right=Right.ADMIN), file, unshown=kept)
    if note == _UNSHOWN:
        return found
    found.mark_shown()  # earlier versions kept the key itself
    return GeneratedKey(found.key, file)


def _generate(file: Path) -> GeneratedKey:
    value = secrets.token_urlsafe(KEY_BYTES)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Never readable to others, not even for the moment between making and chmod; O_EXCL: of two servers one wins.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(f"{value}\n{_UNSHOWN}\n")
    logger.info("made an API key, kept in %s", file)
    return GeneratedKey(api_key(value, name=NAME, right=Right.ADMIN), file, unshown=value)
