"""docs/security.md says what was tried."""

from tests.security.table import PAGE, groups, with_table


def test_the_table_of_bad_inputs_is_that_of_the_tests() -> None:
    """What stands in the page is what tests/security tries; `make security-table` writes it anew."""
    page = PAGE.read_text("utf-8")
    assert page == with_table(page), "docs/security.md is behind tests/security: run `make security-table`"


def test_no_bad_input_stands_twice() -> None:
    """Each row of a group tells of something else."""
    for group in groups():
        said = [case.sent for case in group.cases]
        assert len(set(said)) == len(said), group.title
