"""A child that acts: it does what the words in the file say that it is to check, one a line, and speaks the real protocol.

Words: `frames N`, `picture`, `finish`, `refuse REASON`, `once WORDS` (only the first time), `signal NAME`, `exit N`, `raise`,
`stall`, `pause SECONDS`, `write SECONDS` (files, and no report), `garbage`, `flood`, `report X` (no report at
all), `grow` (standard error without an end of line).
`probe WORDS` is for the probe alone: `WIDTH HEIGHT SECONDS`, a kind of refusal with its reason, or one of those above; `pause
SECONDS` may stand before it.
"""

import os
import signal
import threading
import time
from pathlib import Path

import msgspec

from server.jobs.messages import (
    HEADER,
    KIND_JSON,
    KIND_PICTURE,
    MOST_BYTES,
    CheckOrder,
    Finished,
    Probed,
    ProbeOrder,
    Progressed,
    Refused,
    decode_order,
    encode_block,
    encode_report,
)


def main() -> None:
    """Reads the order and acts."""
    with open(0, "rb", buffering=0, closefd=False) as orders:
        order = decode_order(orders.readline())
    threading.Thread(target=_follow, daemon=True).start()
    source = Path(order.source)
    if isinstance(order, ProbeOrder):
        _probe(source, order)
        return
    for line in source.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "probe":
            continue
        if word == "once":
            if (source.parent / "before").exists():
                continue
            (source.parent / "before").touch()
            word, _, rest = rest.partition(" ")
        _act(word, rest, order=order)


def _probe(source: Path, order: ProbeOrder) -> None:
    asked = [
        line.removeprefix("probe ") for line in source.read_text("utf-8", "replace").splitlines() if line.startswith("probe ")
    ]
    word, _, rest = (asked or ["64 48 2.0"])[0].partition(" ")
    if word == "pause":
        seconds, word, rest = rest.split(" ", 2)
        time.sleep(float(seconds))
    if word in ("unsupported", "unprocessable"):
        _write(encode_report(msgspec.convert({"type": "refused", "kind": word, "reason": rest}, Refused)))
    elif word.isdigit():
        height, duration_s = rest.split()
        _write(encode_report(Probed(int(word), int(height), float(duration_s), 60)))
    else:
        _act(word, rest, order=order)


def _act(word: str, rest: str, *, order: object) -> None:
    if word == "frames":
        _write(encode_report(Progressed(int(rest), 100, 25.0)))
    elif word == "picture":
        _write(encode_block(KIND_PICTURE, rest.encode() or b"\xff\xd8\xff"))
    elif word == "finish":
        assert isinstance(order, CheckOrder)
        assert Path(order.out).is_dir()
        (Path(order.out) / "annotated.mp4").write_bytes(b"video")
        _write(encode_report(Finished(100, detections=7, tracks=2)))
    elif word == "write":
        assert isinstance(order, CheckOrder)
        for _ in range(round(float(rest) / 0.1)):
            (Path(order.out) / ".annotated.mp4.part").write_bytes(b"more")
            time.sleep(0.1)
    elif word == "refuse":
        _write(encode_report(Refused(rest, "unprocessable")))
    elif word == "report":
        _write(encode_block(KIND_JSON, rest.encode()))
    else:
        _misbehave(word, rest)


def _misbehave(word: str, rest: str) -> None:
    if word == "signal":
        os.kill(os.getpid(), signal.Signals[rest])
        time.sleep(60)
    elif word == "exit":
        os._exit(int(rest))
    elif word == "raise":
        raise ValueError("a fault of ours")
    elif word == "stall":
        time.sleep(600)
    elif word == "pause":
        time.sleep(float(rest))
    elif word == "garbage":
        _write(b"Segmentation what?\n" * 20)
    elif word == "flood":
        _write(HEADER.pack(KIND_PICTURE, MOST_BYTES + 1))
        _write(bytes(1_000_000))
        time.sleep(600)
    elif word == "grow":
        os.write(2, b"x" * 1_000_000)


def _write(block: bytes) -> None:
    os.write(1, block)


def _follow() -> None:
    while control := os.read(0, 1):
        os.write(2, b"control " + control + b"\n")
    os._exit(1)


if __name__ == "__main__":
    main()
