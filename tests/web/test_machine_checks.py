"""Each finding about the machine."""

from pathlib import Path

import pytest

from server.inference.processors import Processor
from server.inference.throughput import SizeThroughput, Throughput
from server.pipeline.capacity import planned_capacity
from server.web.machine_checks import check_disk, check_instructions, check_limits, check_speed, check_versions, check_videos
from tests.fakes import FAKE_MODEL


def test_versions_are_named() -> None:
    """For a report, and for whoever reads it."""
    found = check_versions()
    assert found.sign == "ok"
    assert "openvino 2" in found.text


def test_quick_instructions_are_named_with_their_precision() -> None:
    """A person sees why it is quick."""
    found = check_instructions(Processor("CPU", ("avx2", "avx512_bf16")), precision="bf16")
    assert (found.sign, found.text) == ("ok", "CPU has AVX2, AVX-512 bf16; the model computes in bf16.")


def test_a_processor_without_them_is_told() -> None:
    """It works, slowly."""
    assert check_instructions(Processor("old", ()), precision=None).sign == "warn"


@pytest.mark.parametrize(("detections_fps", "sign", "room"), [(70, "ok", "8 live streams"), (6, "warn", "1 live stream,")])
def test_speed_is_what_it_is_enough_for(detections_fps: float, sign: str, room: str) -> None:
    """Time of a frame, rate, and streams; too slow for one stream is a warning with advice."""
    capacity = planned_capacity(detections_fps, min_fps=5, max_sessions=None)
    throughput, smallest = Throughput(21.4, detections_fps), SizeThroughput(FAKE_MODEL.imgsz, detections_fps)
    found = check_speed(FAKE_MODEL, throughput=throughput, smallest=smallest, capacity=capacity, min_fps=5)
    assert found.sign == sign
    assert f"21 ms at 320 px, and {detections_fps} fit into a second: room" in found.text
    assert room in found.text
    assert bool(found.advice) == (sign == "warn")


def test_a_smaller_input_may_be_quick_enough() -> None:
    """What counts is the size that streams may come down to; it is named."""
    throughput, smallest = Throughput(125.0, 8.0), SizeThroughput(160, 31.0)
    capacity = planned_capacity(31.0, min_fps=5, max_sessions=None)
    found = check_speed(FAKE_MODEL, throughput=throughput, smallest=smallest, capacity=capacity, min_fps=5)
    assert found.sign == "ok"
    assert "8 fit into a second, at 160 px 31: room for 3 live streams with at least 5" in found.text


def _limits(folder: Path, *, cpu: str = "max 100000", memory: str = "max") -> tuple[str, str]:
    (folder / "cpu.max").write_text(cpu)
    (folder / "memory.max").write_text(memory)
    found = check_limits(cpu_file=folder / "cpu.max", memory_files=(folder / "memory.max",))
    return found.sign, found.text


def test_a_machine_without_limits_is_named(tmp_path: Path) -> None:
    """Processors and memory, and nothing of a container."""
    sign, text = _limits(tmp_path)
    assert sign == "ok"
    assert "container" not in text


def test_the_limits_of_a_container_are_named(tmp_path: Path) -> None:
    """Half a processor and too little memory are warnings of their own."""
    assert _limits(tmp_path, cpu="100000 100000")[0] == "ok"
    assert _limits(tmp_path, cpu="50000 100000")[0] == "warn"
    sign, text = _limits(tmp_path, memory=str(512 * 1024**2))
    assert (sign, "0.5 GiB" in text, "container" in text) == ("warn", True, True)


def test_a_limit_that_is_none_is_none(tmp_path: Path) -> None:
    """Control groups of version 1 write a number that no machine has."""
    assert "container" not in _limits(tmp_path, memory="9223372036854771712")[1]


def test_room_on_the_disk_is_named(tmp_path: Path) -> None:
    """The folder need not exist yet."""
    assert check_disk(tmp_path / "not" / "yet", least_bytes=0).sign == "ok"


def test_too_little_room_is_told(tmp_path: Path) -> None:
    """Before it is used up."""
    assert check_disk(tmp_path, least_bytes=1 << 60).sign == "warn"


def test_a_data_folder_that_cannot_be_written_is_bad(tmp_path: Path) -> None:
    """Here a file stands in its way, which stops root, too."""
    (tmp_path / "file").write_text("")
    found = check_disk(tmp_path / "file" / "data")
    assert found.sign == "bad"
    assert "server.data_dir" in found.advice


def test_video_files_need_room_and_a_folder(tmp_path: Path) -> None:
    """A warning says what to do; without them live video works all the same."""
    fine = check_videos(tmp_path / "data", enabled=True, min_free_bytes=0, max_bytes=1)
    assert (fine.check, fine.sign, fine.advice) == ("videos", "ok", "")
    small = check_videos(tmp_path, enabled=True, min_free_bytes=0, max_bytes=10**15)
    assert small.sign == "warn"
    assert "videos.max_bytes" in small.advice
    (tmp_path / "file").write_text("")
    file = tmp_path / "file" / "data"
    nowhere = check_videos(file, enabled=True, min_free_bytes=0, max_bytes=1)
    assert nowhere.sign == "warn"
    assert "cannot be written" in nowhere.text
    off = check_videos(file, enabled=False, min_free_bytes=0, max_bytes=1)
    assert (off.sign, off.text) == ("ok", "Video files are turned off (videos.enabled).")
