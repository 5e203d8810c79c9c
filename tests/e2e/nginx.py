"""nginx in front of two servers, as a load balancer that remembers nobody."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START_TIMEOUT_S = 10.0

# New sessions go to the first server, all that is about one to the second: whatever can land on the wrong one does.
ALL_WRONG = """
location = /whip {{ proxy_pass {first}; }}
location / {{ proxy_pass {second}; }}
"""
# All goes to the first server, and to the second what the first does not take.
FAIL_OVER = """
location / {{
    proxy_next_upstream error timeout http_503 non_idempotent;
    proxy_pass http://both;
}}
"""
CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream both {{
        server {first_host} max_fails=0;
        server {second_host} backup;
    }}
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        {locations}
    }}
}}
"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@contextmanager
def nginx(*, first: str, second: str, locations: str = ALL_WRONG) -> Iterator[str]:
    """The address of nginx inside the block, in front of two servers; skips with a reason where it is not installed."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        pytest.skip("this needs nginx (Debian: nginx-light)")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="nginx-") as folder:
        file = Path(folder) / "nginx.conf"
        hosts = {"first_host": first.removeprefix("http://"), "second_host": second.removeprefix("http://")}
        shared = locations.format(first=first, second=second)
        file.write_text(CONFIGURATION.format(folder=folder, port=port, locations=shared, **hosts))
        with subprocess.Popen([program, "-p", folder, "-c", file], stderr=subprocess.PIPE, text=True) as process:
            try:
                _wait_for(port, process)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    ends_at = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > ends_at:
                process.kill()
                raise RuntimeError(f"nginx did not start: {process.communicate()[1]}") from None
            time.sleep(0.05)
        else:
            return
