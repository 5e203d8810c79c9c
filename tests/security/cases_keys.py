"""Keys: too few rights, revoked ones, what the key file knows of them, and guesses."""

import json
from datetime import UTC, datetime

from server.config.settings import Auth, Settings
from server.web.api_key import Right, api_key
from server.web.key_file import key_file
from tests.conftest import Client, with_sections
from tests.security.bad_input import KEY, Answer, BadInput, request, websocket
from tests.web.pictures import picture_file

TITLE = "Keys"
NO_KEY = "this needs an API key"
WAIT = "too many wrong keys came from this address: the next one is looked at in … s"
GATE = api_key("the-key-of-the-gate", name="gate", right=Right.VIEW)
TOO_FEW = "this needs a key with the right 'admin'; yours, 'gate', has 'view'"
LOOKING = {"key": "the-key-of-the-gate"}
SDP = {"Content-Type": "application/sdp"}


def named(settings: Settings) -> Settings:
    """A server whose key file has one key, which may look."""
    file = key_file(settings)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    digests = {"sha256": GATE.digest.hex(), "session_sha256": GATE.session_digest.hex()}
    entry = {"name": GATE.name, "right": GATE.right.value, **digests, "created_at": datetime.now(UTC).isoformat()}
    file.path.write_text(json.dumps({"keys": [entry]}))
    return with_sections(settings, auth=Auth(max_wrong_keys=1000))


def impatient(settings: Settings) -> Settings:
    """A server that makes a client wait after its first wrong key."""
    return with_sections(settings, auth=Auth(api_keys=[KEY], max_wrong_keys=1))


async def _guess(client: Client) -> Answer:
    """Wrong keys, one after the other; each that is looked at doubles the wait, which outlasts a machine that is slow."""
    for _ in range(5):
        answer = await request("GET", "/api/info", key="guess")(client)
    return answer


async def _right_after_guesses(client: Client) -> Answer:
    await _guess(client)
    return await request("GET", "/api/info", key=KEY)(client)


CASES = (
    BadInput("a change, with a key that may look", 403, TOO_FEW, request("DELETE", "/api/cameras/some-id", **LOOKING), named),
    BadInput(
        "a WHIP offer, with a key that may look",
        403,
        TOO_FEW,
        request("POST", "/whip", data="v=0", headers=SDP, **LOOKING),
        named,
    ),
    BadInput(
        "a WebSocket for frames, with a key that may look",
        403,
        TOO_FEW,
        websocket(headers={"Authorization": "Bearer the-key-of-the-gate"}),
        named,
    ),
    BadInput(
        "a video file, with a key that may look",
        403,
        TOO_FEW,
        request("POST", "/api/videos", data=picture_file, **LOOKING),
        named,
    ),
    BadInput("a key that is not in the key file any more", 401, NO_KEY, request("GET", "/api", key="revoked-long-ago"), named),
    BadInput("what the key file has of a key, as a key", 401, NO_KEY, request("GET", "/api", key=GATE.digest.hex()), named),
    BadInput(
        "what the key file has of a key, as a cookie",
        401,
        NO_KEY,
        request("GET", "/api", headers={"Cookie": f"sightline_session=1900000000.{GATE.session_digest.hex()}.00ff"}),
        named,
    ),
    BadInput("wrong keys, one after the other", 429, WAIT, _guess, impatient),
    BadInput("the right key, of less than 32 characters, after these", 429, WAIT, _right_after_guesses, impatient),
)
