"""The source of the running program, for everybody who uses it over the network (AGPL-3.0, section 13)."""

import io
import tarfile
from functools import cache
from pathlib import Path

from server.resources import source_files


@cache  # every user may ask for it
def source_archive() -> bytes:
    """A gzip tar archive that the running program can be built, tested and served from. Blocks the first time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
        for name, file in source_files().items():
            _add(archive, file, name=f"sightline/{name}")
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, file: Path, *, name: str) -> None:
    """Adds the file without its owner's name; a wheel does not keep what may be executed, so the content says it."""
    member = archive.gettarinfo(file, name)
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    with file.open("rb") as opened:
        member.mode = 0o755 if opened.read(2) == b"#!" else 0o644
        opened.seek(0)
        archive.addfile(member, opened)
