"""The example that takes webhooks: a genuine message once, everything else not at all."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
import time

import requests

from tests.server_process import REPOSITORY

SECRET = "s" * 32


def _headers(body: bytes, *, at: float, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int(at))
    signature = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Sightline-Timestamp": timestamp, "X-Sightline-Signature": f"sha256={signature}"}


def test_it_takes_what_is_genuine_once() -> None:
    """A repeated message is told once; a wrong secret, an old message and nonsense in the headers are refused."""
    command = [sys.executable, str(REPOSITORY / "examples/webhook_receiver.py"), "--port", "0"]
    environ = {**os.environ, "SIGHTLINE_SECRET": SECRET}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            body = json.dumps({"event": "candidate", "delivery": "d1", "title": "Possible firearm, Hall"}).encode()
            now = time.time()
            good = _headers(body, at=now)
            bad = (
                _headers(body, at=now, secret="other"),
                _headers(body, at=now - 3600),
                {**good, "X-Sightline-Timestamp": "²"},
                {**good, "X-Sightline-Signature": "ü"},
            )
            encoded = [{name: value.encode("latin-1") for name, value in one.items()} for one in (*bad, good, good)]
            answers = [requests.post(url, data=body, headers=one, timeout=10).status_code for one in encoded]
            assert answers == [401, 401, 401, 401, 204, 204]
            later = json.dumps({"event": "dismissed", "delivery": "d2", "title": "Dismissed"}).encode()
            requests.post(url, data=later, headers=_headers(later, at=now), timeout=10)
            told = [process.stdout.readline().strip() for _ in range(2)]
            assert told == ["candidate: Possible firearm, Hall", "dismissed: Dismissed"]
        finally:
            process.kill()
