"""A clock that stands still until the test moves it."""


class SetClock:
    """Reads `now`, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time that the test has set."""
        return self.now
