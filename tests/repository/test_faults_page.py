"""docs/faults.md tells of the faults that the tests have."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_has_each_fault_and_all_were_survived() -> None:
    """`make faults` writes it anew."""
    page = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!what goes wrong)([^|]+?) \|.*\| ([^|]+) \|$", page, re.MULTILINE)
    assert sorted(name for name, _ in rows if name != "---") == sorted(_marked())
    assert all(verdict.startswith("[yes]") for _, verdict in rows)


def _marked() -> list[str]:
    """The names in all `@pytest.mark.fault("...")`."""
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "tests").rglob("test_*.py"))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    marked = (call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "fault")
    return [str(ast.literal_eval(call.args[0])) for call in marked]
