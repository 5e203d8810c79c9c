"""The key file: named keys by their digests, in one file that several servers may share and that needs no database."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from server.config.settings import Settings
from server.domain.errors import Conflict, InvalidRequest, SettingsError
from server.web.api_key import KEY_BYTES, ApiKey, Right, api_key
from server.web.private_file import replace_private, turn

DEFAULT_NAME = "keys.json"
MOST_NAME_CHARACTERS = 60

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Stamp = tuple[int, int, int]


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One named key; digests in hexadecimal, the time in ISO 8601."""

    name: str
    right: Right
    sha256: Digest
    session_sha256: Digest
    created_at: str

    @property
    def key(self) -> ApiKey:
        """The key as the server compares it."""
        return ApiKey(self.name, self.right, bytes.fromhex(self.sha256), bytes.fromhex(self.session_sha256))


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: tuple[KeyEntry, ...]


class KeyFile:
    """Named keys in `path`. Everything here reads or writes files: never on the event loop.

    Writers take turns by a lock beside the file and put a complete new file in its place, so that readers need none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def stamp(self) -> Stamp | None:
        """Changes whenever the file does; None where there is none. Raises OSError."""
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def entries(self) -> tuple[KeyEntry, ...]:
        """The keys, oldest first; none where there is no file. Raises SettingsError."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=_Document).keys
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as exc:
            raise SettingsError(f"cannot read the keys in {self.path}: {exc.strerror or exc}") from exc
        except (msgspec.DecodeError, UnicodeError) as exc:
            raise SettingsError(f"the keys in {self.path} cannot be read, the file is damaged: {exc}") from exc

    def read(self) -> tuple[ApiKey, ...]:
        """The keys as the server compares them. Raises SettingsError."""
        return tuple(entry.key for entry in self.entries())

    def add(self, name: str, right: Right) -> str:
        """Makes a key of 256 random bits and returns it; nothing keeps it. InvalidRequest, and Conflict for a taken name."""
        if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > MOST_NAME_CHARACTERS:
            raise InvalidRequest(
                f"{name!r} is no name for a key: take 1 to {MOST_NAME_CHARACTERS} characters without spaces at the ends"
            )
        value = secrets.token_urlsafe(KEY_BYTES)
        key = api_key(value, name=name, right=right)
        created_at = datetime.now(UTC).isoformat(timespec="seconds")
        entry = KeyEntry(name, right, key.digest.hex(), key.session_digest.hex(), created_at)
        with self._turn():
            entries = self.entries()
            if any(other.name == name for other in entries):
                raise Conflict(f"there is a key named {name!r} already: revoke it first, or take another name")
            self._write((*entries, entry))
        return value

    def revoke(self, name: str) -> int:
        """Removes the key of that name and returns how many are left; InvalidRequest where there is none."""
        with self._turn():
            entries = self.entries()
            left = tuple(entry for entry in entries if entry.name != name)
            if len(left) == len(entries):
                raise InvalidRequest(f"there is no key named {name!r}: `sightline keys list` shows those that are")
            self._write(left)
        return len(left)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Holds the lock; failures of the disk inside become SettingsError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with turn(self.path.with_name(f"{self.path.name}.lock")):
                yield
        except OSError as exc:
            raise SettingsError(f"cannot keep keys in {self.path}: {exc.strerror or exc}") from exc

    def _write(self, entries: tuple[KeyEntry, ...]) -> None:
        content = msgspec.json.format(msgspec.json.encode(_Document(entries)), indent=2)
        replace_private(self.path, content + b"\n")


def key_file(settings: Settings) -> KeyFile:
    """The key file of these settings."""
    given = settings.auth.keys_file
    return KeyFile(Path(given).expanduser() if given else Path(settings.server.data_dir).expanduser() / DEFAULT_NAME)
