"""The report of what was measured says what the results say."""

from benchmarks.__main__ import titles
from benchmarks.report.results import PAGE, RESULTS, page_text, pictures_of


def test_the_report_is_that_of_the_results() -> None:
    """`make bench ARGS=--report` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page_text(titles())


def test_the_pictures_of_the_report_are_there() -> None:
    """Each result has the plots that the report shows."""
    files = [file for name in titles() if (RESULTS / f"{name}.json").exists() for file in pictures_of(name)]
    assert files
    assert all(file.is_file() for file in files)
