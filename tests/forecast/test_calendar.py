"""Usual time against slow loops over days: there and back, the turn of the year once, more days off never earlier."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync.forecast import prior
from pmo_sync.forecast.calendar import TURN_DAYS, Calendar
from pmo_sync.forecast.origins import History
from tests.indicators import world
from tests.indicators.world import AS_OF, calendars

FIRST, TODAY = AS_OF.date() - timedelta(days=400), AS_OF.date() - timedelta(days=1)
SIZE = 1500
DAY = timedelta(days=1)
ALL = [FIRST + n * DAY for n in range(SIZE)]


def made(spec: world.Calendar) -> Calendar:
    off = [spec.is_usual(day) and not spec.works(day) for day in ALL]
    return Calendar.of(FIRST, [spec.works(day) for day in ALL], off, spec.week)


def in_turn(day: date) -> bool:
    return (day.month, day.day) >= (12, 20) or (day.month, day.day) <= (1, 4)


def taken_out(spec: world.Calendar) -> set[date]:
    """Days off but the first three of each turn of the year."""
    out, seen = set(), 0
    for day in ALL:
        seen = seen if in_turn(day) else 0
        if spec.is_usual(day) and not spec.works(day):
            seen += in_turn(day)
            if not (in_turn(day) and seen <= 3):
                out.add(day)
    return out


def free(spec: world.Calendar, *more: date) -> world.Calendar:
    return world.Calendar(spec.weekend, spec.free | set(more))


steps = st.integers(0, 300)


@given(calendars(), steps)
def test_a_date_is_the_first_working_day_with_so_many_before_it(spec: world.Calendar, need: int) -> None:
    out = taken_out(spec)
    day, left = TODAY, need
    while left > 0:
        day += DAY
        left -= spec.is_usual(day) and day not in out
    while need and not spec.works(day):
        day += DAY
    assert made(spec).after(TODAY, need * 7 / spec.week) == day


@given(calendars(), st.integers(-300, 500))
def test_what_is_left_is_the_working_days_to_it_as_usual_days(spec: world.Calendar, days: int) -> None:
    out, until = taken_out(spec), TODAY + days * DAY
    first, last = sorted((TODAY, until))
    between = [day for day in ALL if first < day <= last and spec.is_usual(day) and day not in out]
    expected = len(between) * 7 / spec.week * (1 if until > TODAY else -1)
    assert made(spec).left(TODAY, until) == pytest.approx(expected)


@given(calendars(), st.integers(0, 1500))
def test_days_off_are_those_that_would_have_been_worked(spec: world.Calendar, days: int) -> None:
    until = TODAY + days * DAY
    off = [day for day in ALL if TODAY < day <= until and spec.is_usual(day) and not spec.works(day)]
    assert made(spec).days_off(TODAY, until) == len(off)


@given(calendars(), steps)
def test_there_and_back(spec: world.Calendar, need: int) -> None:
    """Exactly, unless the way ends on a day off of the turn: the next working day has the same work behind it."""
    calendar, usual = made(spec), need * 7 / spec.week
    day = calendar.after(TODAY, usual)
    assert day is not None
    back = calendar.left(TODAY, day)
    turn_day = spec.is_usual(day - DAY) and not spec.works(day - DAY) and in_turn(day - DAY)
    assert back == pytest.approx(usual) or (turn_day and back > usual)
    for n in range((day - TODAY).days):  # and not a day earlier
        assert not spec.works(TODAY + n * DAY) or calendar.left(TODAY, TODAY + n * DAY) < usual - 1e-9


@given(calendars(), steps, st.integers(1, 500), st.integers(0, 500))
def test_one_more_day_off_ahead_never_makes_a_date_earlier(
    spec: world.Calendar, need: int, ahead: int, due: int
) -> None:
    usual, more = need * 7 / spec.week, made(free(spec, TODAY + ahead * DAY))
    before, after = made(spec).after(TODAY, usual), more.after(TODAY, usual)
    assert before is not None
    assert after is not None
    assert before <= after
    until = TODAY + due * DAY
    assert more.left(TODAY, until) <= made(spec).left(TODAY, until)


@given(st.integers(0, 200), st.integers(0, 400))
def test_where_every_day_is_worked_usual_days_are_days(days: int, until: int) -> None:
    calendar = made(world.Calendar(frozenset()))
    assert calendar.after(TODAY, days) == TODAY + days * DAY
    assert calendar.after(TODAY, days + 0.5) == TODAY + (days + 1) * DAY
    assert calendar.left(TODAY, TODAY + until * DAY) == until


@given(calendars(), st.lists(st.integers(0, 390), min_size=1, unique=True).map(sorted))
def test_histories_lose_days_off_and_no_item(spec: world.Calendar, ago: list[int]) -> None:
    done = sorted(TODAY - n * DAY for n in ago)
    days = [(day - date(1970, 1, 1)).days for day in done]
    got = History.of(days, [n + 1 for n in range(len(days))], TODAY, made(spec))
    out = taken_out(spec)
    axis = [day for day in ALL if day not in out and day <= TODAY]
    slow = dict.fromkeys(axis, 0)
    for n, day in enumerate(done):
        slow[max([one for one in axis if one <= day], default=axis[0])] += n + 1
    first = next(n for n, day in enumerate(axis) if slow[day])
    assert got.counts.tolist() == [slow[day] for day in axis[first:]]
    assert got.skipped is not None
    starts = [got.first_on + int(n + skip) * DAY for n, skip in enumerate(got.skipped)]
    assert starts == [*axis[first:], TODAY + DAY]


def test_without_days_off_a_history_is_that_of_the_days_themselves() -> None:
    days = [(TODAY - n * DAY - date(1970, 1, 1)).days for n in (200, 31, 5)]
    got = History.of(days, [1, 2, 3], TODAY, made(world.Calendar()))
    assert got.first_on == TODAY - 200 * DAY
    assert got.counts.sum() == 6
    assert [int(n) for n in np.flatnonzero(got.counts)] == [0, 169, 195]
    assert got.skipped is not None
    assert not got.skipped.any()


def test_the_regression_takes_three_working_days_for_the_turn_of_the_year() -> None:
    """Of a plan of any length, 16 days of which lie in it: ln(actual / plan) rises by 3 * 16 / days times the factor."""
    plan = 13 * 7
    more = plan * (math.exp(prior.BETA[-1] * 3 * 16 / plan) - 1)
    assert round(more * 5 / 7) == TURN_DAYS


@pytest.mark.parametrize(("off", "later"), [(0, 0), (1, 0), (3, 0), (4, 1), (7, 4)])
def test_the_turn_of_the_year_counts_once(off: int, later: int) -> None:
    """The first three days off are in the regression already; the plan's end moves by those beyond them."""
    start = date(2026, 12, 20)  # a Sunday
    turn = [day for day in (start + n * DAY for n in range(1, 13)) if day.weekday() < 5][:off]
    calendar = made(free(world.Calendar(), *turn))
    assert calendar.after(start, 7 * 5) == date(2027, 1, 22) + timedelta(days=later + 2 * bool(later))


def test_lebaran_ahead_moves_a_date_by_its_working_days() -> None:
    """2026: Nyepi and Idulfitri with their joint days, 18 to 24 March, five working days."""
    lebaran = [date(2026, 3, day) for day in (18, 19, 20, 23, 24)]
    plain, with_it = made(world.Calendar()), made(free(world.Calendar(), *lebaran))
    assert plain.after(date(2026, 3, 1), 21) == date(2026, 3, 20)
    assert with_it.after(date(2026, 3, 1), 21) == date(2026, 3, 27)
    assert with_it.left(date(2026, 3, 1), date(2026, 3, 27)) == 21


def test_friday_and_saturday_may_be_the_weekend() -> None:
    calendar = made(world.Calendar(frozenset({4, 5})))
    thursday = date(2026, 3, 5)
    assert calendar.after(thursday, 7 / 5) == date(2026, 3, 8)  # Sunday
    assert calendar.left(thursday, date(2026, 3, 7)) == 0


def test_a_date_before_the_calendar_is_over() -> None:
    assert made(world.Calendar()).left(TODAY, FIRST - 1000 * DAY) < 0


def test_no_date_is_told_beyond_the_calendar() -> None:
    calendar = made(world.Calendar())
    assert calendar.after(ALL[-1] - 3 * DAY, 30) is None
    assert calendar.left(ALL[-1], ALL[-1] + 10 * DAY) == 10
    off = made(free(world.Calendar(), *[TODAY + n * DAY for n in range(1, 1200)]))
    assert off.after(TODAY, 1) is None
