"""Settings of cameras, alerts and the channels that tell of them."""

from typing import Annotated, Literal

from msgspec import Meta, field

from server.config.section import Count, Fraction, Positive, Section


class CameraEntry(Section, frozen=True):
    """A camera of the settings file; the fields are those of the API."""

    name: str
    url: str
    detect_url: str | None = None
    username: str | None = None
    password: str | None = None
    conf: Fraction | None = None
    classes: list[str] | None = None
    max_fps: Positive | None = None


class Cameras(Section, frozen=True):
    """Cameras that are watched around the clock."""

    enabled: bool = True
    """Watch cameras; without it, and where the data folder cannot be written, their addresses answer 501."""
    entries: list[CameraEntry] = []
    """Cameras of the settings file (TOML `[[cameras.entries]]`), known by name; others come from the page and the API."""
    max_cameras: Count = 32
    """Most cameras, switched off ones included; above it 409."""
    allowed_schemes: list[str] = field(default_factory=lambda: ["rtsp", "rtsps", "http", "https", "rtmp", "rtmps"])
    """Kinds of addresses that may be given."""
    allowed_networks: list[str] = field(default_factory=lambda: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"])
    """Networks (CIDR) in which cameras may be, after their names are resolved: the API is no way to other services."""
    allowed_files: list[str] = []
    """Folders and devices (`/dev/video0`) from which a file or device may be played as a camera, for trying out."""
    connect_timeout_s: Positive = 5
    """A camera that has not answered after this long is unreachable."""
    read_timeout_s: Positive = 4
    """A camera of which no picture comes for this long is stalled, and is connected to anew."""
    most_wait_s: Positive = 30
    """Longest wait between two tries; it begins with one second and doubles."""
    lost_after_s: Positive = 60
    """A camera that stays away for this long is told of through the channels."""


class Webhook(Section, frozen=True):
    """Somebody who is told by a POST."""

    name: str
    url: str
    secret: str = ""


class Alerts(Section, frozen=True):
    """When a person is told, and what is kept."""

    enabled: bool = True
    """Make alerts; without it, and where the data folder cannot be written, their addresses answer 501."""
    sources: list[Literal["camera", "webcam", "publisher"]] = field(default_factory=lambda: ["camera", "webcam", "publisher"])
    """What alerts are made from."""
    hits: Count = 3
    """Frames in which a tracked object must be seen, of the last `alerts.frames`."""
    frames: Count = 5
    """Frames that count, at most ten a second."""
    min_size_px: Annotated[float, Meta(ge=0)] = 0
    """Shortest longer side of an object in pixels of its frame; smaller ones make no alert."""
    cooldown_s: Annotated[float, Meta(ge=0)] = 60
    """Seconds after an alert in which its stream makes no further one."""
    rearm_s: Annotated[float, Meta(ge=0)] = 2
    """Seconds without any object above the confidence, until what appears next is something new."""
    before_s: Positive = 5
    """Seconds of the clip before the alert."""
    after_s: Positive = 5
    """Seconds of the clip after the alert."""
    max_ring_bytes: Count = 32 * 1024 * 1024
    """Encoded video that is held ready for clips, for each stream, in bytes."""
    expire_s: Positive = 900
    """A candidate that nobody has answered for this long expires."""
    keep_days: Positive = 30
    """Days after which an alert is removed with its pictures and clip; an open candidate never is."""
    max_total_bytes: Count = 10 * 1024**3
    """Bytes of pictures and clips; above it the oldest go, never those of an open candidate."""
    time_zone: str = ""
    """Time zone of schedules and messages (an IANA name); empty takes that of the machine."""
    public_url: str = ""
    """Address of this server as people reach it, for links in messages."""
    webhooks: list[Webhook] = []
    """Who is told by a POST (TOML `[[alerts.webhooks]]`): `name`, `url`, and `secret` for the signature."""


class Mqtt(Section, frozen=True):
    """Telling an MQTT broker, and through it Home Assistant; needs the extra `mqtt`."""

    host: str = ""
    """Address of the broker; empty turns it off."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 1883
    """Port of the broker."""
    username: str = ""
    """User, where the broker wants one."""
    password: str = ""
    """Its password."""
    tls: bool = False
    """Speak TLS with the broker."""
    topic: str = "sightline"
    """Topic under which everything is published."""
    discovery_topic: str = "homeassistant"
    """Topic of Home Assistant's discovery; empty turns it off."""


class Email(Section, frozen=True):
    """Telling by e-mail; needs the extra `email`."""

    host: str = ""
    """Mail server; empty turns it off."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 587
    """Its port."""
    username: str = ""
    """User, where the mail server wants one."""
    password: str = ""
    """Its password."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is protected."""
    sender: str = ""
    """Address that messages come from."""
    recipients: list[str] = []
    """Addresses that messages go to."""
