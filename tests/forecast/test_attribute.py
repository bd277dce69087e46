"""Why a forecast moved: parts that add up, each cause where it belongs, against the mean over all orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_sync import forecast, tables
from pmo_sync.assess import assess
from pmo_sync.assessed import Forecast, Part, SourceTrust
from pmo_sync.config import Config
from pmo_sync.forecast.attribute import Moved, attribute, moved, remember
from pmo_sync.forecast.basis import Basis, Speed, dates
from pmo_sync.forecast.calendar import Calendar
from pmo_sync.forecast.chance import p_hit
from pmo_sync.forecast.joint import Needed
from pmo_sync.forecast.origins import History
from pmo_sync.forecast.pool import Pool
from pmo_sync.record import Record
from pmo_sync.store import Store
from tests.forecast.test_joint import web
from tests.store import history, lives, oracle

TODAY = date(2026, 3, 1)
WEEK = timedelta(days=7)
# every day is worked, so that the days of the parts are days of work
CALENDAR = Calendar.of(TODAY - timedelta(days=500), [True] * 2000, [False] * 2000, 7)
MEASURES = ("p50_days", "p85_days", "p_hit_points")
NAMES = ("p50_on", "p85_on", "p_hit")


def speed(per_week: int, until: date = TODAY) -> Speed:
    counts = np.zeros(400, dtype=np.int64)
    for day in range(400):
        counts[day] = (day + 1) * per_week // 7 - day * per_week // 7
    made = History(until - timedelta(days=399), counts)
    return Speed(Pool.of({"project:a": made}), "project:a", made, float(per_week), 1.0, CALENDAR)


SPEEDS = {(per_week, day): speed(per_week, day) for per_week in (3, 5, 8) for day in (TODAY, TODAY + WEEK)}


def said(basis: Basis, digest: str = "d") -> Forecast:
    days = basis.speed.days(basis.work)
    by_day = dates(basis.today, days, CALENDAR)
    chance = None if basis.due_on is None else p_hit(days, CALENDAR.left(basis.today, basis.due_on))
    if basis.needed is not None:
        by_day, chance = basis.needed.outcome(days, CALENDAR, basis.today, basis.due_on)
    return Forecast(
        "milestone:m", "x", basis.work, (), by_day[0.5], by_day[0.85], by_day[0.95], chance, basis.due_on, None, 1.0, 1,
        config_digest=digest,
    )  # fmt: skip


def measures(one: Forecast) -> list[int | None]:
    days = [None if day is None else day.toordinal() for day in (one.p50_on, one.p85_on)]
    return [*days, None if one.p_hit is None else int(100 * one.p_hit + 1e-6)]


def moves(then: Basis, now: Basis, came: int = 0, left: int = 0, done: int = 0) -> tuple[Part, ...]:
    counts = {"scope_in": came, "scope_out": left, "progress": done}
    what = Moved({cause: items for cause, items in counts.items() if items})
    return attribute(then, now, what, said(then), said(now))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Basis, Basis, Moved]:
    remaining, ahead = draw(st.integers(1, 40)), draw(st.integers(0, 20))
    due_on = draw(st.none() | st.dates(TODAY + WEEK, TODAY + 30 * WEEK))
    then = Basis(TODAY, due_on, remaining + ahead, SPEEDS[draw(st.sampled_from([3, 5, 8])), TODAY])
    done = draw(st.integers(0, remaining - 1))
    left = draw(st.integers(0, remaining - 1 - done))
    came = draw(st.integers(0, 20))
    rest = remaining + came - left - done
    later = due_on if due_on is None or draw(st.booleans()) else due_on + draw(st.integers(-3, 20)) * timedelta(days=1)
    pace = SPEEDS[draw(st.sampled_from([3, 5, 8])), TODAY + WEEK]
    now = Basis(TODAY + WEEK, later, rest + draw(st.integers(0, 20)), pace)
    counts = {"scope_in": came, "scope_out": left, "progress": done}
    return then, now, Moved({cause: items for cause, items in counts.items() if items})


Look = dict[tuple[Any, ...], list[int | None]]


def in_order(then: Basis, now: Basis, what: Moved, order: Sequence[str], looked: Look) -> dict[str, list[int | None]]:
    """The measures' steps when the causes come true one by one."""
    state: dict[str, Any] = {"today": then.today, "due": then.due_on, "speed": then.speed, "work": then.work}
    came, left, done = (what.counts.get(one, 0) for one in ("scope_in", "scope_out", "progress"))
    ahead = now.work - (then.work + came - left - done)

    def look() -> list[int | None]:
        seen = (state["today"], state["due"], state["work"], id(state["speed"]))
        if seen not in looked:
            looked[seen] = measures(said(Basis(state["today"], state["due"], state["work"], state["speed"])))
        return looked[seen]

    steps = {}
    for cause in order:
        before = look()
        if cause == "pace":
            state["speed"] = now.speed
        elif cause == "due":
            state["due"] = now.due_on
        elif cause == "ahead":
            state["work"] += ahead
        else:
            state["work"] += what.counts.get(cause, 0) * (1 if cause == "scope_in" else -1)
        if cause == "progress":
            state["today"] = now.today
        steps[cause] = [
            None if new is None or old is None else new - old for new, old in zip(look(), before, strict=True)
        ]
    return steps


@settings(max_examples=30)
@given(pairs())
def test_parts_add_up_and_are_the_mean_of_all_orders(pair: tuple[Basis, Basis, Moved]) -> None:
    then, now, what = pair
    parts = attribute(then, now, what, said(then), said(now))
    totals = [
        None if a is None or b is None else b - a
        for a, b in zip(measures(said(then)), measures(said(now)), strict=True)
    ]
    causes = ["scope_in", "scope_out", "progress", "ahead", "pace", "due"]
    looked: Look = {}
    orders = [in_order(then, now, what, order, looked) for order in permutations(causes)]
    for place, (name, total) in enumerate(zip(MEASURES, totals, strict=True)):
        given_parts = {one.cause: getattr(one, name) for one in parts}
        if any(step[place] is None for steps in orders for step in steps.values()):
            continue
        assert total is not None
        assert sum(given_parts.values()) == total
        for cause in causes:
            mean = sum(steps[cause][place] for steps in orders) / len(orders)  # type: ignore[misc]
            assert abs(given_parts.get(cause, 0) - mean) < 1


def test_one_cause_alone_is_all_of_the_change() -> None:
    then = Basis(TODAY, TODAY + 6 * WEEK, 30, SPEEDS[5, TODAY])
    assert moves(then, then) == ()
    more = then._replace(work=35)
    [part] = moves(then, more, came=5)
    assert (part.cause, part.items) == ("scope_in", 5)
    assert part.p50_days is not None
    assert part.p50_days > 0
    [part] = moves(then, then._replace(work=25), left=5)
    assert part.cause == "scope_out"
    assert (part.p50_days or 0) < 0 < (part.p_hit_points or 0)
    [part] = moves(then, then._replace(work=35))
    assert part.cause == "ahead"
    [part] = moves(then, then._replace(speed=SPEEDS[3, TODAY]))
    assert part.cause == "pace"
    [part] = moves(then, then._replace(due_on=TODAY + 10 * WEEK))
    assert (part.cause, part.p50_days) == ("due", 0)


def waits(today: date, late: float) -> Needed:
    """For something of another team that is as likely early as late ``late`` days from ``today``."""
    made = web(
        {"m": ("a", (1.0,) * 5), "n": ("b", (0.6 * late, late, 1.2 * late, 1.5 * late, 2 * late))}, ("m", "n", 2)
    )
    needed = made.needed("m")
    assert needed is not None
    return needed._replace(today=today)


def test_what_it_waits_for_is_a_cause_of_its_own() -> None:
    then = Basis(TODAY, TODAY + 6 * WEEK, 10, SPEEDS[5, TODAY])
    [part] = moves(then, then._replace(needed=waits(TODAY, 60)))
    assert (part.cause, part.items) == ("waits", 0)
    assert (part.p50_days or 0) > 30
    assert (part.p_hit_points or 0) < 0
    [part] = moves(then._replace(needed=waits(TODAY, 60)), then)
    assert (part.cause, part.p50_days or 0) < ("waits", -30)
    waiting = then._replace(needed=waits(TODAY, 60))
    assert moves(waiting, waiting) == ()
    later = moves(waiting, waiting._replace(today=TODAY + WEEK, needed=waits(TODAY + WEEK, 60)))
    assert later[0].cause == "waits"  # a week passed and it is as far away as before


@settings(max_examples=25)
@given(pairs(), st.sampled_from([None, 20, 60]), st.sampled_from([None, 20, 60]))
def test_parts_add_up_whatever_it_waits_for(
    pair: tuple[Basis, Basis, Moved], before: int | None, after: int | None
) -> None:
    then, now, what = pair
    then = then._replace(needed=waits(then.today, before) if before else None)
    now = now._replace(needed=waits(now.today, after) if after else None)
    parts = attribute(then, now, what, said(then), said(now))
    for name, a, b in zip(MEASURES, measures(said(then)), measures(said(now)), strict=True):
        some = [getattr(one, name) for one in parts]
        if a is not None and b is not None and None not in some:
            assert sum(some) == b - a


def test_work_done_as_planned_takes_back_the_time_that_passed() -> None:
    then = Basis(TODAY, TODAY + 8 * WEEK, 20, SPEEDS[5, TODAY])
    idle = moves(then, then._replace(today=TODAY + WEEK))
    assert [(one.cause, one.p50_days) for one in idle] == [("progress", 7)]
    busy = moves(then, then._replace(today=TODAY + WEEK, work=15), done=5)
    assert all(abs(one.p50_days or 0) <= 2 for one in busy)


def test_what_was_published_differently_is_a_cause_of_its_own() -> None:
    then = Basis(TODAY, TODAY + 8 * WEEK, 20, SPEEDS[5, TODAY])
    again = said(then)
    assert again.p50_on is not None
    published = replace(again, p50_on=again.p50_on - timedelta(days=4))
    [part] = attribute(then, then, Moved(), published, again)
    assert (part.cause, part.p50_days, part.p85_days) == ("corrected", 4, 0)
    [part] = attribute(then, then, Moved(), replace(published, config_digest="other"), again)
    assert part.cause == "configuration"
    [part] = attribute(then, then, Moved(), replace(published, method="x-prior/fixed"), again)
    assert part.cause == "method"
    [part] = attribute(then, then, Moved(), replace(published, method="x/growing"), again)
    assert part.cause == "corrected", "whether scope grows is no method"


def test_what_was_published_of_a_moment_long_past_was_said_to_nobody() -> None:
    again = {"milestone:m": said(Basis(TODAY, None, 20, SPEEDS[5, TODAY]))}
    as_of = datetime(2026, 3, 2, tzinfo=UTC)
    row = {**{name: getattr(again["milestone:m"], name) for name in NAMES}, "p95_on": None, "due_on": None}
    row |= {
        "subject": "milestone:m",
        "method": "x",
        "refused": False,
        "config_digest": "d",
        "p50_on": TODAY,
        "as_of": as_of,
    }
    for days, day in ((1, TODAY), (9, again["milestone:m"].p50_on)):
        rows = [{**row, "published_at": as_of + timedelta(days=days)}]
        assert forecast.said(rows, as_of, again)["milestone:m"].p50_on == day


def test_a_date_that_is_not_known_all_the_way_has_no_parts() -> None:
    then = Basis(TODAY, TODAY + 8 * WEEK, 20, SPEEDS[3, TODAY])
    far = then._replace(work=9_000)
    assert said(far).p50_on is None
    assert all(one.p50_days is None for one in moves(then, far, came=8_980))


def _now(case: history.Case, config: Config, store: Store, moment: datetime) -> tuple[dict[str, set[str]], set[str]]:
    """By the oracle: the open items of each commitment that is open, and all that are done."""
    life = {one.issue_id: one for one in oracle.lives(case, config, moment)}
    work = {id_ for id_, one in life.items() if one.role == "work" and one.removed_at is None}
    done = {id_ for id_ in work if life[id_].done_at is not None}
    promised = [one for (one,) in store.rows("SELECT subject FROM subject WHERE is_committed AND state = 'open'")]
    inside = oracle.members(case, config, moment)
    return {one: inside.get(one, set()) & work for one in promised}, done


_WORDS = st.sampled_from(["todo", "done", "wontdo", "+milestone:v1", "-milestone:v1", "+milestone:v1"])


@st.composite
def restless(draw: st.DrawFn) -> str:
    """Issues that go in and out of one milestone, and are done, refused and opened again."""
    lines = []
    for number in range(1, 9):
        events = draw(st.lists(st.tuples(st.integers(0, 12 * 24), _WORDS), min_size=2, max_size=6))
        told = [(0, "todo"), *sorted(events)]
        moments = " ".join(f"{lives.START + timedelta(hours=hour):%Y-%m-%dT%H:%M} {word}" for hour, word in told)
        lines.append(f"PAY-{number} {moments}")
    return "\n".join([*lines, "@v1 kind=version project=PAY 2026-01-05 due_on=2026-03-01 state=open"])


@lives.share(40)
@given(restless(), lives.moments(), lives.moments())
def test_what_became_of_the_open_items_is_what_the_oracle_finds(text: str, one: datetime, other: datetime) -> None:
    case = history.parse(text)
    store = history.fill(history.blank(), case)
    config = history.configure(sources=case.sources)
    looks = []
    for moment in sorted((one, other)):
        tables.prepare(store, config, moment, moment.date())
        if not looks:
            remember(store)
        looks.append(_now(case, config, store, moment))
    (before, done_before), (after, done_after) = looks
    found = moved(store, {})
    for subject in before.keys() & after.keys():
        then, now = before[subject] - done_before, after[subject] - done_after
        what = found.get(subject, Moved())
        done = then & after[subject] & done_after
        expected = {"scope_in": len(now - then), "progress": len(done), "scope_out": len(then - now - done)}
        assert what.counts == {cause: items for cause, items in expected.items() if items}
        titles = sorted(one.title for one in case.issues if one.issue_id in now - then)
        assert sorted(one.title for one in what.named.get("scope_in", ())) == titles


def test_each_way_an_item_can_go() -> None:
    text = """
        PAY-1  2026-01-01 todo +milestone:v1  2026-01-08 done
        PAY-2  2026-01-01 todo +milestone:v1  2026-01-08 -milestone:v1
        PAY-3  2026-01-01 todo +milestone:v1  2026-01-08 -milestone:v1  2026-01-09 done
        PAY-4  2026-01-01 todo +milestone:v1  2026-01-08 wontdo
        PAY-5  2026-01-01 todo                2026-01-08 +milestone:v1
        PAY-6  2026-01-07 todo +milestone:v1  2026-01-08 done
        PAY-7  2026-01-01 todo +milestone:v1  2026-01-03 done  2026-01-08 todo
        PAY-8  2026-01-01 todo +milestone:v1
        @v1  kind=version project=PAY  2026-01-01 due_on=2026-03-01 state=open
    """
    store = history.prepared(text, "2026-01-06")
    remember(store)
    case = history.parse(text)
    tables.prepare(store, history.configure(sources=case.sources), datetime(2026, 1, 12, tzinfo=UTC), date(2026, 1, 11))
    what = moved(store, {})["milestone:acme:m:v1"]
    assert what.counts == {"scope_in": 2, "scope_out": 3, "progress": 1}
    assert [one.key for one in what.named["scope_in"]] == ["PAY-5", "PAY-7"]
    assert [one.key for one in what.named["scope_out"]] == ["PAY-2", "PAY-3", "PAY-4"]
    store.close()


def test_items_of_another_project_are_no_work_of_this_pace() -> None:
    text = """
        PAY-1   2026-01-01 todo +milestone:v1
        PAY-2   2026-01-01 todo +milestone:v1
        PAY-3   2026-01-01 todo +milestone:v1  2026-01-08 done
        CORE-1  2026-01-01 todo +milestone:v1
        CORE-2  2026-01-01 todo                2026-01-08 +milestone:v1
        CORE-3  2026-01-01 todo +milestone:v1  2026-01-08 done
        @v1  kind=version project=PAY  2026-01-01 due_on=2026-03-01 state=open
    """
    store = history.prepared(text, "2026-01-06")
    remember(store)
    config = history.configure(sources=history.parse(text).sources)
    tables.prepare(store, config, datetime(2026, 1, 12, tzinfo=UTC), date(2026, 1, 11))
    subject = "milestone:acme:m:v1"
    assert moved(store, {subject: "project:PAY"})[subject].counts == {"progress": 1}
    assert moved(store, {subject: "project:CORE"})[subject].counts == {"progress": 1, "scope_in": 1}
    assert moved(store, {subject: subject})[subject].counts == {"progress": 2, "scope_in": 1}
    store.close()


def _team(weeks: int = 30, per_week: int = 4) -> list[str]:
    start = datetime(2026, 6, 29, tzinfo=UTC) - weeks * WEEK
    return [
        f"PAY-{100 + week * per_week + n}  2025-11-03 todo  {start + week * WEEK + timedelta(days=n):%Y-%m-%d} doing  "
        f"{start + week * WEEK + timedelta(days=n + 1):%Y-%m-%d} done"
        for week in range(weeks)
        for n in range(per_week)
    ]


def test_a_report_says_why_since_the_last_one(tmp_path: Path) -> None:
    """Five items came in, one of them confidential; the last report was published when one done item was not yet known."""
    lines = [
        *_team(),
        *(f"PAY-{number}  2026-01-05 todo +milestone:v1" for number in range(1, 13)),
        *(f"PAY-{number}  2026-06-24 todo +milestone:v1" for number in range(20, 24)),
        "PAY-24 confidential=yes  2026-06-24 todo +milestone:v1",
        "@v1  kind=version project=PAY  2026-01-05 due_on=2026-07-20 state=open",
    ]
    record = Record(tmp_path / "record")
    with Store.open(tmp_path / "state" / "x.duckdb") as store:
        history.fill(store, history.parse("\n".join(lines)))

        def report(today: date) -> Any:
            return assess(store, history.configure(), today, [SourceTrust("acme", "fresh", None, "", None, 0)], record)

        before = report(date(2026, 6, 21))
        row = next(
            one for one in forecast.ledger_rows(before, "r", before.as_of) if one["subject"] == "milestone:acme:m:v1"
        )
        with record.run("r") as run:
            run.write("ledger", [{**row, "p50_on": row["p50_on"] - timedelta(days=2)}])
        now = report(date(2026, 6, 28))
    parts = {one.cause: one for one in now.moved["milestone:acme:m:v1"]}
    assert parts["scope_in"].items == 5
    assert [one.key for one in parts["scope_in"].issues if not one.is_confidential] == [
        f"PAY-{n}" for n in range(20, 24)
    ]
    assert parts["corrected"].p50_days == 2
    total = (now.forecasts["milestone:acme:m:v1"].p50_on - row["p50_on"]).days + 2
    assert sum(one.p50_days for one in parts.values()) == total
    [news] = [one for one in now.changes if one.code == "forecast_later"]
    assert news.params["days"] == total


@pytest.mark.parametrize("shares", [[0.5, 0.5], [1.4, -0.4], [-1.5, -1.5], [0.2, 0.3, 0.5], [2.0]])
def test_whole_parts_add_up(shares: list[float]) -> None:
    from pmo_sync.forecast.attribute import _whole

    whole = _whole(shares, round(sum(shares)))
    assert sum(whole) == round(sum(shares))
    assert all(abs(a - b) < 1 for a, b in zip(whole, shares, strict=True))
