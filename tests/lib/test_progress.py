"""The bar of long work: in place on a terminal, else a line now and then."""

from io import StringIO

import pytest

from xroute.lib.progress import Progress, clock


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Time:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_terminal_is_redrawn_in_place_and_covers_what_stood_there():
    now, out = Time(), Terminal()
    bar = Progress("audit", 4, stream=out, now=now)
    now.at = 2
    bar.add(1, "a long name of a check")
    now.at = 8
    bar.add(3, "short")
    bar.finish()
    first, second, last = out.getvalue().removeprefix("\r").removesuffix("\n").split("\r")
    assert "[########......................]  25%  0:06 left  a long name" in first
    assert "100%" in last
    assert len(second) == len(last) == len(first)
    assert "\n" not in out.getvalue()[:-1]


def test_elsewhere_it_is_a_line_every_few_seconds():
    now, out = Time(), StringIO()
    bar = Progress("records", 100, stream=out, unit="records", now=now)
    for second in range(1, 11):
        now.at = second
        bar.add(10)
    bar.finish()
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert "50 records, 10/s  0:05 left" in lines[0]
    assert "100%  100 records, 10/s  0:10" in lines[-1]
    assert "\r" not in out.getvalue()


def test_nothing_to_do_is_done_at_once():
    out = StringIO()
    Progress("empty", 0, stream=out).finish()
    assert "100%" in out.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3725, "62:05")])
def test_a_clock(seconds, text):
    assert clock(seconds) == text
