"""Compares what is installed with known advisories: `python -m tests.security.audit PIP_AUDIT`, as `make audit` does.

It says how many packages could be looked up. Where the database cannot be reached it says that nothing was audited, and ends
with 0: a pipeline without a network must not fail for it.
"""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from typing import Any

Dependency = Mapping[str, Any]
OWN = "sightline"


def main(arguments: Sequence[str]) -> int:
    """Runs pip-audit over the packages of this environment; 1 when an advisory applies to one of them."""
    command = [*arguments, "--path", sysconfig.get_path("purelib"), "--format", "json", "--progress-spinner", "off"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        dependencies = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
        say(f"Nothing was audited: the advisories could not be reached ({reason}).")
        return 0
    return report([one for one in dependencies if one["name"] != OWN])


def report(dependencies: Sequence[Dependency]) -> int:
    """Says what was found; 1 when an advisory applies."""
    unknown = [one["name"] for one in dependencies if "skip_reason" in one]
    known = [one for one in dependencies if "skip_reason" not in one]
    if not known:
        say(f"Nothing was audited: what answers in place of the database knows none of the {len(dependencies)} packages.")
        return 0
    affected = [(one, advisory) for one in known for advisory in one["vulns"]]
    for one, advisory in affected:
        say(describe(one, advisory))
    say(f"Packages audited: {len(known)}; advisories that apply: {len(affected)}.")
    if unknown:
        say(f"Could not be looked up: {', '.join(unknown)}.")
    return 1 if affected else 0


def describe(dependency: Dependency, advisory: Mapping[str, Any]) -> str:
    """One advisory as a line: package, names of the advisory, and where it is fixed."""
    names = ", ".join([advisory["id"], *advisory.get("aliases", [])])
    fixed = ", ".join(advisory.get("fix_versions", [])) or "no version yet"
    return f"{dependency['name']} {dependency['version']}: {names}; fixed in {fixed}"


def say(text: str) -> None:
    """Prints a line."""
    print(text)  # noqa: T201 - the answer to the person at the terminal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
