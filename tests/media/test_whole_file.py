"""A file appears when it is complete."""

from pathlib import Path

import pytest

from server.media.whole_file import whole_file


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    """Until the block ends the old file is there, in a folder that is made."""
    path = tmp_path / "new" / "file.txt"
    with whole_file(path) as file:
        file.write(b"one")
        assert not path.exists()
    with whole_file(path) as file:
        file.write(b"two")
        assert path.read_bytes() == b"one"
    assert path.read_bytes() == b"two"


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path) -> None:
    """Neither under its name nor under another."""

    def interrupted() -> None:
        with whole_file(tmp_path / "file.txt") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
