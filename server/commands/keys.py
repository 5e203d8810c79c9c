"""`sightline keys`: makes, lists and revokes named keys; a running server notices by itself."""

import argparse
import sys

from server.commands.exit_codes import OK
from server.config.settings import Settings
from server.web.api_key import Right
from server.web.credentials import configured_keys
from server.web.generated_key import generated_key_path
from server.web.key_file import KeyFile, key_file


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Does what is asked for, and returns the exit code."""
    file = key_file(settings)
    if arguments.action == "add":
        _add(file, arguments.name, right=Right(arguments.rights))
    elif arguments.action == "revoke":
        _revoke(file, arguments.name)
    else:
        print(report(file, settings=settings))  # noqa: T201 - the answer, for the person
    return OK


def report(file: KeyFile, *, settings: Settings) -> str:
    """A line for each named key, and what else opens the server."""
    entries = file.entries()
    width = max((len(entry.name) for entry in entries), default=0)
    lines = [f"{entry.name:<{width}}  {entry.right.value:<5}  made {entry.created_at}" for entry in entries]
    configured = configured_keys(settings)
    generated = generated_key_path(settings)
    if not entries:
        lines.append(f"No named key is in {file.path}: `sightline keys add NAME` makes one.")
    if configured:
        lines.append(f"Beside these the settings have {len(configured)}, which may do everything.")
    elif generated.exists():
        lines.append(
            f"Beside these there is a generated one in {generated}, which may do everything; delete the file to end it."
        )
    return "\n".join(lines)


def _add(file: KeyFile, name: str, *, right: Right) -> None:
    """Standard output has the key alone, for a script."""
    value = file.add(name, right)
    may = "look, check pictures and answer alerts" if right is Right.VIEW else "do everything"
    _tell(f"The key {name!r}, which may {may}. It is shown this one time: only its SHA-256 is kept, in {file.path}.")
    print(value)  # noqa: T201 - the result, for the person or the shell


def _revoke(file: KeyFile, name: str) -> None:
    left = file.revoke(name)
    _tell(f"The key {name!r} is revoked. A running server ends within seconds what was opened with it.")
    if not left:
        _tell(f"No named key is left. Keys are asked for all the same, for as long as {file.path} is there.")


def _tell(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - for the person at the terminal
