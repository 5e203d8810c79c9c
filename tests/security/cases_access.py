"""Who may: without a key, with a wrong one, from pages of other sites, and under names that are not the server's."""

from server.config.settings import Auth, Settings
from tests.conftest import with_sections
from tests.security.bad_input import KEY, BadInput, Send, request, websocket
from tests.web.pictures import picture_file

TITLE = "Access"
NO_KEY = "this needs an API key"
OTHER_SITE = "pages of other sites are refused; auth.allowed_hosts can add a host name of this one"
INFO = "/api/info"
CROSS = {"Origin": "https://evil.example"}


def with_key(settings: Settings) -> Settings:
    """A server that has a key, and looks at as many wrong ones as come."""
    return with_sections(settings, auth=Auth(api_keys=[KEY], max_wrong_keys=1000))


def _showing(authorization: str) -> Send:
    return request("GET", INFO, headers={"Authorization": authorization})


CASES = (
    BadInput("`GET /api/info` without a key", 401, NO_KEY, request("GET", INFO), with_key),
    BadInput("an address that does not exist, without a key", 401, NO_KEY, request("GET", "/nothing"), with_key),
    BadInput("a method that is not taken, without a key", 401, NO_KEY, request("PUT", INFO), with_key),
    BadInput("a wrong key", 401, NO_KEY, _showing("Bearer wrong"), with_key),
    BadInput("the key and one more letter", 401, NO_KEY, _showing(f"Bearer {KEY}x"), with_key),
    BadInput("the key's first half", 401, NO_KEY, _showing(f"Bearer {KEY[:8]}"), with_key),
    BadInput("an empty key", 401, NO_KEY, _showing("Bearer "), with_key),
    BadInput("Basic credentials that are no base64", 401, NO_KEY, _showing("Basic !!!"), with_key),
    BadInput("the key as the user name of Basic", 401, NO_KEY, _showing("Basic YS1rZXktZm9yLXRlc3RzOg=="), with_key),
    BadInput("the key in the address", 401, NO_KEY, request("GET", f"{INFO}?key={KEY}&api_key={KEY}"), with_key),
    BadInput(
        "a cookie that was not signed here",
        401,
        NO_KEY,
        request("GET", INFO, headers={"Cookie": "sightline_session=1900000000.00ff"}),
        with_key,
    ),
    BadInput("a WebSocket without a key", 401, NO_KEY, websocket(), with_key),
    BadInput("signing in with a wrong key", 401, NO_KEY, request("POST", "/api/session", json={"key": "wrong"}), with_key),
    BadInput(
        "signing in with a list",
        400,
        'the body must be JSON: {"key": "..."}',
        request("POST", "/api/session", data=b"[]"),
        with_key,
    ),
    BadInput(
        "signing in with bytes that are no text",
        400,
        'the body must be JSON: {"key": "..."}',
        request("POST", "/api/session", data=b'{"key": "\xff"}'),
        with_key,
    ),
    BadInput(
        "signing in with 5,000 bytes",
        413,
        "the body is larger than the limit of 4,096 bytes",
        request("POST", "/api/session", data=b"x" * 5000),
        with_key,
    ),
    BadInput(
        "`/v1/vision/detection` with a wrong `api_key`",
        401,
        NO_KEY,
        request("POST", "/v1/vision/detection", data={"api_key": "wrong"}),
        with_key,
    ),
    BadInput(
        "a change from a page of another site, with the key",
        403,
        OTHER_SITE,
        request("DELETE", "/api/streams/x", headers=CROSS, key=KEY),
        with_key,
    ),
    BadInput(
        "a change from a page of another site, without keys",
        403,
        OTHER_SITE,
        request("DELETE", "/api/streams/x", headers=CROSS),
    ),
    BadInput("a change with `Origin: null`", 403, OTHER_SITE, request("DELETE", "/api/streams/x", headers={"Origin": "null"})),
    BadInput(
        "a change with `Sec-Fetch-Site: cross-site`",
        403,
        OTHER_SITE,
        request("POST", "/whip", headers={"Sec-Fetch-Site": "cross-site"}),
    ),
    BadInput("a WebSocket from a page of another site", 403, OTHER_SITE, websocket(headers=CROSS)),
    BadInput(
        "a picture from a page of another site, without a key",
        401,
        NO_KEY,
        request("POST", "/predict", data=picture_file, headers=CROSS),
        with_key,
    ),
    BadInput(
        "another host name (DNS rebinding)",
        403,
        "this server does not answer to the host name 'rebound.example'; auth.allowed_hosts can add it",
        request("GET", "/api", headers={"Host": "rebound.example"}),
    ),
    BadInput(
        "a host name that is no name",
        403,
        "this server does not answer to the host name ''; auth.allowed_hosts can add it",
        request("GET", "/api", headers={"Host": "[::1"}),
    ),
    BadInput(
        "another host name behind a proxy that nobody trusts",
        403,
        "this server does not answer to the host name 'rebound.example'; auth.allowed_hosts can add it",
        request("GET", "/api", headers={"Host": "rebound.example", "X-Forwarded-Host": "127.0.0.1"}),
    ),
)
