"""The Beanstalk bundle: its nginx, started as it stands, in front of a real server."""

import asyncio
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import requests
import yaml
from aiohttp import ClientSession, WSMsgType

from tests.scenes import draw_firearm
from tests.server_process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "ecs" / "beanstalk"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
KEY = {"Authorization": "Bearer key-of-the-test"}

needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


class Nginx:
    """nginx with the bundle's configuration on a free port, the page's files from the checkout."""

    def __init__(self, folder: Path, *, api: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        text = (FOLDER / "nginx.conf.template").read_text()
        # As the image's entry point puts the variables in; the page's files and the port are those of the test.
        for name, value in {"${SIGHTLINE_URL}": api, "${NGINX_LOCAL_RESOLVERS}": "127.0.0.1"}.items():
            assert name in text
            text = text.replace(name, value)
        text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/usr/share/nginx/page", str(ROOT))
        whole = f"""
daemon off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {text}
}}
"""
        self._file = folder / "nginx.conf"
        self._file.write_text(whole)
        self.url = f"http://127.0.0.1:{port}"

    def check(self) -> subprocess.CompletedProcess[str]:
        """`nginx -t`."""
        command = [str(NGINX), "-t", "-p", str(self._file.parent), "-c", str(self._file)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def start(self) -> subprocess.Popen[bytes]:
        """Starts it and returns when it answers."""
        process = subprocess.Popen([str(NGINX), "-p", str(self._file.parent), "-c", str(self._file)])
        for _ in range(100):
            try:
                requests.get(f"{self.url}/static/manifest.webmanifest", timeout=5)
            except requests.ConnectionError:
                time.sleep(0.1)
            else:
                return process
        process.terminate()
        raise RuntimeError("nginx does not answer")


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of nginx with a real server behind it, which knows nginx' name for a page's of its own."""
    environ = {"SIGHTLINE_AUTH__API_KEYS": "key-of-the-test", "SIGHTLINE_AUTH__ALLOWED_HOSTS": "127.0.0.1"}
    with ServerProcess(environ=environ) as server:
        nginx = Nginx(tmp_path_factory.mktemp("nginx"), api=server.url.rstrip("/"))
        process = nginx.start()
        yield nginx.url
        process.terminate()
        process.wait()


def _encoded(kind: str) -> bytes:
    """A drawn picture as a file."""
    return cv2.imencode(kind, draw_firearm().bgr)[1].tobytes()


@needs_nginx
@pytest.mark.parametrize("api", ["https://d111111abcdef8.cloudfront.net", "https://d111111abcdef8.cloudfront.net/"])
def test_nginx_takes_the_configuration(tmp_path: Path, api: str) -> None:
    """`nginx -t` of Debian's nginx has nothing against it."""
    done = Nginx(tmp_path, api=api).check()
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


@needs_nginx
def test_the_page_comes_from_here_and_the_rest_from_the_service(front: str) -> None:
    """Files have the types that browsers ask for; the sign-in page, the interface and their refusals are the server's."""
    script = requests.get(f"{front}/static/js/main.js", timeout=30)
    assert (script.status_code, script.headers["Content-Type"]) == (200, "text/javascript")
    assert script.headers["Cache-Control"] == "no-cache"
    assert (
        requests.get(f"{front}/static/manifest.webmanifest", timeout=30).headers["Content-Type"] == "application/manifest+json"
    )
    assert "Sign in" in requests.get(f"{front}/", timeout=30).text
    assert requests.get(f"{front}/api/info", timeout=30).status_code == 401
    assert requests.get(f"{front}/api/info", headers=KEY, timeout=30).json()["model"]["name"]
    assert requests.get(f"{front}/metrics", headers=KEY, timeout=30).status_code == 404


@needs_nginx
def test_methods_and_queries_go_through(front: str) -> None:
    """WHIP's OPTIONS, PATCH and DELETE reach the server, whose answers come back; so does the query."""
    assert requests.options(f"{front}/whip", timeout=30).headers["Accept-Post"] == "application/sdp"
    for method in ("PATCH", "DELETE"):
        answer = requests.request(method, f"{front}/whip/none", headers=KEY, timeout=30)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    picture = {"file": ("scene.png", _encoded(".png"), "image/png")}
    answer = requests.post(f"{front}/predict?format=json", files=picture, headers=KEY, timeout=60)
    assert answer.json()["images"][0]["shape"]


@needs_nginx
def test_large_uploads_reach_the_server(front: str) -> None:
    """It is the server that refuses what is too large, in its own words, not nginx at a megabyte."""
    answer = requests.post(
        f"{front}/predict", data=bytes(40 * 1024 * 1024), headers={**KEY, "Content-Type": "image/png"}, timeout=60
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")


@needs_nginx
async def test_events_and_frames_come_at_once(front: str) -> None:
    """The event stream's first line comes while the answer goes on, and a WebSocket carries a frame and its result."""
    async with ClientSession(headers=KEY) as session:
        async with session.get(f"{front}/api/events") as events:
            assert await asyncio.wait_for(events.content.readline(), 30) == b"retry: 2000\n"
            assert events.headers["Content-Type"].startswith("text/event-stream")
        async with session.ws_connect(f"{front}/ws/stream") as socket_:
            await socket_.send_bytes(_encoded(".jpg"))
            answer = await asyncio.wait_for(socket_.receive(), 30)
            while answer.type is WSMsgType.TEXT and "results" not in answer.json():
                answer = await asyncio.wait_for(socket_.receive(), 30)
            assert answer.json()["shape"]


@needs_nginx
def test_a_page_of_this_address_may_sign_in(front: str) -> None:
    """The browser's Origin is nginx' address, not the service's: allowed_hosts makes it one of its own."""
    answer = requests.post(f"{front}/api/session", json={"key": "key-of-the-test"}, headers={"Origin": front}, timeout=30)
    assert answer.status_code == 204
    assert "sightline_session" in answer.cookies
    foreign = {"Origin": "https://elsewhere.example"}
    assert (
        requests.post(f"{front}/api/session", json={"key": "key-of-the-test"}, headers=foreign, timeout=30).status_code == 403
    )


def test_the_bundle_holds_what_it_names(tmp_path: Path) -> None:
    """The zip has the compose file at its top, and every file that this one mounts."""
    file = tmp_path / "bundle.zip"
    subprocess.run([str(FOLDER / "bundle.sh"), str(file)], check=True, capture_output=True)
    with zipfile.ZipFile(file) as bundle:
        names = bundle.namelist()
        compose = yaml.safe_load(bundle.read("docker-compose.yml"))
    assert {"docker-compose.yml", "nginx.conf.template", "static/index.html", "static/js/main.js"} <= {*names}
    (page,) = compose["services"].values()
    for volume in page["volumes"]:
        mounted = volume.split(":")[0].removeprefix("./")
        assert any(name == mounted or name.startswith(f"{mounted}/") for name in names)
    assert page["ports"] == ["80:8080"]
    assert "listen 8080;" in (FOLDER / "nginx.conf.template").read_text()
