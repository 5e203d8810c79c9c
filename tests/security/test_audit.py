"""What `make audit` says of what pip-audit found; a program that answers as pip-audit does stands in for it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ADVISORY = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.0"], "description": "bad"}
SOUND = {"name": "yarl", "version": "1.0", "vulns": []}
AFFECTED = {"name": "av", "version": "1.0", "vulns": [ADVISORY]}
UNKNOWN = {"name": "numpy", "skip_reason": "Dependency not found on PyPI and could not be audited: numpy (2.0)"}
OWN = {"name": "sightline", "skip_reason": "Dependency not found on PyPI and could not be audited: sightline (0.1.0)"}


def audit(tmp_path: Path, *, prints: str, complains: str = "", code: int = 0) -> tuple[int, str]:
    """Exit code and text of an audit whose pip-audit prints that."""
    program = tmp_path / "pip_audit.py"
    program.write_text(f"import sys; print({prints!r}); print({complains!r}, file=sys.stderr); sys.exit({code})")
    command = [sys.executable, "-m", "tests.security.audit", sys.executable, str(program)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


@pytest.mark.parametrize(
    ("dependencies", "code", "says"),
    [
        ([SOUND, OWN], 0, "Packages audited: 1; advisories that apply: 0.\n"),
        (
            [SOUND, AFFECTED],
            1,
            "av 1.0: PYSEC-2026-1, CVE-2026-1; fixed in 2.0\nPackages audited: 2; advisories that apply: 1.\n",
        ),
        ([SOUND, UNKNOWN], 0, "Packages audited: 1; advisories that apply: 0.\nCould not be looked up: numpy.\n"),
        ([UNKNOWN, OWN], 0, "Nothing was audited: what answers in place of the database knows none of the 1 packages.\n"),
    ],
    ids=["sound", "affected", "one unknown", "another database"],
)
def test_tells_what_was_found(tmp_path: Path, dependencies: list[object], code: int, says: str) -> None:
    """Advisories end it with 1; what could not be looked up is never called sound."""
    assert audit(tmp_path, prints=json.dumps({"dependencies": dependencies}), code=code) == (code, says)


def test_without_a_network_nothing_is_called_sound(tmp_path: Path) -> None:
    """It says that nothing was audited, and why, and ends with 0."""
    code, said = audit(tmp_path, prints="", complains="ERROR: Could not connect to PyPI's vulnerability feed", code=1)
    assert code == 0
    assert (
        said
        == "Nothing was audited: the advisories could not be reached (ERROR: Could not connect to PyPI's vulnerability feed).\n"
    )
