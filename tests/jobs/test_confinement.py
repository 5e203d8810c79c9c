"""Tests of what the process that opens uploads gives up: tried from inside, and seen from outside in the real one."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from server.domain.errors import Unprocessable
from server.jobs.confinement import offered
from server.jobs.messages import CheckOrder, ClipOrder, Limits, Order, ProbeOrder, encode_order
from server.jobs.probe import probe_upload
from server.jobs.process import check_process
from tests.jobs.conftest import MODEL
from tests.video_clips import make_clip

ROOT = Path(__file__).resolve().parents[2]
TRIES = r"""
import ctypes, os, signal, socket, subprocess, sys, threading
from pathlib import Path
from server.jobs.confinement import confine
from server.jobs.messages import decode_order
order = decode_order(sys.argv[1].encode())
folder, before = Path(sys.argv[2]), open(sys.argv[2] + "/secret")
threads_before = len(os.listdir("/proc/self/task"))
confined = confine(order)
results = {"threads": threads_before, "confined": [confined.calls, confined.files]}

def attempt(name, action):
    try:
        action()
        results[name] = "done"
    except OSError as error:
        results[name] = type(error).__name__

def in_thread(action):
    raised = []
    def run():
        try:
            action()
        except OSError as error:
            raised.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for error in raised:
        raise error

def system_call(*arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")

attempt("internet socket", lambda: socket.socket(socket.AF_INET))
attempt("socket in a thread", lambda: in_thread(lambda: socket.socket(socket.AF_INET)))
attempt("local socket", lambda: socket.socket(socket.AF_UNIX))
attempt("io_uring", lambda: system_call(425, 1, ctypes.create_string_buffer(200)))
attempt("program", lambda: subprocess.run(["true"]))
attempt("debugger", lambda: system_call({"x86_64": 101, "aarch64": 117}[os.uname().machine], 16, os.getppid(), 0, 0))
attempt("signal to the server", lambda: os.kill(os.getppid(), 0))
attempt("memory of the server", lambda: open(f"/proc/{os.getppid()}/mem", "rb").close())
attempt("secret", lambda: (folder / "secret").read_text())
attempt("secret in a thread", lambda: in_thread(lambda: (folder / "secret").read_text()))
attempt("secret through a link", lambda: (folder.parent / "link" / "secret").read_text())
attempt("secret by its old descriptor", lambda: before.read())
attempt("list of the folder", lambda: os.listdir(folder))
attempt("another job", lambda: (folder / "other" / "source").read_text())
attempt("write beside it", lambda: (folder / "new").write_text("x"))
attempt("write elsewhere", lambda: (folder.parent / "new").write_text("x"))
attempt("own video", lambda: Path(order.source).read_text())
attempt("change the own video", lambda: open(order.source, "r+").close())
attempt("system library", lambda: Path(os.__file__).read_text())
attempt("no device", lambda: open("/dev/null", "w").close())
out = Path(getattr(order, "out", ""))
if getattr(order, "out", None) and out.is_dir():
    part, result = out / ".part", out / "result"
    attempt("result", lambda: [part.write_text("x"), part.rename(result), result.unlink()])
    attempt("folder of results to the disk", lambda: os.close(os.open(out.parent, os.O_RDONLY)))
elif getattr(order, "out", None):
    attempt("result", lambda: [out.write_text("x"), out.unlink()])
import json
print(json.dumps(results))
"""
REFUSED = {
    "internet socket", "socket in a thread", "local socket", "io_uring", "program", "debugger", "signal to the server",
    "memory of the server", "secret", "secret in a thread", "secret through a link", "list of the folder", "another job",
    "write beside it", "write elsewhere", "change the own video",
}  # fmt: skip
DONE = {"secret by its old descriptor", "own video", "system library", "no device"}
full = pytest.mark.skipif(bool(offered().missing), reason=f"this system takes no {offered().missing} from a process")


@pytest.fixture(autouse=True)
def acting_children() -> None:
    """Not here: children are real."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a secret, and two jobs."""
    folder = tmp_path / "data"
    for job in ("own", "other"):
        (folder / job / "results").mkdir(parents=True)
        (folder / job / "source").write_text("a video")
    (folder / "secret").write_text("a key")
    (tmp_path / "link").symlink_to(folder)
    return folder


def limits(data: Path, **changes: object) -> Limits:
    """Those of a confined process."""
    return Limits(nice=0, memory_bytes=2**31, cpu_s=60, file_bytes=2**30, parent=os.getpid(), hidden=(str(data),), **changes)  # type: ignore[arg-type]


def attempts(order: Order, data: Path) -> dict[str, object]:
    """What becomes of each thing that a process tries once it is confined for the order."""
    command = [sys.executable, "-c", TRIES, encode_order(order).decode(), str(data)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    results: dict[str, object] = json.loads(ended.stdout)
    return results


@full
@pytest.mark.parametrize("kind", ["probe", "check", "clip"])
def test_nothing_is_left_but_what_the_order_needs(kind: str, data: Path) -> None:
    """No socket, no program, no other process, no file of the server; threads that are started later are no way out."""
    source, out = data / "own" / "source", data / "own" / "results"
    orders: dict[str, Order] = {
        "probe": ProbeOrder(str(source), "a.mp4", limits(data)),
        "check": CheckOrder(str(source), "a.mp4", str(out), 1, 0.5, None, 10**7, 60.0, MODEL, limits(data)),
        "clip": ClipOrder(str(source), "a.mp4", str(out / "clip.mp4"), limits(data)),
    }
    found = attempts(orders[kind], data)
    assert (found.pop("threads"), found.pop("confined")) == (1, [True, True])
    done = DONE | ({"result"} if kind != "probe" else set()) | ({"folder of results to the disk"} if kind == "check" else set())
    assert {name for name, became in found.items() if became == "done"} == done
    assert {name for name, became in found.items() if became == "PermissionError"} == REFUSED
    assert sorted(path.name for path in data.iterdir()) == ["other", "own", "secret"]


@full
async def test_the_real_process_is_confined(data: Path) -> None:
    """As the system sees it while it reads a file, which is a pipe here that brings nothing."""
    pipe = data / "incoming"
    os.mkfifo(pipe)
    async with check_process(ProbeOrder(str(pipe), "a.mp4", limits(data))) as process:
        writer = await _opened_by_reader(pipe)
        status, most, files = await asyncio.to_thread(_seen, process.pid)
        os.close(writer)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)
    assert int(re.findall(r"^CapEff:\t(\w+)$", status, re.MULTILINE)[0], 16) & ~0b110 == 0
    assert re.search(r"^Max open files +256 +256 ", most, re.MULTILINE)
    assert not [file for file in files if file.startswith("socket:")]


async def _opened_by_reader(pipe: Path) -> int:
    """The end to write to, once somebody has opened the other (fifo(7))."""
    async with asyncio.timeout(30):
        while True:
            try:
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                await asyncio.sleep(0.02)


def _seen(pid: int) -> tuple[str, str, list[str]]:
    """What the system tells of a process: its state, its limits, and what it has open."""
    process = Path(f"/proc/{pid}")
    files = [str(link.readlink()) for link in (process / "fd").iterdir()]
    return (process / "status").read_text(), (process / "limits").read_text(), files


@full
async def test_a_real_video_is_read_by_the_confined_process(data: Path) -> None:
    """With all that it needs for it."""
    clip = await asyncio.to_thread(make_clip, data / "clip.mp4", frames=5)
    probed = await probe_upload(clip, name="a.mp4", limits=limits(data))
    assert (probed.width_px, probed.height_px, probed.frames) == (160, 120, 5)


async def test_without_confinement_all_else_is_as_before(data: Path) -> None:
    """`videos.confine = off`, for a system on which it stands in the way."""
    broken = data / "clip.mp4"
    broken.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    with pytest.raises(Unprocessable):
        await probe_upload(broken, name="a.mp4", limits=limits(data, confined=False))
