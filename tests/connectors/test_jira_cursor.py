"""The watermark and the question made of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.jira.cursor import DEEP_OVERLAP, OVERLAP, Cursor, Position, jql, oldest

NOW = datetime(2026, 3, 2, 9, 30, 15, 250000, tzinfo=UTC)


def test_a_first_pass_reads_everything() -> None:
    running = Cursor().begin(NOW, epoch=True)
    assert running.since is None
    done = running.at(Position(200, "17")).done()
    assert (done.complete, done.deep, done.started, done.position) == (NOW, NOW, None, Position())
    assert done.epoch


def test_the_next_pass_looks_back_a_little_and_twice_a_day_a_lot() -> None:
    done = Cursor().begin(NOW, epoch=True).done()
    soon = done.begin(NOW + timedelta(hours=1), epoch=True)
    assert soon.since == NOW - OVERLAP
    after = soon.done()
    assert after.deep == NOW
    late = after.begin(NOW + timedelta(hours=13), epoch=True)
    assert late.since == NOW + timedelta(hours=1) - DEEP_OVERLAP
    assert late.done().deep == NOW + timedelta(hours=13)


def test_a_pass_that_was_cut_off_keeps_its_own_watermark() -> None:
    done = Cursor().begin(NOW, epoch=False).done()
    running = done.begin(NOW + timedelta(hours=1), epoch=False).at(Position(99, "100"))
    again = Cursor.parse(running.text())
    assert again == running
    assert again is not None
    assert again.done().complete == NOW + timedelta(hours=1)


@pytest.mark.parametrize("text", [None, "", "{", "7", '{"complete": "yesterday"}', "null"])
def test_a_text_that_is_not_ours_reads_everything(text: str | None) -> None:
    assert Cursor.parse(text) is None


def test_the_question_in_milliseconds() -> None:
    assert jql("PAY", NOW, epoch=True, zone="UTC") == ('project = "PAY" AND updated >= 1772443815250 ORDER BY key ASC')
    assert jql("AND", None, epoch=True, zone="UTC") == 'project = "AND" ORDER BY key ASC'
    assert jql('A" OR "B', None, epoch=True, zone="UTC").startswith('project = "A\\" OR \\"B"')


@given(
    moment=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(
        ["UTC", "Asia/Jakarta", "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati", "Etc/GMT+12"]
    ),
)
def test_minutes_never_ask_for_too_little(moment: datetime, zone: str) -> None:
    """However the server reads the doubled hour, its bound is not later than what we meant."""
    text = jql("PAY", moment, epoch=False, zone=zone).partition('>= "')[2].partition('"')[0]
    read = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
    for fold in (0, 1):
        meant = read.replace(fold=fold).astimezone(UTC)
        assert meant <= moment
        assert meant >= moment - timedelta(hours=2, minutes=2)


def test_a_row_of_the_same_minute_is_not_older_than_asked_for() -> None:
    """Indexes keep seconds, or minutes."""
    bound = datetime(2026, 3, 1, 10, 0, 30, 500_000, tzinfo=UTC)
    assert oldest(bound, epoch=True) <= bound.replace(second=0, microsecond=0)
    assert oldest(bound, epoch=True) >= bound - timedelta(minutes=2)
