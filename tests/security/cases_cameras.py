"""Cameras at addresses where none may be, and settings of theirs that cannot be meant."""

from typing import Any

from tests.security.bad_input import BadInput, Send, request

TITLE = "Cameras"
UNKNOWN_KIND = "the address begins with none of rtsp://, rtsps://, http://, https://, rtmp://, rtmps://, and is no path"
NO_FILE = "files and devices are allowed only where cameras.allowed_files names them or their folder"
CAMERAS = "/api/cameras"
HERE = "rtsp://10.0.0.9/live"


def _camera(url: str = HERE, **fields: Any) -> Send:
    return request("POST", CAMERAS, json={"name": "Gate", "url": url, **fields})


CASES = (
    BadInput(
        "a camera whose name is not UTF-8",
        400,
        "the body is no JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        request("POST", CAMERAS, data=b'{"name":"\xff"}'),
    ),
    BadInput(
        "`rtsp://8.8.8.8/live`, a public address",
        403,
        "8.8.8.8 is in no network that cameras may be in: … (cameras.allowed_networks)",
        _camera("rtsp://8.8.8.8/live"),
    ),
    BadInput(
        "`http://169.254.169.254/latest/meta-data`, a cloud's metadata",
        403,
        "169.254.169.254 is in no network that cameras may be in: … (cameras.allowed_networks)",
        _camera("http://169.254.169.254/latest/meta-data"),
    ),
    BadInput(
        "`http://[::ffff:169.254.169.254]/`, the same as IPv6",
        403,
        "::ffff:169.254.169.254 is 169.254.169.254, which is in no network … (cameras.allowed_networks)",
        _camera("http://[::ffff:169.254.169.254]/"),
    ),
    BadInput(
        "`http://2852039166/`, the same as one number",
        403,
        "2852039166 is 169.254.169.254, which is in no network that cameras may be in: … (cameras.allowed_networks)",
        _camera("http://2852039166/"),
    ),
    BadInput(
        "`http://0.0.0.0:5000/`, this machine by another name",
        403,
        "0.0.0.0 is in no network that cameras may be in: … (cameras.allowed_networks)",
        _camera("http://0.0.0.0:5000/"),
    ),
    BadInput(
        "`rtsps://[::ffff:1.1.1.1]/`",
        403,
        "::ffff:1.1.1.1 is 1.1.1.1, which is in no network that cameras may be in: … (cameras.allowed_networks)",
        _camera("rtsps://[::ffff:1.1.1.1]/"),
    ),
    BadInput(
        "a second address that is public",
        403,
        "8.8.8.8 is in no network that cameras may be in: … (cameras.allowed_networks)",
        _camera(detect_url="rtsp://8.8.8.8/live"),
    ),
    BadInput("`/etc/passwd`", 403, NO_FILE, _camera("/etc/passwd")),
    BadInput("`file:///etc/passwd`", 403, NO_FILE, _camera("file:///etc/passwd")),
    BadInput("`/dev/../etc/passwd`", 403, NO_FILE, _camera("/dev/../etc/passwd")),
    BadInput("`gopher://127.0.0.1/`", 400, UNKNOWN_KIND, _camera("gopher://127.0.0.1/")),
    BadInput("`concat:/etc/passwd|/etc/hosts`", 400, UNKNOWN_KIND, _camera("concat:/etc/passwd|/etc/hosts")),
    BadInput(
        "`rtsp://127.0.0.1/#transport=file`",
        400,
        "behind # stands only transport=tcp or transport=udp, and only for rtsp://",
        _camera("rtsp://127.0.0.1/#transport=file"),
    ),
    BadInput(
        "an address with a line break",
        400,
        "the address is empty, has unprintable letters, or more than 2000",
        _camera("rtsp://127.0.0.1/\r\nHost: evil"),
    ),
    BadInput(
        "an address of 3,000 letters",
        400,
        "the address is empty, has unprintable letters, or more than 2000",
        _camera("rtsp://127.0.0.1/" + "a" * 3000),
    ),
    BadInput("port 99999", 400, "the address cannot be read: Port out of range 0-65535", _camera("rtsp://127.0.0.1:99999/")),
    BadInput("no host", 400, "the address names no host", _camera("rtsp:///live")),
    BadInput("no address", 400, "url is missing", request("POST", CAMERAS, json={"name": "Gate"})),
    BadInput("no name", 400, "name is missing", request("POST", CAMERAS, json={"url": HERE})),
    BadInput("a name of control characters", 400, "a camera needs a name", _camera(name="\u0007\u001b")),
    BadInput("a name of 100 letters", 400, "name: Expected `str` of length <= 80", _camera(name="x" * 100)),
    BadInput("`conf` of 7", 400, "conf: Expected `float` <= 1.0", _camera(conf=7)),
    BadInput("an unknown class", 400, "parameter classes: the model knows no class 'banana'", _camera(classes=["banana"])),
    BadInput(
        "a mask with 1,000 corners",
        400,
        "mask: Expected `array` of length <= 64",
        _camera(mask=[{"kind": "ignore", "points": [[0.1, 0.1]] * 1000}]),
    ),
    BadInput(
        "a schedule at 25:00",
        400,
        "schedule: Expected `str` matching regex '^([01]\\\\d|2[0-3]):[0-5]\\\\d$|^24:00$'",
        _camera(schedule=[{"days": ["mon"], "from": "25:00", "to": "26:00"}]),
    ),
    BadInput("an unknown field", 400, "shell: Object contains unknown field `shell`", _camera(shell="reboot")),
    BadInput("no JSON", 400, "the body is no JSON: Input data was truncated", request("POST", CAMERAS, data=b"{")),
    BadInput("a list", 400, "Expected `object`, got `array`", request("POST", CAMERAS, data=b"[]")),
    BadInput("JSON of 100,000 brackets", 400, "Expected `object`, got `array`", request("POST", CAMERAS, data=b"[" * 100_000)),
    BadInput(
        "100,000 brackets in an unknown field",
        400,
        "shell: Object contains unknown field `shell`",
        request("POST", CAMERAS, data=b'{"shell": ' + b"[" * 100_000),
    ),
    BadInput(
        "300,000 bytes",
        413,
        "the body is larger than the limit of 262,144 bytes (server.max_body_bytes)",
        request("POST", CAMERAS, data=b" " * 300_000),
    ),
    BadInput("a camera that is not there", 404, "there is no camera 'nobody'", request("GET", f"{CAMERAS}/nobody")),
)
