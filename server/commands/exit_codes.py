"""Exit codes of the command line; docs/cli.md has the same table."""

OK = 0
"""Everything was done."""

PROBLEMS = 1
"""Done, but something is wrong: a picture could not be checked, or the doctor found what keeps the server from working."""

USAGE_ERROR = 2
"""Nothing was done: an argument, a setting, a model or a source cannot be used."""

INTERRUPTED = 130
"""Ended by Ctrl-C; what is written is complete."""
