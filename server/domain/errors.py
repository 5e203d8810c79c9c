"""Errors that the inner layers raise; the web layer alone turns them into status codes.

SightlineError
├── InvalidRequest         a parameter or a body that cannot be meant
│   ├── TooLarge           more bytes or pixels than the limit
│   ├── UnsupportedFormat  a picture or body in a format that is not taken
│   ├── Conflict           meant for a state that the thing is not in: results of a video that is not done
│   ├── Outdated           meant for a state that is no longer the present one: an `If-Match` that does not match
│   └── Unprocessable      well-formed, but nothing can be done with it: a damaged picture, SDP without usable video
├── AddressRefused         an address that the policy of the settings does not allow
├── CameraFailed           a camera cannot be watched now; the message is a sentence for a person, without credentials
├── ChannelFailed          a message was not taken by a channel
├── ClipFailed             no clip can be made of what a source has sent
├── NotFound               no such stream, session or video
├── Busy                   no room now; `retry_after_s` says when to come back
│   ├── AtCapacity         every live session is taken
│   ├── Overloaded         more pictures are in work than are taken at once
│   ├── TooMany            one client has, or asks for, more than one client may
│   ├── NotReady           the model is not loaded yet
│   ├── RecordsUnavailable the database does not answer now
│   └── Draining           the server is about to end
├── NoRoom                 the disk, or what videos may take of it, has no room; `missing_bytes` says how much more is needed
├── NotOffered             this server does not do that; the message says why
├── Stopped                ended by a wish to stop, before there was anything to show for it
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


class Conflict(InvalidRequest):
    """Meant for a state that the thing is not in."""


class Outdated(InvalidRequest):
    """Meant for a state that is no longer the present one: an `If-Match` that does not match."""


class Unprocessable(InvalidRequest):
    """Well-formed, but nothing can be done with it."""


class AddressRefused(SightlineError):
    """An address that the policy of the settings does not allow; the message says what is."""


class CameraFailed(SightlineError):
    """A camera cannot be watched now.

    The message is a sentence for a person and holds no credentials. `unauthorised` means that it wants others, `stalled` that
    nothing comes any more over a connection that stood; `knock` that nothing answers there at all, so that it is worth
    listening for it.
    """

    def __init__(self, message: str, *, unauthorised: bool = False, stalled: bool = False, knock: bool = False) -> None:
        super().__init__(message)
        self.stalled = stalled
        self.unauthorised = unauthorised
        self.knock = knock


class ChannelFailed(SightlineError):
    """A message was not taken, as far as is known; the text is for a person and holds no secrets.

    `may_have_arrived` tells that the other side may have got it all the same, `retry` that another try may help.
    """

    def __init__(self, message: str, *, may_have_arrived: bool, retry: bool) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived
        self.retry = retry


class ClipFailed(SightlineError):
    """No clip can be made of what a source has sent."""


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


class TooMany(Busy):
    """One client has, or asks for, more than one client may, whoever else is there."""


class NotReady(Busy):
    """The model is not loaded yet."""


class RecordsUnavailable(Busy):
    """The database does not answer now: it is locked by another process, or out of reach."""


class Draining(Busy):
    """The server takes no new work because it is about to end."""


class NoRoom(SightlineError):
    """The disk, or what videos may take of it, has no room: `missing_bytes` more are needed."""

    def __init__(self, message: str, *, missing_bytes: int) -> None:
        super().__init__(message)
        self.missing_bytes = missing_bytes


class NotOffered(SightlineError):
    """Something that this server does not do."""


class Stopped(SightlineError):
    """Ended by a wish to stop, before there was anything to show for it."""


class ModelError(SightlineError):
    """The model cannot be loaded."""


class SettingsError(SightlineError):
    """The settings cannot be used."""


class DetectorFailed(SightlineError):
    """The detector raised on one frame."""
