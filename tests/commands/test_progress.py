"""Progress on a terminal, and nowhere else."""

import io

from server.commands.progress import Progress, ShareProgress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_a_terminal_shows_how_far_it_is() -> None:
    """Count, rate and the time that is left stand on one line, which is gone at the end."""
    stream, now = Terminal(), [0.0]
    progress = Progress(4, stream=stream, clock=lambda: now[0])
    for _ in range(2):
        now[0] += 1.0
        progress.advance()
    assert stream.getvalue().endswith("[############............] 2 of 4  1.0/s  0:02 left")
    progress.close()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_it_is_drawn_no_more_often_than_one_can_see() -> None:
    """A thousand quick pictures are a few lines, and the last one is always drawn."""
    stream = Terminal()
    progress = Progress(1000, stream=stream, clock=lambda: 5.0)
    for _ in range(1000):
        progress.advance()
    assert stream.getvalue().count("\r") == 2
    assert "1000 of 1000" in stream.getvalue()


def test_what_is_said_stands_above_the_line() -> None:
    """A message is never written into the bar."""
    stream = Terminal()
    progress = Progress(2, stream=stream)
    progress.advance()
    progress.say("a.jpg is damaged")
    progress.advance()
    assert "\r\x1b[Ka.jpg is damaged\n" in stream.getvalue()


def test_without_a_terminal_only_messages_come() -> None:
    """A log has no use for a bar."""
    stream = io.StringIO()
    progress = Progress(1, stream=stream)
    progress.advance()
    progress.say("a.jpg is damaged")
    progress.close()
    assert stream.getvalue() == "a.jpg is damaged\n"


def test_a_video_has_its_name_and_its_frames() -> None:
    """The number of frames may change on the way: headers are estimates."""
    stream, now = Terminal(), [0.0]
    progress = Progress(None, stream=stream, title="a.mp4", unit=" frames", clock=lambda: now[0])
    now[0] = 2.0
    progress.reach(40, total=80)
    assert stream.getvalue().endswith("a.mp4 [############............] 40 of 80  20.0 frames/s  0:02 left")


def test_what_has_no_known_length_has_no_bar() -> None:
    """It tells how far it is, and how fast."""
    stream, now = Terminal(), [0.0]
    progress = Progress(None, stream=stream, title="a.webm", unit=" frames", clock=lambda: now[0])
    now[0] = 2.0
    progress.reach(40, total=None)
    assert stream.getvalue().endswith("a.webm 40  20.0 frames/s")


def test_a_share_tells_what_is_left_since_this_process_began() -> None:
    """One that goes on from the half has made a tenth in 6 s: four tenths are left."""
    stream, now = Terminal(), [0.0]
    progress = ShareProgress(stream=stream, clock=lambda: now[0])
    progress.show(0.5, note="epoch 6 of 10")
    assert stream.getvalue().endswith("[############............] 50.0 %  epoch 6 of 10")
    now[0] += 6.0
    progress.show(0.6, note="epoch 7 of 10")
    assert stream.getvalue().endswith("60.0 %  epoch 7 of 10  0:24 left")
    now[0] += 3594.0
    progress.show(0.7)
    assert stream.getvalue().endswith("1:30:00 left")


def test_without_a_terminal_a_share_is_not_shown() -> None:
    """As with counts."""
    stream = io.StringIO()
    ShareProgress(stream=stream).show(0.5)
    assert stream.getvalue() == ""
