"""Records: the one database of this server, and the threads that speak with it."""

import asyncio
import logging
import tempfile
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from server.config.settings import Settings
from server.domain.errors import NotOffered
from server.storage.database import Database, open_database, sqlite_url

logger = logging.getLogger(__name__)

DATABASE_FILE = "sightline.db"
# One that writes and one that reads; more would only wait for the same file.
_RECORD_THREADS = 2


class Records:
    """The database from `open()` to `aclose()`, for all that keeps records: video files, cameras, alerts.

    `executor` runs what speaks with it, which blocks. `missing` says why there is none, and is empty where there is one.
    """

    def __init__(self, settings: Settings) -> None:
        self._threads = ThreadPoolExecutor(_RECORD_THREADS, thread_name_prefix="records")
        self.executor: Executor = self._threads
        self.missing = "the records are not open yet"
        self._settings = settings
        self._database: Database | None = None

    @property
    def offered(self) -> bool:
        """Whether there is a database."""
        return self._database is not None

    @property
    def database(self) -> Database:
        """The database; raises NotOffered where there is none."""
        if self._database is None:
            raise NotOffered(self.missing)
        return self._database

    async def open(self) -> None:
        """Opens the database where something of this server keeps records.

        A data folder that cannot be written only keeps those from being offered: live video needs none. Raises SettingsError
        for a database that cannot be opened.
        """
        settings = self._settings
        if settings.cluster.size > 1:
            self.missing = "not offered by a cluster: each of its servers would know its own only (cluster.size)"
            return
        if not (settings.videos.enabled or settings.cameras.enabled or settings.alerts.enabled):
            self.missing = "video files, cameras and alerts are turned off here"
            return
        folder = data_folder(settings)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self.executor, _check_writable, folder)
        except OSError as exc:
            self.missing = f"not offered here: the data folder cannot be written ({exc.strerror or exc})"
            logger.warning("video files, cameras and alerts are %s", self.missing)
            return
        url = settings.storage.url or sqlite_url(folder / DATABASE_FILE)
        self._database = await loop.run_in_executor(self.executor, open_database, url)
        self.missing = ""

    async def aclose(self) -> None:
        """Closes the database once all that was begun with it is done."""
        if self._database is not None:
            await asyncio.get_running_loop().run_in_executor(self.executor, self._database.close)
        self._threads.shutdown()


def data_folder(settings: Settings) -> Path:
    """Where records, videos and alerts are kept."""
    return Path(settings.server.data_dir).expanduser()


def _check_writable(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def hidden_files(settings: Settings) -> tuple[str, ...]:
    """What no process that opens strangers' files may see: the data folder and the file with the keys."""
    keys_file = settings.auth.api_keys_file
    files = [data_folder(settings), *([Path(keys_file).expanduser()] if keys_file else [])]
    return tuple(str(file.absolute()) for file in files)
