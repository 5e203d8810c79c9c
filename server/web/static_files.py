"""Static files: the page and what belongs to it, from one folder, kept in memory."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

# The system's table differs from machine to machine; browsers refuse modules and manifests of another type.
_CONTENT_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
}
_TEXT = frozenset({".css", ".html", ".js", ".json", ".svg", ".webmanifest", ".txt"})
_REFERENCE = re.compile(r"""(?:href|src)=["']/static/([^"'#?]+)""")

SIGN_IN_PAGE = "sign-in.html"
INDEX_PAGE = "index.html"
# Fetched by the browser itself, beyond what the sign-in page names: the icons are named in the manifest.
_ALWAYS_OPEN = ("manifest.webmanifest", "icons/")


@dataclass(frozen=True, slots=True, eq=False)
class StaticFile:
    """One file as it is sent; `compressed` is its gzip form where that is smaller."""

    content: bytes
    compressed: bytes | None
    content_type: str
    etag: str
    modified_ns: int


class StaticFiles:
    """Serves the files below one folder, and no others. Reading blocks: never on the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._cache: dict[str, StaticFile] = {}

    def read(self, path: str) -> StaticFile | None:
        """The file at a path relative to the folder, None when there is none; a changed file is read again. Any thread."""
        file = self._locate(path)
        if file is None:
            return None
        modified_ns = file.stat().st_mtime_ns
        cached = self._cache.get(path)
        if cached is None or cached.modified_ns != modified_ns:
            # Two threads may both read it; the result is the same.
            cached = self._cache[path] = _load(file, modified_ns=modified_ns)
        return cached

    def find_video(self, path: str) -> Path | None:
        """The place of a video, None for all else: players ask for parts of one, so it is sent from the disk."""
        file = self._locate(path)
        return file if file is not None and content_type(file).startswith("video/") else None

    def is_open(self, path: str) -> bool:
        """Whether a file belongs to the sign-in page: one that the page itself names, the manifest, an icon. Any thread."""
        if path.startswith(_ALWAYS_OPEN):
            return True
        page = self.read(SIGN_IN_PAGE)
        return page is not None and path in _REFERENCE.findall(page.content.decode())

    def _locate(self, path: str) -> Path | None:
        if any(part.startswith(".") for part in path.split("/")):
            return None
        try:
            file = (self._folder / path).resolve()
            return file if file.is_relative_to(self._folder) and file.is_file() else None
        except (OSError, ValueError):  # a name too long for the file system, or with a null byte
            return None


def content_type(file: Path) -> str:
    """The type of a file, of which nothing but the ending of its name is looked at."""
    return _CONTENT_TYPES.get(file.suffix.lower(), "application/octet-stream")


def _load(file: Path, *, modified_ns: int) -> StaticFile:
    content = file.read_bytes()
    compressed = gzip.compress(content, 6, mtime=0) if file.suffix.lower() in _TEXT else None
    return StaticFile(
        content=content,
        compressed=compressed if compressed is not None and len(compressed) < len(content) else None,
        content_type=content_type(file),
        etag=hashlib.sha256(content).hexdigest()[:20],
        modified_ns=modified_ns,
    )
