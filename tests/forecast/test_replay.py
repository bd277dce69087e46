"""The replayed record: which forecasts are made again, that they know their past only, and how they are judged."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pmo_sync import tables
from pmo_sync.forecast import replay
from pmo_sync.forecast.replay import End, Replayed, Share
from pmo_sync.store import Store
from tests.store import history

DAY = timedelta(days=1)
TODAY = date(2026, 6, 28)  # a Sunday


def end(ended_on: date | None, finished_on: date | None = None, *, is_open: bool = False) -> End:
    return End("milestone:m", "M", False, is_open, ended_on, finished_on, 0)


def test_one_forecast_a_horizon_at_the_last_sunday_that_lies_so_far_before_the_end() -> None:
    some = [end(date(2026, 6, 3), date(2026, 6, 3)), end(None, is_open=True), end(None)]
    got = replay.moments(some, date(2026, 3, 1), TODAY)
    assert [(day, one.ended_on, weeks) for day, wanted in got.items() for one, weeks in wanted] == [
        (date(2026, 3, 1), date(2026, 6, 3), 13),
        (date(2026, 3, 29), None, 13),
        (date(2026, 4, 5), date(2026, 6, 3), 8),
        (date(2026, 5, 3), date(2026, 6, 3), 4),
        (date(2026, 5, 3), None, 8),
        (date(2026, 5, 31), None, 4),
    ]
    assert all(day.isoweekday() == 7 for day in got)


def forecast(p85_on: date | None, finished_on: date | None, **more: object) -> Replayed:
    values = {"p50_on": p85_on, "p95_on": p85_on, "plain_p85_on": p85_on, "linear_on": p85_on, **more}
    return Replayed("milestone:m", 8, TODAY - 60 * DAY, False, p85_on=p85_on, finished_on=finished_on, **values)  # type: ignore[arg-type]


def test_each_is_judged_once_its_day_is_over_whatever_came_of_it() -> None:
    some = [
        forecast(TODAY - 5 * DAY, TODAY - 5 * DAY),
        forecast(TODAY - 5 * DAY, TODAY - 4 * DAY),
        forecast(TODAY - 1 * DAY, None),
        forecast(TODAY, None),
        forecast(None, TODAY - 9 * DAY),
        forecast(TODAY + 5 * DAY, TODAY - 9 * DAY),
        Replayed("milestone:m", 8, TODAY - 60 * DAY, True),
        Replayed("milestone:m", 4, TODAY - 30 * DAY, False, p85_on=TODAY),
    ]
    got = replay.worth(some, 8, TODAY)
    assert (got.made, got.refused, got.waiting) == (6, 1, 1)
    assert got.held["p85"] == (1, 4), "who was early waits for their day like everybody"
    assert got.off["p50"] == pytest.approx(1)  # 0, 1 and 14 days off


def test_chances_are_judged_by_what_happened_where_the_due_date_was_known() -> None:
    late, early = TODAY - 2 * DAY, TODAY - 20 * DAY
    some = [forecast(TODAY, early, p_hit=0.9, due_on=TODAY - 10 * DAY)] * 4
    some += [forecast(TODAY, late, p_hit=0.2, due_on=TODAY - 10 * DAY)]
    some += [forecast(TODAY, None, p_hit=0.5, due_on=TODAY - 10 * DAY)]  # open, and past due
    some += [forecast(TODAY, None, p_hit=0.5, due_on=TODAY + DAY), forecast(TODAY, late, p_hit=0.5)]  # nobody knows yet
    got = replay.worth(some, 8, TODAY)
    assert got.brier == pytest.approx((4 * 0.01 + 0.04 + 0.25) / 6)
    assert got.brier_of_share == pytest.approx(4 / 6 * 2 / 6)
    assert replay.worth(some[:4], 8, TODAY).brier is None


@pytest.mark.parametrize(
    ("held", "of", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.278), (8, 10, 0.490, 0.943), (85, 100, 0.767, 0.907), (10, 10, 0.722, 1)],
)
def test_the_interval_is_wilsons(held: int, of: int, low: float, high: float) -> None:
    assert Share(held, of).interval == pytest.approx((low, high), abs=5e-4)


def lines(seed: int, until: date | None = None) -> str:
    """A project that finishes some four items a week; a version of 30 items that ends in June."""
    dice, told, number = random.Random(seed), [], 0
    for week in range(60):
        for _ in range(dice.randint(2, 6)):
            number += 1
            done = date(2025, 5, 1) + timedelta(days=7 * week + dice.randint(0, 6))
            member = "+milestone:v1" if 40 <= week < 58 and dice.random() < 0.5 else ""
            told.append((number, done - timedelta(days=40), done, member))
    made = []
    for number, born, done, member in told:
        later = timedelta(days=number % 9 if until and done > until else 0)  # what came later is another story
        made.append(
            f"PAY-{number}  {born} todo {member}  {done - timedelta(days=3) + later} doing  {done + later} done"
        )
    return "\n".join([*made, "@v1  kind=version project=PAY  2025-12-01 due_on=2026-06-30 state=open"])


def replayed(tmp_path: Path, text: str, days: list[date]) -> list[Replayed]:
    config, made = history.configure(), []
    with Store.open(tmp_path / "state" / "x.duckdb") as store:
        history.fill(store, history.parse(text))
        for day in days:
            as_of = datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
            tables.prepare(store, config, as_of, day)
            wanted = [(End("milestone:acme:m:v1", "v1", False, False, None, None, 0), 4)]
            made += list(replay.replay(store, day, as_of, wanted, seed=1))
    return made


def test_a_replayed_forecast_knows_its_past_only(tmp_path: Path) -> None:
    day = date(2026, 4, 26)
    one, other = (replayed(tmp_path / name, text, [day]) for name, text in (("a", lines(3)), ("b", lines(3, day))))
    assert lines(3) != lines(3, day)
    assert one == other
    [got] = one
    assert not got.is_refused
    assert got.p50_on is not None
    assert got.p_hit is not None
    assert got.due_on == date(2026, 6, 30)


def test_a_due_date_that_nobody_had_seen_by_then_judges_nothing(tmp_path: Path) -> None:
    text = lines(3).replace("2025-12-01 due_on", "2026-05-01 due_on")
    [got] = replayed(tmp_path, text, [date(2026, 4, 26)])
    assert (got.p_hit, got.due_on) == (None, None)
    assert got.p85_on is not None


def test_how_milestones_ended(tmp_path: Path) -> None:
    text = """
    PAY-1  2026-01-05 todo +milestone:v1  2026-02-02 doing  2026-03-02 done
    PAY-2  2026-01-05 todo +milestone:v1  2026-02-02 doing  2026-03-09 done
    PAY-3  2026-01-05 todo +milestone:v1  2026-03-05 -milestone:v1
    PAY-4  2026-01-05 todo +milestone:v2
    PAY-5  2026-01-05 todo +milestone:v3
    @v1    kind=version project=PAY  2026-01-05 due_on=2026-03-01 state=open
    @v2    kind=version project=PAY  2026-01-05 due_on=2026-03-01 state=closed closed_on=2026-03-03
    @v3    kind=version project=PAY  2026-01-05 due_on=2026-03-01 state=open
    """
    with Store.open(tmp_path / "state" / "x.duckdb") as store:
        history.fill(store, history.parse(text))
        tables.prepare(store, history.configure(), datetime(2026, 6, 29, tzinfo=UTC), TODAY)
        got = {one.name: one[3:] for one in replay.ends(store)}
    assert got == {
        "v1": (True, date(2026, 3, 9), date(2026, 3, 9), 1),
        "v2": (False, date(2026, 3, 3), None, 0),
        "v3": (True, None, None, 0),
    }
