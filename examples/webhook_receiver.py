"""Takes Sightline's webhooks: checks signature and age, and tells of each message once.

SIGHTLINE_SECRET=... python examples/webhook_receiver.py --port 9000
"""

import argparse
import hashlib
import hmac
import json
import os
import time
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# A message that somebody has recorded and sends again later is refused.
MOST_AGE_S = 300
MOST_BYTES = 32 * 1024 * 1024


def is_genuine(body: bytes, *, timestamp: str, signature: str, secret: bytes, now: float) -> bool:
    """Whether the message was signed with our secret, not long ago."""
    expected = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    fresh = timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp)) <= MOST_AGE_S
    return fresh and hmac.compare_digest(f"sha256={expected}".encode(), signature.encode())


class Receiver(BaseHTTPRequestHandler):
    """Answers the POSTs."""

    secret = b""
    seen: "OrderedDict[str, None]" = OrderedDict()  # noqa: RUF012 - one for all requests is meant

    def do_POST(self) -> None:
        """Takes one message."""
        length = int(self.headers.get("Content-Length", "0"))
        if length > MOST_BYTES:
            self._answer(413)
            return
        body = self.rfile.read(length)
        timestamp, signature = self.headers.get("X-Sightline-Timestamp", ""), self.headers.get("X-Sightline-Signature", "")
        if not is_genuine(body, timestamp=timestamp, signature=signature, secret=self.secret, now=time.time()):
            self._answer(401)
            return
        message = json.loads(body)
        if message["delivery"] not in self.seen:
            self.seen[message["delivery"]] = None
            if len(self.seen) > 1000:
                self.seen.popitem(last=False)
            print(f"{message['event']}: {message['title']}", flush=True)
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Leaves requests out of the output."""


def main() -> None:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    port = parser.parse_args().port
    Receiver.secret = os.environ["SIGHTLINE_SECRET"].encode()
    with ThreadingHTTPServer(("127.0.0.1", port), Receiver) as server:
        print(f"waiting on http://127.0.0.1:{server.server_port}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
