"""What goes into the wheel beside the package: the rest of the source, so that it can serve it and be built again from it."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SourceHook(BuildHookInterface[Any]):
    """Puts the files that `server/resources.py` lists under `server/_data`, laid out like a checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds them to a wheel; an editable installation finds them in the checkout."""
        if version == "editable":
            return
        # By its path: the package that is built here may be another one than Python would find by its name.
        resources = runpy.run_path(str(Path(self.root) / "server" / "resources.py"))
        for name, file in resources["source_files"]().items():
            if not name.startswith("server/"):
                build_data["force_include"][str(file)] = f"server/_data/{name}"
