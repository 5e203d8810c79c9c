"""All settings of the server, with their defaults."""

from typing import Annotated, Literal

from msgspec import Meta

from server.config.section import Count, Fraction, Port, Positive, Section
from server.config.watching import Alerts, Cameras, Email, Mqtt
from server.inference.letterbox import InputSize


class Server(Section, frozen=True):
    """Where the server listens and how it ends."""

    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback needs a key (see auth)."""
    port: Port = 5000
    """TCP port; 0 picks a free one."""
    data_dir: str = "~/.local/share/sightline"
    """Folder for what the server keeps between starts, such as a generated key."""
    source_url: str = ""
    """Where the source of this server is offered to its users (AGPL); empty offers a copy made by the server itself."""
    drain_s: Positive = 30
    """Seconds that running sessions get to end after SIGTERM."""
    trusted_proxies: list[str] = []
    """Networks (CIDR) of the proxies in front: X-Forwarded-For, -Proto and -Host are believed from these alone."""
    max_connections: Count | None = None
    """TCP connections at once; above it 503. Unset takes half of the files that the process may open."""
    max_connections_per_client: Count | None = None
    """TCP connections of one address at once, own ones and trusted proxies excepted; above it 503. Unset takes half of all."""
    max_requests_per_s: Annotated[float, Meta(ge=0)] = 500
    """Requests a second of one key, else of one address, twice as many at once; above it 429. 0 counts none."""
    max_event_streams: Count = 100
    """Pages that follow events at once; above it 503."""
    max_body_bytes: Count = 256 * 1024
    """Largest body in bytes of a request that brings neither picture, video nor offer."""
    header_timeout_s: Positive = 20
    """Seconds from the first byte of a request to the end of its headers; above it 408."""
    body_timeout_s: Positive = 120
    """Seconds in which a body must arrive, those of video files excepted; above it 408."""
    idle_timeout_s: Positive = 180
    """A connection on which no request comes for this long is closed; keep it longer than a proxy keeps its own."""


class Model(Section, frozen=True):
    """Which model is served."""

    path: str = ""
    """Folder with model.toml, OpenVINO folder, .onnx, .xml or .pt file; empty means the delivered one."""
    backend: Literal["auto", "openvino", "ultralytics"] = "auto"
    """Engine; auto takes openvino, and ultralytics for .pt files where its extra is installed."""
    confidence: Fraction | None = None
    """Default confidence; unset takes the model's own."""
    iou: Fraction = 0.7
    """Overlap above which the weaker of two boxes of one class is dropped (NMS)."""
    imgsz: InputSize | None = None
    """Longest side of the detector's input in pixels; unset takes the model's own."""
    precision: Literal["auto", "f32", "bf16", "int8"] = "auto"
    """What the model computes in. auto takes its INT8 form where it has one and the processor has VNNI, else bf16 where the
    processor is quick at it, else f32."""


class Inference(Section, frozen=True):
    """How detection uses the processor."""

    workers: Annotated[int, Meta(ge=0, le=32)] = 0
    """Worker threads, each with its own infer request; 0 takes one for two processors, from 2 to 4."""
    threads: Annotated[int, Meta(ge=0)] = 0
    """Threads of the engine; 0 takes all processors that this process may use."""
    hang_s: Positive = 30
    """A frame that takes the detector this long is given up, and its worker replaced: one must not hold up all others."""


class Predict(Section, frozen=True):
    """Pictures sent by POST."""

    default_format: Literal["base64", "json"] = "base64"
    """Answer to a request that names no format."""
    max_bytes: Count = 32 * 1024 * 1024
    """Largest body in bytes."""
    max_pixels: Count = 50_000_000
    """Largest picture in pixels, read from its header before it is decoded."""
    max_waiting: Count = 16
    """Pictures in work and waiting; above it 429."""


class Live(Section, frozen=True):
    """Live streams."""

    max_sessions: Count | None = None
    """Most live sessions at once; unset leaves it to what the detector was measured to manage."""
    min_detections_fps: Positive = 5
    """Detections a second that each live stream shall get: what was measured, shared out by this, is how many fit."""
    imgsz: InputSize | None = None
    """Longest side of the detector's input for live streams; unset adapts it, from the model's own down to `live.min_imgsz`."""
    min_imgsz: InputSize = 416
    """Smallest input that live streams are brought down to when many share the processor, or it is short."""
    mode: Literal["smooth", "exact"] = "smooth"
    """Default: every newest frame with the newest boxes, or only frames with their own boxes."""
    adapt_rate: bool = True
    """Under pressure send only pictures that were detected; without it `smooth` sends all, and their boxes may get older."""
    connect_timeout_s: Positive = 15
    """A peer that is not connected after this long is dropped."""
    media_timeout_s: Positive = 10
    """A peer that sends no video packets for this long is closed."""
    max_pixels: Count = 3840 * 2160
    """Largest picture of live video in pixels; a session that sends larger ones is ended."""
    max_sessions_per_client: Count | None = None
    """Live sessions of one key, else of one address; above it 429. Unset leaves all places to whoever comes first."""
    max_viewers_per_stream: Count = 16
    """Viewers of one stream at once, by WHEP and MJPEG; above it 503."""
    max_viewers: Count = 32
    """Viewers of all streams at once; above it 503."""
    max_viewers_per_client: Count | None = None
    """Of these those of one key, else of one address; above it 429. Unset leaves all places to whoever comes first."""
    viewer_stall_s: Positive = 10
    """A viewer over HTTP that reads nothing for this long is cut off."""
    max_frame_bytes: Count = 4 * 1024 * 1024
    """Largest JPEG frame, and largest message, of a WebSocket session in bytes; above it the session is closed (1009)."""
    max_controls_per_s: Positive = 50
    """Messages a second that a client's data channel or WebSocket may bring, frames excepted; the rest is left out."""
    max_frame_pixels: Count = 8_847_360
    """Largest JPEG frame of a WebSocket session in pixels (4096x2160), read from its header before it is decoded."""


class Videos(Section, frozen=True):
    """Video files, checked one after the other by a process of their own."""

    enabled: bool = True
    """Take video files; without it, and where the data folder cannot be written, their addresses answer 501."""
    max_bytes: Count = 2 * 1024**3
    """Largest upload in bytes."""
    max_duration_s: Positive = 7200
    """Longest video in seconds, as its headers say."""
    max_pixels: Count = 3840 * 2160
    """Largest picture of a video in pixels."""
    max_uploads: Count = 8
    """Uploads that arrive at once; above it 429."""
    max_queued: Count = 100
    """Videos that wait to be checked; above it 429."""
    upload_stall_s: Positive = 60
    """An upload of which nothing arrives for this long is given up; above it 408."""
    min_upload_bytes_per_s: Annotated[int, Meta(ge=0)] = 4096
    """An upload that is slower than this for as long as that is given up, as it would hold a place for ever."""
    keep_days: Positive = 7
    """Days after which a finished video is removed, upload and results."""
    max_total_bytes: Count = 50 * 1024**3
    """Bytes of finished videos and results; above it the oldest go. Uploads that wait may take as much again, then 507."""
    min_free_bytes: Annotated[int, Meta(ge=0)] = 1024**3
    """Bytes that stay free on the disk; an upload that would need them gets 507."""
    nice: Annotated[int, Meta(ge=0, le=19)] = 19
    """Priority of the process that checks: 19 leaves the processors to live streams, 0 takes its share of them."""
    threads: Annotated[int, Meta(ge=0)] = 0
    """Threads of the engine in that process; 0 takes all processors that it may use."""
    max_memory_bytes: Count = 4 * 1024**3
    """Memory of that process in bytes, its threads' stacks included."""
    max_cpu_s: Count = 86_400
    """Processor time that one check may take, in seconds."""
    max_result_bytes: Count = 16 * 1024**3
    """Largest file that one check may write, in bytes."""
    confine: Literal["auto", "off"] = "auto"
    """Have that process give up what it does not need, where Linux lets it: network, other programs, files of the server."""
    stall_s: Positive = 120
    """A check that gets no further and writes nothing for this long is ended and counts as crashed."""


class Storage(Section, frozen=True):
    """Records of video files, cameras and alerts."""

    url: str = ""
    """Database as SQLAlchemy takes it; empty means SQLite in the data folder."""


class IceServer(Section, frozen=True):
    """A STUN or TURN server, in the form browsers take."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class Webrtc(Section, frozen=True):
    """The media path of WebRTC."""

    ice_servers: list[IceServer] = []
    """STUN and TURN servers that both sides use; none by default."""
    public_address: str = ""
    """Address that stands in the answer in place of the private one, behind a 1:1 NAT; `auto` asks for it once at the start."""
    public_address_url: str = "https://checkip.amazonaws.com"
    """Who is asked by `auto`: a STUN server (`stun:host:port`) or a page that answers with the address alone (https)."""
    turn_urls: list[str] = []
    """TURN servers to which each client and session gets credentials of its own that end by themselves."""
    turn_secret: str = ""
    """What those servers sign credentials with (coturn: `static-auth-secret`)."""
    turn_ttl_s: Count = 86_400
    """Seconds for which such credentials hold: longer than a session, as the server may ask for them again."""
    max_sdp_bytes: Count = 64 * 1024
    """Largest offer, and largest body with candidates, in bytes; above it 413."""
    max_candidates: Count = 64
    """Candidates that can be used of one connection, in its offer and later; above it 413."""
    udp_port_min: Port = 0
    """First UDP port for media; 0 lets the system pick."""
    udp_port_max: Port = 0
    """Last UDP port for media."""
    early_release: bool = True
    """Hand a frame on at the RTP marker bit instead of at the next frame's first packet."""
    nack_retry: bool = True
    """Ask again for lost packets every 60 ms, and for a key frame after 400 ms."""
    seed_estimate: bool = True
    """Tell the sender `start_bitrate_bps` as the first bandwidth estimate, so that a browser does not scale its camera down."""
    bounded_decoder: bool = True
    """Keep at most 15 received frames waiting for the decoder; one that falls behind goes on with the next key frame."""
    own_encoders: bool = True
    """Encode with our own settings of x264 and libvpx instead of aiortc's."""
    shared_encoding: bool = True
    """Encode once for all viewers of a stream instead of once for each; only with `own_encoders`."""
    quick_consent: bool = True
    """Notice a peer that was killed within 15 s instead of 32."""
    quiet_decoder: bool = True
    """Log one damaged frame in ten seconds instead of each."""
    bounded_pictures: bool = True
    """Make no room for a picture that claims more than four times `live.max_pixels`."""
    bounded_messages: bool = True
    """Close the data channels of a peer with more than 64 KiB of unfinished messages under way."""
    guarded_ports: bool = True
    """Drop what arrives on a media port from elsewhere than the session's peer, and malformed STUN."""
    steady_clock: bool = True
    """Go on when the machine's clock is set; aiortc by itself stands still for minutes then."""
    quiet_sends: bool = True
    """Count a message to a peer that has just gone as lost on the way, and leave no traceback in the log."""
    rsa_peers: bool = True
    """Connect to peers with an RSA certificate, such as GStreamer's."""
    loopback_candidates: bool = True
    """Offer 127.0.0.1 on a machine that has no other address."""
    start_bitrate_bps: Count = 2_500_000
    """First bandwidth estimate that the sender is told, and the annotated video's bitrate at first."""
    min_bitrate_bps: Count = 250_000
    """Least bitrate of the annotated video."""
    max_bitrate_bps: Count = 4_000_000
    """Largest bitrate of the annotated video."""


class Cluster(Section, frozen=True):
    """Several servers behind one load balancer."""

    secret: str = ""
    """Shared by all of them: signs the ids of sessions and the cookies of browsers; at least 32 characters."""
    address: str = ""
    """Own address, or address:port, that the others reach; `auto` asks ECS; empty means that this server is alone."""
    peers_network: list[str] = []
    """Networks (CIDR) in which the others are: requests are passed on only there."""
    size: Count = 1
    """Most servers that run at once; with more than one only live video and pictures are offered."""


class Ecs(Section, frozen=True):
    """What the server does where it runs as a task of Amazon ECS; elsewhere nothing of it."""

    task_protection: Literal["auto", "off"] = "auto"
    """Have ECS end no task in which live sessions run, to scale in or to deploy."""
    metrics: Literal["auto", "off"] = "auto"
    """Write the number of live streams to standard output once a minute, in CloudWatch's embedded metric format."""


class Auth(Section, frozen=True):
    """Who may use the server."""

    api_keys: list[str] = []
    """Keys that may do everything; in the environment separated by commas."""
    api_keys_file: str = ""
    """File with one key a line, which may do everything."""
    keys_file: str = ""
    """File in which `sightline keys` keeps named keys; empty means `keys.json` in the data folder."""
    max_wrong_keys: Count = 5
    """Wrong keys from one client address after which each further one has to wait, at most a minute."""
    insecure: bool = False
    """Serve everybody, on any address, without a key."""
    allowed_hosts: list[str] = []
    """Further host names of this server: answered while no key is set, and their pages are its own."""
    session_days: Positive = 30
    """How long a browser stays signed in."""


class Log(Section, frozen=True):
    """Log lines."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is worth a line."""
    format: Literal["text", "json"] = "text"
    """Text for a person, or one JSON object a line for a collector."""


class Settings(Section, frozen=True):
    """All settings, one section each."""

    server: Server = Server()
    model: Model = Model()
    inference: Inference = Inference()
    predict: Predict = Predict()
    live: Live = Live()
    videos: Videos = Videos()
    cameras: Cameras = Cameras()
    alerts: Alerts = Alerts()
    mqtt: Mqtt = Mqtt()
    email: Email = Email()
    storage: Storage = Storage()
    webrtc: Webrtc = Webrtc()
    cluster: Cluster = Cluster()
    ecs: Ecs = Ecs()
    auth: Auth = Auth()
    log: Log = Log()
