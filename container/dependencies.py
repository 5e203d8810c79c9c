"""`python dependencies.py [EXTRA,...]` prints what the server and its extras need, one a line."""

import sys
import tomllib
from pathlib import Path


def dependencies(pyproject: Path, *, extras: tuple[str, ...] = ()) -> list[str]:
    """The requirements of a project and of some of its extras. Raises KeyError for an extra that it lacks."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(line for extra in extras for line in optional[extra])]


if __name__ == "__main__":
    wanted = tuple(extra.strip() for extra in "".join(sys.argv[1:2]).split(",") if extra.strip())
    sys.stdout.write("\n".join(dependencies(Path("pyproject.toml"), extras=wanted)) + "\n")
