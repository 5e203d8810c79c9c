"""The source of the running program, for everybody who uses it over the network (AGPL-3.0, section 13)."""

import io
import tarfile
from pathlib import Path

from server.resources import PACKAGE

_BESIDE = ("pyproject.toml", "constraints.txt", "Makefile", "LICENSE", "README.md", "static", "docs", "models")
# The weights have a licence and a source of their own, named in model.toml beside them.
_LEFT_OUT = frozenset({"__pycache__", ".bin", ".pt", ".onnx", ".pyc", ".so"})


def source_archive() -> bytes:
    """A gzip tar archive of the package as it runs, and in a checkout of what lies beside it. Blocks."""
    root = PACKAGE.parent
    names = [PACKAGE.name, *_BESIDE] if (root / "pyproject.toml").is_file() else [PACKAGE.name]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
        for name in names:
            if (root / name).exists():
                archive.add(root / name, arcname=f"sightline/{name}", filter=_anonymous)
    return buffer.getvalue()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """The entry without its owner's name, None for what is left out."""
    path = Path(member.name)
    if path.name in _LEFT_OUT or path.suffix in _LEFT_OUT or path.name.startswith("."):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
