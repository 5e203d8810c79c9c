"""What was measured is kept, by machine, model and size."""

from dataclasses import replace
from pathlib import Path

from server.inference.throughput import SizeThroughput, Throughput
from server.inference.throughput_cache import FILE_NAME, MOST_ENTRIES, VALID_S, ThroughputCache, throughput_key
from tests.fakes import FAKE_MODEL

QUICK = Throughput(10.0, 150.0, (SizeThroughput(256, 210.0), SizeThroughput(160, 400.0)))


def test_what_was_measured_is_found_again(tmp_path: Path) -> None:
    """The next start reads what this one has kept, in a folder that need not exist."""
    ThroughputCache(tmp_path / "data").put("this", QUICK)
    assert ThroughputCache(tmp_path / "data").get("this") == QUICK
    assert ThroughputCache(tmp_path / "data").get("another") is None


def test_it_is_measured_again_after_a_day(tmp_path: Path) -> None:
    """What was measured on a busy machine does not stay for good, nor does what comes from the future."""
    ThroughputCache(tmp_path, wall_clock=lambda: 1000.0).put("this", QUICK)
    assert ThroughputCache(tmp_path, wall_clock=lambda: 999.0 + VALID_S).get("this") == QUICK
    assert ThroughputCache(tmp_path, wall_clock=lambda: 1000.0 + VALID_S).get("this") is None
    assert ThroughputCache(tmp_path, wall_clock=lambda: 999.0).get("this") is None


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    """A file that cannot be read is written anew."""
    (tmp_path / FILE_NAME).write_text("{")
    cache = ThroughputCache(tmp_path)
    assert cache.get("this") is None
    cache.put("this", QUICK)
    assert cache.get("this") == QUICK


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    """A read-only container measures at each start."""
    (tmp_path / "file").write_text("")
    cache = ThroughputCache(tmp_path / "file" / "data")
    cache.put("this", QUICK)
    assert cache.get("this") is None


def test_the_file_stays_small(tmp_path: Path) -> None:
    """The oldest measurements go first."""
    for number in range(MOST_ENTRIES + 2):
        ThroughputCache(tmp_path, wall_clock=lambda number=number: float(number)).put(str(number), QUICK)  # type: ignore[misc]
    cache = ThroughputCache(tmp_path, wall_clock=lambda: float(MOST_ENTRIES + 2))
    assert [cache.get(str(number)) is None for number in range(4)] == [True, True, False, False]
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_the_key_changes_with_what_a_measurement_depends_on(tmp_path: Path) -> None:
    """Another size, precision, number of workers or file is another measurement."""
    model = tmp_path / "model.onnx"
    model.write_bytes(b"1")
    keys = {
        throughput_key(FAKE_MODEL, path=model, sizes=(), workers=2, threads=0),
        throughput_key(FAKE_MODEL, path=model, sizes=(), workers=1, threads=0),
        throughput_key(FAKE_MODEL, path=model, sizes=(), workers=2, threads=1),
        throughput_key(FAKE_MODEL, path=model, sizes=(256,), workers=2, threads=0),
        throughput_key(FAKE_MODEL, path=tmp_path / "other.onnx", sizes=(), workers=2, threads=0),
        throughput_key(replace(FAKE_MODEL, imgsz=640), path=model, sizes=(), workers=2, threads=0),
        throughput_key(replace(FAKE_MODEL, precision="bf16"), path=model, sizes=(), workers=2, threads=0),
    }
    assert len(keys) == 7
    assert throughput_key(FAKE_MODEL, path=model, sizes=(), workers=2, threads=0) in keys
