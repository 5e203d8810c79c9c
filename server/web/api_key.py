"""An API key as the server knows it: its name, what it may, and digests of it, never the key itself."""

import enum
import hashlib
import hmac
from dataclasses import dataclass, field

# 256 random bits: a fast hash is enough to keep them by, as nobody can try so many.
KEY_BYTES = 32


class Right(enum.StrEnum):
    """What a key may; docs/keys.md has the table."""

    VIEW = "view"
    """All that changes nothing: looking, checking pictures; and saying what an alert is."""
    ADMIN = "admin"
    """Everything."""

    def covers(self, wanted: "Right") -> bool:
        """Whether whoever has this right may do what needs `wanted`."""
        return self is Right.ADMIN or wanted is Right.VIEW


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key: `digest` is its SHA-256, `session_digest` that of the token that stands for it in cookies.

    From both together neither the key nor the token can be had, so that whoever reads them is not let in by them.
    """

    name: str
    right: Right
    digest: bytes = field(repr=False)
    session_digest: bytes = field(repr=False)


def api_key(value: str, *, name: str, right: Right) -> ApiKey:
    """What the server keeps of the key `value`."""
    return ApiKey(name, right, digest=digest_of(value), session_digest=digest_of(session_token(value)))


def session_token(value: str) -> str:
    """What cookies carry in place of the key `value`, which cannot be had from it."""
    return hmac.new(_bytes(value), b"sightline session", hashlib.sha256).hexdigest()


def digest_of(text: str) -> bytes:
    """The SHA-256 of a key or token; all are equally long, so that comparing tells nothing about the key's length."""
    return hashlib.sha256(_bytes(text)).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
