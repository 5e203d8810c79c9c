"""`sightline average`: makes one model of several of one training."""

import argparse
from pathlib import Path

from server.commands.exit_codes import OK
from server.domain.errors import InvalidRequest
from server.training.average import average


def run(arguments: argparse.Namespace) -> int:
    """Averages; standard output has the file alone, so that a script can go on with it."""
    out = Path(arguments.out)
    if out.exists() and not arguments.force:
        raise InvalidRequest(f"{out}: is there already; name another file, or --force to replace it")
    average([Path(weights) for weights in arguments.weights], out)
    print(out)  # noqa: T201 - the result, for the shell
    return OK
