"""Machine checks: whether processor, memory, disk and libraries are what the server needs."""

import os
import platform
import shutil
from importlib import metadata
from pathlib import Path

from server.domain.finding import Finding
from server.domain.model import ModelInfo
from server.inference.processors import INSTRUCTIONS, Processor, available_processors, processor_quota
from server.inference.throughput import SizeThroughput, Throughput
from server.pipeline.capacity import Capacity
from server.resources import version

LIBRARIES = ("aiohttp", "aiortc", "aioice", "av", "openvino", "opencv-python-headless", "numpy", "SQLAlchemy")
GIB = 1024**3
# One model and eight streams stay below it; with less the system ends the process sooner or later.
LEAST_MEMORY_BYTES = GIB
LEAST_DISK_BYTES = GIB // 2

_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def check_versions() -> Finding:
    """Which versions run here."""
    found = [f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:  # such as another build of OpenCV
            continue
    return Finding("versions", "ok", f"Sightline {version()} on {', '.join(found)}.")


def check_instructions(processor: Processor, *, precision: str | None) -> Finding:
    """Whether the processor has what makes detection quick; `precision` is what the model computes in."""
    known = ", ".join(INSTRUCTIONS[name] for name in processor.instructions)
    computes = f"; the model computes in {precision}" if precision else ""
    if not known:
        text = f"{processor.name}: no instructions are known that make detection quick{computes}."
        return Finding(
            "instructions", "warn", text, "Expect few frames a second; x86 with AVX2 or newer is several times as quick."
        )
    return Finding("instructions", "ok", f"{processor.name} has {known}{computes}.")


def check_speed(
    model: ModelInfo, *, throughput: Throughput, smallest: SizeThroughput, capacity: Capacity, min_fps: float
) -> Finding:
    """How quick the detector is, and what that is enough for at the smallest size that live streams may come down to."""
    rate = (
        f"A frame takes {throughput.frame_ms:.0f} ms at {model.imgsz} px, and {throughput.detections_fps:.0f} fit into a second"
    )
    if smallest.imgsz < model.imgsz:
        rate += f", at {smallest.imgsz} px {smallest.detections_fps:.0f}"
    text = f"{rate}: room for {capacity.sessions} live {'stream' if capacity.sessions == 1 else 'streams'}"
    if smallest.detections_fps < 2 * min_fps:
        advice = "Lower live.min_imgsz, take a smaller model, or give the server more processors."
        return Finding("speed", "warn", f"{text}, and less than {min_fps:g} detections a second.", advice)
    return Finding("speed", "ok", f"{text} with at least {min_fps:g} detections a second each.")


def check_limits(*, cpu_file: Path | None = None, memory_files: tuple[Path, ...] = _MEMORY_LIMITS) -> Finding:
    """How much processor and memory the machine or the container gives. Reads files."""
    quota = processor_quota(limit_file=cpu_file) if cpu_file else processor_quota()
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # Version 1 has no word for "no limit" but a very large number.
    available = min(_memory_limit(memory_files) or total, total)
    limited = " (limits of the container)" if quota or available < total else ""
    text = f"{quota or available_processors():g} processors and {available / GIB:.1f} GiB of memory{limited}."
    if available < LEAST_MEMORY_BYTES:
        return Finding("limits", "warn", text, "Give it at least 1 GiB of memory, or the system may end it under load.")
    if quota is not None and quota < 1:
        return Finding("limits", "warn", text, "Give it at least one processor: with less it starts slowly and detects little.")
    return Finding("limits", "ok", text)


def check_disk(data_dir: Path, *, least_bytes: int = LEAST_DISK_BYTES) -> Finding:
    """Whether the data folder can be written, and how much room there is. Asks the file system."""
    existing = next(folder for folder in (data_dir, *data_dir.absolute().parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        advice = "Set server.data_dir to a folder that this user may write, or mount one there."
        return Finding("disk", "bad", f"The data folder {data_dir} cannot be written.", advice)
    free = shutil.disk_usage(existing).free
    text = f"{free / GIB:.1f} GiB are free for the data folder {data_dir}."
    if free < least_bytes:
        return Finding("disk", "warn", text, "Make room there, or set server.data_dir to another disk.")
    return Finding("disk", "ok", text)


def check_videos(data_dir: Path, *, enabled: bool, min_free_bytes: int, max_bytes: int) -> Finding:
    """Whether video files can be taken: a folder that can be written, with room for a large one. Asks the file system."""
    if not enabled:
        return Finding("videos", "ok", "Video files are turned off (videos.enabled).")
    existing = next(folder for folder in (data_dir, *data_dir.absolute().parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        advice = "Set server.data_dir to a folder that this user may write, or turn them off with videos.enabled."
        return Finding("videos", "warn", f"Video files are not taken: the data folder {data_dir} cannot be written.", advice)
    room = shutil.disk_usage(existing).free - min_free_bytes
    # The result is about as large as the upload.
    if room < 2 * max_bytes:
        text = f"There is room for {max(0, room) / GIB:.1f} GiB of video files and their results in {data_dir}."
        advice = "Make room there, lower videos.max_bytes, or set server.data_dir to another disk."
        return Finding("videos", "warn", f"{text[:-1]}, and one upload may have {max_bytes / GIB:.1f} GiB.", advice)
    return Finding("videos", "ok", f"There is room for {room / GIB:.1f} GiB of video files and their results in {data_dir}.")


def _memory_limit(files: tuple[Path, ...]) -> int | None:
    """The container's limit in bytes; `max`, and no file at all, mean none."""
    for file in files:
        try:
            return int(file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return None
