"""What people see of a run."""

from __future__ import annotations

import io

import pytest

from conflict_events.articles import BadRecord
from conflict_events.batch.chunks import Done, Found, Place
from conflict_events.batch.manifest import Counts
from conflict_events.batch.summary import Exit, Progress, Summary


class Terminal(io.StringIO):
    """Takes what is written to a terminal."""

    def isatty(self) -> bool:
        return True


def done(source: int, read: int) -> Done:
    """One article and one bad record."""
    return Done((Found("", 0, 0), BadRecord("x", "y")), Place(source, 2), read)


def shown(patch: pytest.MonkeyPatch, total: int, read: int, starts: list[int], *chunks: Done) -> str:
    """What a terminal is sent in a run, from beginning to end."""
    patch.setattr("sys.stderr", terminal := Terminal())
    with Progress(total, read, starts) as progress:
        for chunk in chunks:
            progress.update(chunk)
    return terminal.getvalue()


def test_the_bar_shows_articles_rate_and_the_share_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    last = shown(monkeypatch, 400, 0, [0, 100, 400], done(0, 100), done(1, 200)).rstrip().rpartition("\r")[2]
    assert last.startswith(" 75%|")
    assert "| 2 articles, " in last
    assert "/s [" in last


def test_the_bar_of_a_run_that_goes_on_begins_where_the_earlier_one_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = shown(monkeypatch, 400, 200, [0, 400], done(0, 300))
    assert " 50%|" in screen
    assert " 75%|" in screen


def test_without_a_known_length_the_bar_shows_articles_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = shown(monkeypatch, 0, 0, [0, 0], done(0, 0))
    assert "1 articles, " in screen
    assert "%" not in screen


def test_there_is_no_bar_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(400, 0, [0, 400]) as progress:
        progress.update(done(0, 100))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("bad", "nothing_to_do", "exit"),
    [(0, False, Exit.GOOD), (1, False, Exit.BAD_RECORDS), (0, True, Exit.GOOD), (1, True, Exit.GOOD)],
)
def test_bad_records_make_another_exit_code_once(bad: int, nothing_to_do: bool, exit: Exit) -> None:
    assert Summary(Counts(5, 0, 0, bad), 0, 1.0, nothing_to_do).exit is exit


def test_the_rate_is_that_of_this_run() -> None:
    summary = Summary(Counts(1200, 30, 80, 3), 700, 10.0)
    assert str(summary) == (
        "1200 articles, 30 events, 80 spans, 3 bad records; 700 articles were done earlier; 50.0 articles/s, 10.0 s"
    )
    assert "0.0 articles/s" in str(Summary(Counts(), 0, 0.0))


def test_skipped_articles_are_told_where_there_are_any() -> None:
    assert "skipped" not in str(Summary(Counts(5), 0, 1.0))
    counts = Counts(5, skipped=2) + Counts(4, skipped=1)
    assert str(Summary(counts, 0, 3.0)) == (
        "9 articles, 0 events, 0 spans, 0 bad records, 3 articles skipped by the first pass; 3.0 articles/s, 3.0 s"
    )
