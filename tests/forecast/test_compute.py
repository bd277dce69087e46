"""Forecasts of commitments in small worlds: pace, queue, gates, growth, repeatability."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_sync import forecast, indicators
from pmo_sync.assessed import Forecast
from tests.indicators import oracle
from tests.indicators.world import AS_OF, Calendar, Item, Milestone, Tables, World, busy, worlds

DAY = timedelta(days=1)
TODAY = AS_OF.date() - DAY


def made(world: World, seed: int = 1) -> dict[str, Forecast]:
    return forecast.compute(Tables(world), world.as_of, world.today, seed=seed, config_digest="d1").forecasts


def due(days: int, name: str = "m", seen: int = 400) -> Milestone:
    return Milestone(name, "a", ((AS_OF - seen * DAY, TODAY + days * DAY),))


def team(per_week: int = 4, weeks: int = 30, **more: object) -> list[Item]:
    """A project that finishes ``per_week`` items each week, spread over its days."""
    items = []
    for week in range(weeks):
        for n in range(per_week):
            done = AS_OF - (7 * week + 1 + n % 7) * DAY + timedelta(hours=9)
            moves = ((AS_OF - 300 * DAY, "todo"), (done - 3 * DAY, "doing"), (done, "done"))
            items.append(Item(len(items) + 1, "a", moves, **more))  # type: ignore[arg-type]
    return items


def backlog(size: int, milestone: str = "m", first: int = 5_000, joined: int = 200, **more: object) -> list[Item]:
    since = AS_OF - joined * DAY
    stays = ((milestone, since, None),)
    return [Item(first + n, "a", ((since, "todo"),), stays=stays, **more) for n in range(size)]  # type: ignore[arg-type]


def one(items: list[Item], *milestones: Milestone) -> Forecast:
    return made(World(tuple(items), milestones))["milestone:m"]


def codes(some: Forecast) -> set[str]:
    return {gate.code for gate in some.gates}


def test_a_steady_project_gives_dates_around_the_arithmetic() -> None:
    got = one(team() + backlog(20), due(70))
    assert got.method == "regression-3/fixed"
    assert (got.remaining, got.actual_pace, got.best_pace) == (20, 4.0, 4)
    assert got.weekly_counts == (4,) * 12
    assert got.required_pace == pytest.approx(2.0)
    assert got.p50_on is not None
    assert 33 <= (got.p50_on - TODAY).days <= 42  # 35 days at 4 a week
    assert got.p50_on < got.p85_on < got.p95_on  # type: ignore[operator]
    assert got.p_hit is not None
    assert 0.85 < got.p_hit <= 0.97
    assert not got.refused
    assert codes(got) == {"thin_history"}  # 48 of the 50 wanted
    assert [q for q, _ in got.fan] == list(forecast.QUANTILES)
    assert got.config_digest == "d1"


def test_a_milestone_with_enough_of_its_own_has_its_own_pace() -> None:
    stays = (("m", AS_OF - 250 * DAY, None),)
    own, others = team(3, stays=stays), [replace(item, number=item.number + 1000) for item in team(5)]
    got = one(own + others + backlog(12, joined=250), due(70))
    assert got.actual_pace == 3.0
    assert "queue" not in codes(got)
    without = one([replace(item, stays=()) for item in own] + others + backlog(12), due(70))
    assert without.actual_pace == 8.0


@pytest.mark.parametrize(("finished", "pace"), [(24, 5.0), (25, 25 / 12)])
def test_25_items_of_its_own_make_a_pace(finished: int, pace: float) -> None:
    mine = {item.number for item in team(5)[:finished]}
    stays = (("m", AS_OF - 250 * DAY, None),)
    items = [replace(item, stays=stays) if item.number in mine else item for item in team(5)]
    assert one(items + backlog(12, joined=250), due(70)).actual_pace == pytest.approx(pace)


def test_milestones_of_one_project_queue_by_due_date() -> None:
    items = team() + backlog(20) + backlog(12, "early", 6_000) + backlog(30, "late", 7_000)
    got = one(items, due(70), due(30, "early"), due(100, "late"))
    alone = one(team() + backlog(32), due(70))
    assert (got.p50_on, got.p85_on, got.p_hit) == (alone.p50_on, alone.p85_on, alone.p_hit)
    assert got.remaining == 20
    assert got.required_pace == pytest.approx(3.2)
    [queue] = [gate for gate in got.gates if gate.code == "queue"]
    assert queue.params == {"ahead": 12, "pace_of": "project:a"}


def test_an_overdue_milestone_nobody_works_on_holds_nobody_up() -> None:
    items = team() + backlog(20) + backlog(500, "dead", 6_000)
    got = one(items, due(70), due(-200, "dead"))
    assert got == one(team() + backlog(20), due(70))


def test_an_item_in_two_milestones_is_done_once() -> None:
    both = [replace(item, stays=(*item.stays, ("early", item.created_at, None))) for item in backlog(20)]
    assert "queue" not in codes(one(team() + both, due(70), due(30, "early")))


@pytest.mark.parametrize(
    ("items", "code"),
    [
        (team(2) + backlog(20), "few_done"),
        (team(6, weeks=6) + backlog(20), "empty_weeks"),
        (team(20, weeks=30, is_bulk=True)[:300] + team(4) + backlog(20), "bulk_share"),
        (team() + backlog(20, first=5_000) + [Item(9_000, "a", ((AS_OF - 9 * DAY, "unmapped"),), stays=(("m", AS_OF - 9 * DAY, None),)), Item(9_001, "a", ((AS_OF - 9 * DAY, "unmapped"),), stays=(("m", AS_OF - 9 * DAY, None),))], "unmapped_share"),
        ([item for item in team(8) if item.done_at and item.done_at < AS_OF - 15 * DAY] + backlog(20), "dormant"),
        (team(), "no_items"),
        (backlog(20), "few_done"),
    ],
)  # fmt: skip
def test_too_little_gives_no_date_but_the_reason_and_the_pace(items: list[Item], code: str) -> None:
    renumbered = [replace(item, number=n) for n, item in enumerate(items, 1)]
    got = one(renumbered, due(70))
    assert got.refused
    assert code in codes(got)
    assert (got.p50_on, got.p85_on, got.p95_on, got.p_hit, got.fan) == (None, None, None, None, ())
    assert got.actual_pace >= 0
    for gate in got.gates:
        assert gate.params or gate.code == "no_items"


def test_a_short_history_refuses_and_a_middling_one_warns() -> None:
    def young(weeks: int) -> Forecast:
        items = [
            replace(item, moves=((AS_OF - weeks * 7 * DAY, "todo"), *item.moves[1:]))
            for item in team(6, weeks=weeks - 1)
        ]
        return one(items + backlog(20, joined=weeks * 7), due(70))

    assert "short_history" in codes(young(7))
    assert young(7).refused
    assert "young_history" in codes(young(10))
    assert not young(10).refused
    assert not codes(young(13)) & {"short_history", "young_history"}


def test_a_finished_milestone_is_not_grey() -> None:
    done = [replace(item, stays=(("m", item.created_at, None),)) for item in team(1, weeks=5)]
    got = one(done, due(70))
    assert (got.remaining, got.refused, got.p50_on, got.p_hit, got.gates) == (0, False, None, None, ())


def test_work_beyond_two_years_has_a_chance_but_no_date() -> None:
    got = one(team() + backlog(600), due(70))
    assert (got.p50_on, got.p85_on, got.fan) == (None, None, ())
    assert got.p_hit == 0.03
    assert "beyond_horizon" in codes(got)
    assert "wide" not in codes(got)
    assert not got.refused


def test_a_growing_scope_is_drawn_and_delays() -> None:
    grown = [
        Item(7_000 + n, "a", ((AS_OF - (7 * n + 3) * DAY, "todo"),), stays=(("m", AS_OF - (7 * n + 3) * DAY, None),))
        for n in range(12)
    ]
    got, still = one(team() + backlog(20) + grown, due(70)), one(team() + backlog(32), due(70))
    assert (got.method, still.method) == ("regression-3/growing", "regression-3/fixed")
    assert got.remaining == still.remaining
    assert got.p50_on is not None
    assert still.p50_on is not None
    assert got.p50_on > still.p50_on
    [growth] = [gate for gate in got.gates if gate.code == "scope_growing"]
    assert growth.params == {"per_week": 1.0, "pace": 4.0}


def test_past_due_with_open_work_has_no_required_pace_and_hardly_a_chance() -> None:
    got = one(team() + backlog(20), due(-5))
    assert got.required_pace is None
    assert got.p_hit == 0.03


def test_forecasts_repeat_whatever_the_order_of_the_records() -> None:
    world = busy(3)
    first = made(world)
    assert first
    assert first == made(world)
    assert first == made(replace(world, order=-1))
    growing = [one.subject for one in first.values() if "growing" in one.method]
    assert growing
    assert {key: made(world, seed=2)[key].weekly_counts for key in first} == {
        key: one.weekly_counts for key, one in first.items()
    }


def steady(joined: int, per_week: int = 4) -> list[Item]:
    """A milestone that has ``per_week`` items more each week since its first forty joined."""
    items = backlog(40, joined=joined)
    for week in range(joined // 7):
        at = AS_OF - (7 * week + 2) * DAY
        items += [Item(8_000 + 10 * week + n, "a", ((at, "todo"),), stays=(("m", at, None),)) for n in range(per_week)]
    return items


def test_growth_is_that_of_the_weeks_since_the_baseline() -> None:
    old, young = (one(team(6) + steady(weeks * 7), due(90)) for weeks in (14, 7))
    growth = [gate.params["per_week"] for got in (old, young) for gate in got.gates if gate.code == "scope_growing"]
    assert growth == [pytest.approx(4, abs=0.4)] * 2


def test_a_scope_that_settled_just_now_is_said_to_have_no_growth_yet() -> None:
    got = one(team(6) + steady(4 * 7), due(90))
    assert got.method == "regression-3/fixed"
    [young] = [gate for gate in got.gates if gate.code == "young_scope"]
    assert young.params == {"weeks": 3, "need": 4}
    assert "young_scope" not in codes(one(team(6) + backlog(40), due(90)))


@pytest.mark.parametrize("last", ["canceled", "done"])
def test_what_was_over_when_it_joined_makes_no_work(last: str) -> None:
    """Teams give a version to old items when they clean up."""
    ended = AS_OF - 250 * DAY
    late = [
        Item(8_000 + n, "a", ((ended - DAY, "todo"), (ended, last)), stays=(("m", AS_OF - (7 * (n // 4) + 2) * DAY, None),))
        for n in range(40)
    ]  # fmt: skip
    untagged = [replace(item, stays=()) for item in late]
    plain, tagged = (one(team(6) + backlog(30) + some, due(70)) for some in (untagged, late))
    assert replace(tagged, gates=()) == replace(plain, gates=())
    assert codes(tagged) == codes(plain)


@given(world=worlds())
def test_the_weeks_drawn_from_are_those_of_the_oracle(world: World) -> None:
    are_drawn_from(world)


@pytest.mark.parametrize("seed", range(3))
def test_the_weeks_drawn_from_are_those_of_the_oracle_in_a_busy_world(seed: int) -> None:
    assert {net for _, net in are_drawn_from(busy(seed)).values()} > {0, 1, -1}


def are_drawn_from(world: World) -> dict[tuple[str, date], tuple[int, int | None]]:
    rows = Tables(world).rows(forecast._sql("weekly"))
    got = {(subject, week): (items, net) for subject, week, items, _, _, net in rows}
    for (subject, week), (_, net) in got.items():
        assert net == oracle.net_added(world, subject, week), (subject, week)
    return got


@given(world=worlds())
@settings(max_examples=25)
def test_pace_and_work_are_those_of_the_required_pace(world: World) -> None:
    tables = Tables(world)
    got = forecast.compute(tables, world.as_of, world.today, seed=1, config_digest="").forecasts
    readings = indicators.compute(tables, ["FC-3"]).set_index(["subject", "part"])["value"]
    for subject, some in got.items():
        required = readings.get((subject, "required"))
        if some.remaining:
            assert some.required_pace == (None if required is None else pytest.approx(required))
        if some.weekly_counts:
            assert some.actual_pace == pytest.approx(readings[subject, "actual"])
            assert some.best_pace == readings[subject, "best"]
        assert some.remaining == sum(item.is_open for item in world.work(subject))
        assert some.refused == any(gate.code in REFUSING for gate in some.gates) or not some.refused
    committed = {f"milestone:{one.id}" for one in world.milestones if one.is_open and one.due_on}
    assert set(got) == committed


REFUSING = {"no_items", "few_done", "empty_weeks", "short_history", "bulk_share", "unmapped_share", "dormant"}


def test_the_busy_world_has_forecasts_of_every_kind() -> None:
    got = made(busy(0)).values()
    assert any(some.p50_on for some in got)
    assert any(
        math.isclose(oracle.required_pace(busy(0), some.subject)["actual"][0] or 0, some.actual_pace) for some in got
    )


def test_dates_are_dates() -> None:
    got = one(team() + backlog(20), due(70))
    assert type(got.p50_on) is date
    assert type(got.due_on) is date


# --- calendars -------------------------------------------------------------------------------------------------------


def daily(calendar: Calendar, per_day: int = 5, weeks: int = 30, project: str = "a", first: int = 1) -> list[Item]:
    """A project that finishes ``per_day`` items each working day, and nothing else."""
    items = []
    for day in (TODAY - n * DAY for n in range(7 * weeks)):
        for _ in range(per_day if calendar.works(day) else 0):
            done = datetime.combine(day, time(9))
            moves = ((AS_OF - 300 * DAY, "todo"), (done - timedelta(hours=2), "doing"), (done, "done"))
            items.append(Item(first + len(items), project, moves))
    return items


def plan(world: World, subject: str = "milestone:m") -> tuple[Forecast, date]:
    """The forecast, and the end of the linear plan it comes from."""
    made = forecast.compute(Tables(world), world.as_of, world.today, seed=1, config_digest="")
    one, basis = made.forecasts[subject], made.bases[subject]
    day = basis.speed.calendar.after(world.today, 7 * basis.work / basis.speed.pace)
    assert day is not None
    return one, day


LEBARAN = frozenset(TODAY - n * DAY for n in range(20, 30)) | frozenset(TODAY + n * DAY for n in range(2, 5))


@pytest.mark.parametrize(
    ("calendar", "day"),
    [
        (Calendar(), 4),  # Thursday
        (Calendar(frozenset()), 4),
        (Calendar(frozenset({6})), 4),
        (Calendar(frozenset({4, 5})), 4),  # Monday to Thursday
        (Calendar(free=LEBARAN), 9),  # Tuesday to Thursday off: Monday, Friday, Monday, Tuesday
        (Calendar(frozenset({4, 5}), LEBARAN), 9),  # Monday, Sunday, Monday, Tuesday
    ],
)
def test_at_constant_throughput_five_a_day_and_twenty_left_are_four_working_days(calendar: Calendar, day: int) -> None:
    world = World(tuple(daily(calendar) + backlog(20)), (due(70),), calendars=(calendar,))
    got, end = plan(world)
    assert end == TODAY + day * DAY
    assert got.actual_pace == 5 * calendar.week
    assert got.p50_on is not None
    assert calendar.works(got.p50_on)
    assert calendar.days(*sorted((end, got.p50_on))) <= 2
    left = calendar.days(AS_OF.date(), got.due_on or TODAY)
    assert got.required_pace == pytest.approx(20 * calendar.week / left)


def test_days_off_neither_slow_a_project_nor_look_like_silence() -> None:
    """Two whole weeks off just before: no empty week, no falling trend, nothing dormant, and the usual pace."""
    off = Calendar(free=frozenset(TODAY - n * DAY for n in range(14)))
    with_it = plan(World(tuple(daily(off) + backlog(100)), (due(70),), calendars=(off,)))[0]
    unsaid = made(World(tuple(daily(off) + backlog(100)), (due(70),)))["milestone:m"]
    assert (with_it.actual_pace, with_it.weekly_counts[-2:], with_it.gates) == (25, (0, 0), ())
    assert unsaid.refused
    assert unsaid.actual_pace == pytest.approx(25 * 10 / 12)


def test_a_forecast_says_which_days_off_it_leaves_out() -> None:
    calendar = Calendar(free=frozenset(TODAY + n * DAY for n in (2, 3, 4, 6, 60)))  # the fourth is a Saturday
    got = plan(World(tuple(daily(calendar) + backlog(100)), (due(70),), calendars=(calendar,)))[0]
    [off] = [gate for gate in got.gates if gate.code == "days_off"]
    assert off.params == {"days": 3, "until": got.p85_on}
    assert "days_off" not in codes(plan(World(tuple(daily(Calendar()) + backlog(100)), (due(70),)))[0])


def test_each_team_goes_by_its_own_calendar() -> None:
    """The same work in both: b's weekend is Friday and Saturday, and it has a week of holidays ahead."""
    own = Calendar(frozenset({4, 5}), frozenset(TODAY + n * DAY for n in range(7, 12)))
    items = daily(Calendar()) + daily(own, project="b", first=3_000) + backlog(40)
    items += [replace(item, project="b") for item in backlog(40, "n", 6_000)]
    world = World(tuple(items), (due(70), replace(due(70, "n"), project="b")), calendars=(Calendar(), own))
    ends = {name: plan(world, f"milestone:{name}")[1] for name in "mn"}
    assert ends == {"m": TODAY + 10 * DAY, "n": TODAY + 17 * DAY}  # Wednesdays
    alone = World(tuple(item for item in items if item.project == "a"), (due(70),))
    assert made(world)["milestone:m"].weekly_counts == made(alone)["milestone:m"].weekly_counts


@given(worlds())
@settings(max_examples=15)
def test_a_calendar_nobody_uses_changes_no_forecast(world: World) -> None:
    plain = replace(world, calendars=world.calendars[:1])
    items = tuple(replace(item, project="a") for item in world.items)
    milestones = tuple(replace(one, project="a") for one in world.milestones)
    own = replace(plain, items=items, milestones=milestones)
    off = Calendar(frozenset({1}), frozenset(TODAY + n * DAY for n in range(-50, 50)))
    assert made(own) == made(replace(own, calendars=(plain.calendars[0], off)))


@given(st.sets(st.integers(1, 120), max_size=30), st.integers(1, 120))
@settings(max_examples=15)
def test_one_more_day_off_ahead_makes_no_forecast_earlier_nor_surer(ahead: set[int], more: int) -> None:
    def at(days: set[int]) -> Forecast:
        calendar = Calendar(free=frozenset(TODAY + n * DAY for n in days))
        return made(World(tuple(team() + backlog(40)), (due(84),), calendars=(calendar,)))["milestone:m"]

    before, after = at(ahead), at(ahead | {more})
    for name in ("p50_on", "p85_on", "p95_on"):
        then, now = getattr(before, name), getattr(after, name)
        assert now is None or then <= now
    assert (before.p_hit or 0) >= (after.p_hit or 0)
