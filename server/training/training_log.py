"""Training log: what Ultralytics and torch print goes into a file, and the terminal stays ours."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO


@contextmanager
def printing_into(file: Path) -> Iterator[TextIO]:
    """Until the block ends, all that is printed or logged by Ultralytics is appended to the file. Blocks; raises OSError.

    Who writes to the terminal meanwhile must have taken `sys.stderr` before.
    """
    with ExitStack() as stack:
        log = stack.enter_context(file.open("a", encoding="utf-8", buffering=1))
        stack.enter_context(redirect_stdout(log))
        stack.enter_context(redirect_stderr(log))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("default")  # they are printed, into the file
        stack.enter_context(_logging_into(log))
        yield log


@contextmanager
def _logging_into(log: TextIO) -> Iterator[None]:
    logger = logging.getLogger("ultralytics")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    logger.handlers, logger.propagate = [logging.StreamHandler(log)], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
