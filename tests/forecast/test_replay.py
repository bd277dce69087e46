"""The replayed record: which forecasts are made again, and how they are judged. What they may know: test_leakage."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_sync import assess, tables
from pmo_sync.assessed import Share
from pmo_sync.forecast import replay, variants
from pmo_sync.forecast.baselines import QUANTILES, Said
from pmo_sync.forecast.replay import End, Replayed
from pmo_sync.store import Store
from tests.forecast import past
from tests.store import history

DAY = timedelta(days=1)
TODAY = date(2026, 6, 28)  # a Sunday


def end(finished_on: date | None = None, *, name: str = "m", is_open: bool = False) -> End:
    return End(f"milestone:{name}", "M", False, is_open, finished_on, finished_on, 0)


def test_week_ends_are_sundays_with_a_day_after_them() -> None:
    assert replay.week_ends(date(2026, 6, 1), TODAY) == [date(2026, 6, 7), date(2026, 6, 14), date(2026, 6, 21)]
    assert replay.week_ends(date(2026, 6, 7), date(2026, 6, 9)) == [date(2026, 6, 7)]
    assert replay.week_ends(TODAY, TODAY) == []
    assert replay.week_ends(TODAY + DAY, TODAY) == []


def row(days: float, day: date, *, name: str = "m", weeks: int = 8, plan: float = 40.0, **more: Any) -> Replayed:
    """One whose every quantile is ``days``, by us and by everybody."""
    said = {one: Said(dict.fromkeys(QUANTILES, days), more.get("p_hit")) for one in ("ours", "weekly")}
    said |= {"share": Said({}, 0.5)} if "p_hit" in more else {}
    return Replayed(f"milestone:{name}", weeks, day, plan, more.get("due_on"), said)


def test_each_date_is_judged_once_its_day_is_over_whatever_came_of_it() -> None:
    day = TODAY - 60 * DAY
    ended = {
        f"milestone:{name}": end(finished, name=name, is_open=finished is None)
        for name, finished in (("a", day + 55 * DAY), ("b", day + 56 * DAY), ("c", None), ("early", day + 9 * DAY))
    }
    some = [row(55, day, name="a"), row(55, day, name="b"), row(59, day, name="c"), row(60, day, name="c"),
            row(61, day, name="c"), row(70, day, name="early"), row(math.inf, day, name="early"),
            row(5, day, name="gone"), row(5, day, name="a", weeks=4)]  # fmt: skip
    got = replay.horizon(some, ended, 8, TODAY)
    assert (got.made, got.waiting) == (8, 3)
    assert got.held["p85"] == got.plain == Share(1, 4, 3), "who was early waits for their day like everybody"


def test_a_loss_is_known_when_the_end_is() -> None:
    day = TODAY - 100 * DAY
    done, closed, late, new = (
        row(10, day, name=one, plan=plan) for one, plan in (("done", 10), ("closed", 10), ("late", 10), ("new", 40))
    )
    ended = {
        one.subject: one
        for one in (
            end(day + 12 * DAY, name="done"),
            end(name="closed"),
            end(name="late", is_open=True),
            end(name="new", is_open=True),
        )
    }
    assert [replay.took(one, ended, TODAY) for one in (done, closed, late, new)] == [12, 80, 80, None]
    lost = replay.losses([done, closed, late, new], ended, "ours", TODAY)
    assert lost["milestone:done"] == [pytest.approx(0.75 * 2 / 10)]  # 0.5, 0.7, 0.85, 0.95: 0.75 in the mean
    assert set(lost) == {"milestone:done", "milestone:closed", "milestone:late"}


def test_chances_are_judged_by_what_happened_where_the_due_date_was_known_and_is_over() -> None:
    day, due = TODAY - 60 * DAY, TODAY - 10 * DAY
    early, late = TODAY - 20 * DAY, TODAY - 2 * DAY
    ended = {f"milestone:{n}": end(early, name=str(n)) for n in range(4)}
    ended |= {"milestone:late": end(late, name="late"), "milestone:open": end(name="open", is_open=True)}
    some = [row(40, day, name=str(n), p_hit=0.9, due_on=due) for n in range(4)]
    some += [row(40, day, name="late", p_hit=0.2, due_on=due), row(40, day, name="open", p_hit=0.5, due_on=due)]
    some += [
        row(40, day, name="open", p_hit=0.5, due_on=TODAY + DAY),
        row(40, day, name="late"),
        row(40, day, name="gone", p_hit=0.1, due_on=due),
    ]
    got = replay.score(some, ended, "ours", TODAY)
    assert (got.chances, got.chances_of) == (6, 6)
    assert got.brier == pytest.approx((4 * 0.01 + 0.04 + 0.25) / 6)
    assert got.skill is not None
    assert got.skill[0] == pytest.approx(1 - got.brier / 0.25)
    assert got.skill[1] <= got.skill[0] <= got.skill[2]
    assert got.auc is not None
    assert got.auc[0] == 1.0
    assert replay.score(some[:4], ended, "ours", TODAY).auc is None, "nothing to tell apart"


def test_ours_is_compared_on_the_rows_of_the_other() -> None:
    day = TODAY - 60 * DAY
    ended = {f"milestone:{n}": end(day + 20 * DAY, name=str(n)) for n in range(3)}
    some = [row(20, day, name=str(n)) for n in range(3)]
    some = [
        one._replace(said={**one.said, "linear": Said(dict.fromkeys(QUANTILES, 10.0), None)}) for one in some[:2]
    ] + some[2:]
    got = replay.score(some, ended, "linear", TODAY)
    assert (got.rows, got.milestones, got.off, got.later) == (2, 2, 10, 10)
    assert got.loss == pytest.approx(0.75 * 10 / 40)
    assert got.ours_less == pytest.approx((-0.75 * 10 / 40,) * 3)


@pytest.mark.parametrize(
    ("held", "of", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.278), (8, 10, 0.490, 0.943), (85, 100, 0.767, 0.907), (10, 10, 0.722, 1)],
)
def test_the_interval_is_wilsons(held: int, of: int, low: float, high: float) -> None:
    assert Share(held, of).interval == pytest.approx((low, high), abs=5e-4)


def test_forecasts_of_one_milestone_repeat_each_other() -> None:
    once, often = Share(8, 10), Share(80, 100, 10)
    assert often.interval == once.interval
    assert (Share(20, 20).is_enough, Share(200, 200, 19).is_enough) == (True, False)


def test_of_a_milestone_one_forecast_in_28_days_counts() -> None:
    """The same milestone again and again, and the days that the backtest has it of."""
    store = history.fill(Store.open(Path("memory"), memory=True), past.case(5))
    last: dict[str, date] = {}
    days: dict[str, list[date]] = {}
    for day in replay.week_ends(date(2026, 2, 1), date(2026, 5, 4)):
        made = assess.again(store, history.configure(), day, {}, "standard")
        rows = list(replay.replay(store, day, made.as_of, made.outlook, last, seed=1))
        for one in rows:
            days.setdefault(one.subject, []).append(one.day)
            forecast, speed = made.outlook.forecasts[one.subject], made.outlook.bases[one.subject].speed
            assert one.plan == pytest.approx(7 * forecast.work / speed.pace)
            assert one.weeks == min(most for most in replay.HORIZONS if one.plan <= 7 * most)
            assert set(one.said) == {*replay.METHODS, *variants.VARIANTS}
            assert replay.on(one, "ours", 0.85) == forecast.p85_on
            assert replay.on(one, "standard", 0.85) == forecast.p85_on
            assert one.said["ours"].p_hit == forecast.p_hit == pytest.approx(one.said["standard"].p_hit)
    assert days
    assert max(map(len, days.values())) > 1
    for some in days.values():
        assert all((later - earlier).days >= 28 for earlier, later in itertools.pairwise(some))


def test_dates_kept_so_far_are_those_that_were_over_and_known_by_then() -> None:
    text = """
    PAY-1  2026-01-05 todo +milestone:kept  2026-02-02 doing  2026-03-02 done
    PAY-2  2026-01-05 todo +milestone:late  2026-02-02 doing  2026-03-03 done
    PAY-3  2026-01-05 todo +milestone:open
    PAY-4  2026-01-05 todo +milestone:ahead  2026-02-02 doing  2026-03-03 done
    PAY-5  2026-01-05 todo +milestone:unseen  2026-02-02 doing  2026-03-01 done
    @kept    kind=version project=PAY  2026-01-05 due_on=2026-03-02 state=open
    @late    kind=version project=PAY  2026-01-05 due_on=2026-03-02 state=open
    @open    kind=version project=PAY  2026-01-05 due_on=2026-03-02 state=open
    @ahead   kind=version project=PAY  2026-01-05 due_on=2026-09-30 state=open
    @unseen  kind=version project=PAY  2026-04-05 due_on=2026-03-02 state=open
    """
    store = history.fill(Store.open(Path("memory"), memory=True), history.parse(text), history.moment("2026-01-05"))
    for today, expected in (
        (date(2026, 3, 1), {}),
        (date(2026, 3, 2), {"project:PAY": Share(1, 3)}),
        (TODAY, {"project:PAY": Share(1, 3)}),
    ):
        tables.prepare(store, history.configure(), past.end_of(today), today)
        assert replay.kept(store) == expected


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
