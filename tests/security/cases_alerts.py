"""Alerts, their files, and channels: filters, verdicts and names that cannot be meant."""

from tests.security.bad_input import BadInput, request

TITLE = "Alerts and channels"
ALERTS = "/api/alerts"
PASSWD = "..%2F..%2Fetc%2Fpasswd"

CASES = (
    BadInput(
        "`state=lost`",
        400,
        "parameter state: 'lost' is none of candidate, confirmed, dismissed, expired",
        request("GET", f"{ALERTS}?state=lost"),
    ),
    BadInput(
        "`since=yesterday`",
        400,
        "parameter since: 'yesterday' is no time in ISO 8601",
        request("GET", f"{ALERTS}?since=yesterday"),
    ),
    BadInput(
        "`since` without a time zone",
        400,
        "parameter since: '2026-01-01T00:00:00' has no time zone",
        request("GET", f"{ALERTS}?since=2026-01-01T00:00:00"),
    ),
    BadInput("`limit=0`", 400, "parameter limit: '0' is no number from 1 to 1000", request("GET", f"{ALERTS}?limit=0")),
    BadInput(
        "`limit` of 5,000 digits",
        400,
        "parameter limit: '9…9' is no number from 1 to 1000",
        request("GET", f"{ALERTS}?limit={'9' * 5000}"),
    ),
    BadInput("`limit=1e9`", 400, "parameter limit: '1e9' is no number from 1 to 1000", request("GET", f"{ALERTS}?limit=1e9")),
    BadInput(
        "`camera=' OR 1=1 --` (finds none)",
        200,
        '{"alerts":[],"waiting":0}',
        request("GET", f"{ALERTS}?camera=%27%20OR%201%3D1%20--"),
    ),
    BadInput("an alert that is not there", 404, "there is no alert 'nobody'", request("GET", f"{ALERTS}/nobody")),
    BadInput(
        "the picture of `../../etc/passwd`",
        404,
        "there is no alert '../../etc/passwd'",
        request("GET", f"{ALERTS}/{PASSWD}/snapshot.jpg"),
    ),
    BadInput(
        "the clip of `../../etc/passwd`",
        404,
        "there is no alert '../../etc/passwd'",
        request("GET", f"{ALERTS}/{PASSWD}/clip.mp4"),
    ),
    BadInput(
        "removing `../../etc/passwd`", 404, "there is no alert '../../etc/passwd'", request("DELETE", f"{ALERTS}/{PASSWD}")
    ),
    BadInput(
        "a verdict for a reason that there is not",
        400,
        "the body cannot be meant: Invalid enum value 'boredom' - at `$.reason`",
        request("POST", f"{ALERTS}/nobody/dismiss", json={"reason": "boredom"}),
    ),
    BadInput(
        "a verdict that is no JSON",
        400,
        "the body cannot be meant: Expected `object`, got `array`",
        request("POST", f"{ALERTS}/nobody/confirm", data=b"["),
    ),
    BadInput(
        "a note that is not UTF-8",
        400,
        "the body cannot be meant: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        request("PATCH", f"{ALERTS}/nobody", data=b'{"note":"\xff"}'),
    ),
    BadInput(
        "a note of 3,000 letters",
        400,
        "the body cannot be meant: Expected `str` of length <= 2000 - at `$.note`",
        request("PATCH", f"{ALERTS}/nobody", json={"note": "x" * 3000}),
    ),
    BadInput(
        "a verdict of 300,000 bytes",
        413,
        "the body is larger than the limit of 262,144 bytes (server.max_body_bytes)",
        request("POST", f"{ALERTS}/nobody/confirm", data=b" " * 300_000),
    ),
    BadInput(
        "a verdict with a time zone that is a path",
        400,
        "the body cannot be meant: Expected `str` matching regex '^[A-Za-z0-9_+\\\\-/]*$' - at `$.time_zone`",
        request("POST", f"{ALERTS}/nobody/confirm", json={"time_zone": "../../etc/passwd"}),
    ),
    BadInput(
        "a message that is not there",
        404,
        "there is no delivery 'nothing'",
        request("POST", f"{ALERTS}/nobody/deliveries/nothing/again"),
    ),
    BadInput("a channel that is not there", 404, "there is no channel 'nobody'", request("POST", "/api/channels/nobody/test")),
)
