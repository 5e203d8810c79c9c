"""Errors that the inner layers raise; the web layer alone turns them into status codes.

SightlineError
├── InvalidRequest         a parameter or a body that cannot be meant
│   ├── TooLarge           more bytes or pixels than the limit
│   ├── UnsupportedFormat  a picture or body in a format that is not taken
│   ├── Outdated           meant for a state that is no longer the present one: an `If-Match` that does not match
│   └── Unprocessable      well-formed, but nothing can be done with it: a damaged picture, SDP without usable video
├── NotFound               no such stream or session
├── Busy                   no room now; `retry_after_s` says when to come back
│   ├── AtCapacity         every live session is taken
│   ├── Overloaded         more pictures are in work than are taken at once
│   ├── NotReady           the model is not loaded yet
│   └── Draining           the server is about to end
├── ModelError             the model cannot be loaded; the message is for the person who started the server
├── SettingsError          the settings cannot be used; likewise
└── DetectorFailed         the detector raised on one frame
"""


class SightlineError(Exception):
    """The root of all errors that Sightline raises on purpose."""


class InvalidRequest(SightlineError):
    """A parameter or a body that cannot be meant."""


class TooLarge(InvalidRequest):
    """More bytes or pixels than the limit."""


class UnsupportedFormat(InvalidRequest):
    """A format that is not taken."""


class Outdated(InvalidRequest):
    """Meant for a state that is no longer the present one: an `If-Match` that does not match."""


class Unprocessable(InvalidRequest):
    """Well-formed, but nothing can be done with it."""


class NotFound(SightlineError):
    """No such thing."""


class Busy(SightlineError):
    """No room now; `retry_after_s` says in how many seconds to come back."""

    def __init__(self, message: str, *, retry_after_s: int = 2) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AtCapacity(Busy):
    """Every live session is taken: `active` of `capacity`."""

    def __init__(self, message: str, *, capacity: int, active: int, retry_after_s: int = 15) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.capacity = capacity
        self.active = active


class Overloaded(Busy):
    """More pictures are in work than are taken at once."""


class NotReady(Busy):
    """The model is not loaded yet."""


class Draining(Busy):
    """The server takes no new work because it is about to end."""


class ModelError(SightlineError):
    """The model cannot be loaded."""


class SettingsError(SightlineError):
    """The settings cannot be used."""


class DetectorFailed(SightlineError):
    """The detector raised on one frame."""
