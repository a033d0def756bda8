"""How far a long loop is."""

import itertools
import sys
import time

import pytest

from keras_stargan.files.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """Each look at it is 20 seconds later."""
    ticks = itertools.count(0.0, 20.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))


def test_logs_get_a_line_every_half_minute_and_at_the_end(clock, capsys):
    progress = Progress(4, "pictures")
    for _ in range(4):
        progress.add(1)
    assert capsys.readouterr().out.splitlines() == [
        "2/4 pictures, 40 s, 40 s left",
        "4/4 pictures, 1 min 20 s",
    ]


def test_a_terminals_line_is_rewritten(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    progress = Progress(400, "pictures")
    progress.update(1)
    progress.update(400)
    first, second = capsys.readouterr().out.removesuffix("\n").split("\r")[1:]
    assert first.startswith("1/400 pictures, 20 s, 2 h 13 min left")
    assert second.startswith("400/400 pictures, 40 s")


def test_it_can_be_silent(capsys):
    Progress(1, "pictures", verbose=0).add(1)
    assert not capsys.readouterr().out
