"""API keys: where they come from, and whether one that a client shows is among them."""

import hmac
import ipaddress
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from server.config.settings import Settings
from server.domain.errors import SettingsError
from server.web.api_key import ApiKey, Right, api_key, digest_of
from server.web.generated_key import SENDABLE, GeneratedKey, generated_key, generated_key_path
from server.web.key_file import KeyFile, key_file

logger = logging.getLogger(__name__)

# What the keys of the settings are called.
UNNAMED = "API key"


class Keys:
    """The keys that open the server; without any it is open to everybody who reaches it.

    `fixed` are those of the settings, for as long as the server runs, or the generated one, for as long as it has its file;
    `named` those of `file`, which may change. Once keys are asked for they are to the end: taking the last one away opens
    nothing.
    """

    def __init__(
        self,
        fixed: Sequence[ApiKey] = (),
        *,
        named: Sequence[ApiKey] = (),
        file: KeyFile | None = None,
        generated: GeneratedKey | None = None,
        required: bool = False,
    ) -> None:
        self.file = file
        self.generated = generated
        self._fixed = tuple(fixed)
        self._named = tuple(named)
        self._required = required or bool(self._fixed or self._named)

    def __bool__(self) -> bool:
        return self._required

    def __iter__(self) -> Iterator[ApiKey]:
        return iter((*self._fixed, *self._named))

    def find(self, candidate: str) -> ApiKey | None:
        """The key that `candidate` is, None when it is none; takes the same time whichever it is."""
        given = digest_of(candidate)
        matching = [key for key in self if hmac.compare_digest(key.digest, given)]
        return matching[0] if matching else None

    def replace_named(self, named: Sequence[ApiKey]) -> frozenset[ApiKey]:
        """Takes these in place of the named ones, and returns those that are no longer among them."""
        gone = frozenset(self._named) - frozenset(named)
        self._named = tuple(named)
        self._required = True
        return gone

    def end_generated(self) -> frozenset[ApiKey]:
        """Takes the generated key away, and returns what is gone: it, or nothing where there is none."""
        if self.generated is None:
            return frozenset()
        gone = frozenset((self.generated.key,))
        self.generated = None
        self._fixed = tuple(key for key in self._fixed if key not in gone)
        return gone


def resolve_keys(settings: Settings) -> Keys:
    """The keys of the settings and the named ones; where there are none and the server is reached from outside, one is made.

    Reads and writes files. Raises SettingsError.
    """
    configured = configured_keys(settings)
    if settings.auth.insecure:
        return Keys()
    file = key_file(settings)
    named, required = file.read(), file.stamp() is not None
    fixed = [api_key(value, name=UNNAMED, right=Right.ADMIN) for value in configured]
    generated = None
    if not configured and not is_loopback(settings.server.host):
        generated = generated_key(generated_key_path(settings), make=not required)
        fixed = [generated.key] if generated is not None else []
    if required and not fixed and not named:
        logger.warning("%s holds no key: nobody gets in until `sightline keys add` makes one", file.path)
    return Keys(fixed, named=named, file=file, generated=generated, required=required)


def configured_keys(settings: Settings) -> tuple[str, ...]:
    """The keys that the settings name, each once. Reads files; raises SettingsError."""
    auth = settings.auth
    configured = (*auth.api_keys, *_read_keys(auth.api_keys_file))
    for key in configured:
        _check(key)
    if auth.insecure and (configured or key_file(settings).entries()):
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
    if not SENDABLE.fullmatch(key):
        raise SettingsError("auth.api_keys: a key must be made of printable ASCII characters without spaces")
