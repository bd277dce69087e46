"""From the tracker's records to the readings: random worlds through the real store, against the same oracles.

And the promise of every report: what happened after its moment changes nothing in it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings

from pmo_sync import forecast, indicators
from pmo_sync.config import CalendarConfig, Config, TeamConfig, Weekday
from pmo_sync.queries import sql
from pmo_sync.store import Store
from tests.indicators import oracle
from tests.indicators.world import AS_OF, Calendar, Item, Milestone, World, busy, worlds
from tests.store import history

DAY = timedelta(days=1)
WORDS = {"todo": "todo", "doing": "doing", "done": "done", "canceled": "wontdo", "unmapped": "odd"}
CONFIG = history.configure(roles={"decision": ("Decision",), "risk": ("Risk",)})


def config(world: World) -> Config:
    """Its calendars: the PMO's, and that of project b's team."""
    first, last = (calendar_of(world.of_project(one)) for one in "ab")
    if first == last:
        return replace(CONFIG, calendar=first)
    projects = (history.pmo_project("a"), history.pmo_project("b", teams=("b",)))
    held = {item.project for item in world.items}
    projects = tuple(one for one in projects if one.id in held)
    return replace(CONFIG, calendar=first, projects=projects, teams=(TeamConfig("b", "B", (), last),))


def calendar_of(one: Calendar) -> CalendarConfig:
    weekend = tuple(get_args(Weekday)[day] for day in sorted(one.weekend))
    return CalendarConfig(None, weekend, tuple(sorted(one.free)))


def faithful(world: World) -> World:
    """The world without what the store decides itself (leaves, bulk, touches), and with nothing before a creation."""
    items = []
    for item in world.items:
        home = {one.id for one in world.milestones if one.project == item.project}
        stays = tuple(
            (where, max(since, item.created_at), until)
            for where, since, until in item.stays
            if where in home and (until is None or until > max(since, item.created_at))
        )
        flagged = item.blocked_since and max(item.blocked_since, item.created_at)
        items.append(replace(item, is_leaf=True, parent=None, is_bulk=False, stays=stays, blocked_since=flagged))
    plain = replace(world, items=tuple(items))
    links = tuple((a, b, max(since, plain.item(a).created_at, plain.item(b).created_at)) for a, b, since in world.links)
    return replace(plain, links=links)


def lines(world: World) -> str:
    """The world as ``tests.store.history`` reads it."""
    made = []
    for item in world.items:
        events = [(at, WORDS[category]) for at, category in item.moves]
        events += [(since, f"+milestone:{where}") for where, since, _ in item.stays]
        events += [(until, f"-milestone:{where}") for where, _, until in item.stays if until]
        events += [(item.blocked_since, "flagged=true")] if item.blocked_since else []
        events += [(since, f"+blocked_by:{key(world, a)}") for a, b, since in world.links if b == item.number]
        events += [(item.created_at, f"estimate={item.estimate}")] if item.estimate else []
        events += [(item.created_at, f"due_on={item.due_on}")] if item.due_on else []
        events += [(item.created_at, f"start_on={item.start_on}")] if item.start_on else []
        kind = {"work": "Task"}.get(item.role, item.role.title())
        told = " ".join(f"{at:%Y-%m-%dT%H:%M:%S} {word}" for at, word in sorted(events, key=lambda one: one[0]))
        made.append(f"{key(world, item.number)} kind={kind} {told}")
    for one in world.milestones:
        events = [(at, f"due_on={due_on}") for at, due_on in one.dates]
        events += [] if one.is_open else [(AS_OF - timedelta(minutes=1), "state=closed")]
        told = " ".join(f"{at:%Y-%m-%dT%H:%M:%S} {word}" for at, word in events)
        made.append(f"@{one.id} kind=version project={one.project} {told}")
    return "\n".join(made)


def key(world: World, number: int) -> str:
    return f"{world.item(number).project}-{number}"


def seen(world: World) -> World:
    """What the oracle should see: blocks from flags and links, touches from every event."""
    items = []
    for item in world.items:
        waits = [since for _, b, since in world.links if b == item.number]
        starts = [one for one in (item.blocked_since, *waits) if one is not None]
        touched = [at for at, _ in item.moves] + starts
        touched += [at for _, since, until in item.stays for at in (since, until) if at]
        items.append(replace(item, blocked_since=min(starts, default=None), touched_at=max(touched)))
    return replace(world, items=tuple(items), milestones=tuple(replace(one, approvals=()) for one in world.milestones))


def stored(world: World, as_of: datetime = AS_OF) -> Store:
    today = as_of.date() - DAY
    return history.prepared(lines(world), as_of.replace(tzinfo=UTC), config(world), today)


def readings(store: Store) -> dict[tuple[str, str, str], tuple[float | None, int]]:
    frame = indicators.compute(store)
    return {
        (row.subject.replace("acme:m:", ""), row.indicator, row.part): (
            None if math.isnan(row.value) else row.value,
            int(row.sample),
        )
        for row in frame.itertuples()
    }


def same_as_oracle(world: World) -> None:
    world = faithful(world)
    got = readings(stored(world))
    for indicator in indicators.definitions():
        mine = {(subject, part): value for (subject, name, part), value in got.items() if name == indicator}
        expected = oracle.readings(seen(world), indicator)
        expected = {key: value for key, value in expected.items() if not gone(world, key[0])}
        assert mine.keys() == expected.keys(), indicator
        for name, (value, sample) in expected.items():
            assert mine[name][1] == sample, (indicator, name)
            assert mine[name][0] == (None if value is None else pytest.approx(value, abs=1e-9)), (indicator, name)


def gone(world: World, subject: str) -> bool:
    """A milestone of a project without a single issue is nobody's."""
    milestone = world.milestone(subject)
    return milestone is not None and not any(item.project == milestone.project for item in world.items)


@given(world=worlds(most=20))
@settings(max_examples=25)
def test_readings_from_the_trackers_records_equal_the_oracles(world: World) -> None:
    same_as_oracle(world)


def test_a_busy_portfolio_does_too() -> None:
    same_as_oracle(busy(5))


def until(world: World, moment: datetime) -> World:
    """The world as it was known at ``moment``."""
    items = tuple(
        replace(
            item,
            moves=tuple(move for move in item.moves if move[0] < moment),
            stays=tuple(
                (where, since, end if end is None or end < moment else None)
                for where, since, end in item.stays
                if since < moment
            ),
            blocked_since=item.blocked_since if item.blocked_since and item.blocked_since < moment else None,
        )
        for item in world.items
        if item.created_at < moment
    )
    milestones = tuple(
        Milestone(one.id, one.project, tuple(date for date in one.dates if date[0] < moment))
        for one in world.milestones
    )
    numbers = {item.number for item in items}
    links = tuple(one for one in world.links if one[2] < moment and {one[0], one[1]} <= numbers)
    return replace(world, items=items, milestones=milestones, links=links, as_of=moment)


@pytest.mark.parametrize("weeks", [0, 3, 9])
def test_what_happens_later_changes_nothing(weeks: int) -> None:
    world = faithful(busy(6))
    moment = AS_OF - 7 * weeks * DAY
    known, later = stored(until(world, moment), moment), stored(world, moment)
    assert readings(known) == readings(later)
    as_of, today = moment.replace(tzinfo=UTC), moment.date() - DAY
    made = [forecast.compute(one, as_of, today, seed=1, config_digest="").forecasts for one in (known, later)]
    assert made[0] == made[1]
    assert any(one.p50_on for one in made[0].values())
    for name in ("burnup", "cumulative_flow"):
        subjects = ["portfolio", "project:a", "milestone:acme:m:m1"]
        shown = [indicators.series(one, name, subjects) for one in (known, later)]
        assert len(shown[0]) > 20
        assert shown[0].equals(shown[1])


def test_before_the_first_event_there_is_nothing_to_read() -> None:
    world = faithful(busy(6))
    early = AS_OF - 4_000 * DAY
    store = stored(world, early)
    got = readings(store)
    assert {name for _, name, _ in got} == {"SC-2"}  # before the first look at a milestone its words hold
    assert {value for value, _ in got.values()} == {0.0}
    made = forecast.compute(store, early.replace(tzinfo=UTC), early.date() - DAY, seed=1, config_digest="").forecasts
    assert all(one.refused and [gate.code for gate in one.gates] == ["no_items"] for one in made.values())


def listed(store: Store, name: str) -> list[tuple[Any, ...]]:
    """A list of findings as `assess` reads it."""
    return store.rows(sql(f"findings/{name}"))


def lists_equal_numbers(store: Store) -> dict[str, int]:
    """What reports list is what indicators count; how many rows each list has."""
    got = {key: value for key, (value, _) in readings(store).items() if value}
    waiting, decisions = listed(store, "waits"), listed(store, "decisions")
    assert all(len(row) == 14 for row in waiting)
    assert all(len(row) == 7 for row in decisions)
    named = Counter(subject for subject, _ in {(row[4], row[2]) for row in waiting})
    asked = Counter(row[4] for row in decisions)
    for indicator, found in (("RK-4", named), ("PF-3", asked)):
        counted = {
            subject: value
            for (subject, name, part), value in got.items()
            if (name, part) == (indicator, "count") and subject.startswith("project:")
        }
        assert counted == found
    assert got.get(("portfolio", "RK-4", "count"), 0) == len({row[2] for row in waiting})
    assert got.get(("portfolio", "PF-3", "count"), 0) == len(decisions)
    baselines = dict(store.rows("SELECT subject, due_on FROM baseline WHERE starts_with(subject, 'milestone:')"))
    due = store.rows("SELECT subject, due_on FROM subject WHERE kind = 'milestone' AND due_on IS NOT NULL")
    moved = {
        (row.subject, row.part): row.value
        for row in indicators.compute(store, ["SC-2"]).itertuples()
    }  # fmt: skip
    assert moved == {(one, "days"): (due_on - baselines[one]).days for one, due_on in due}
    return {"waits": len(waiting), "decisions": len(decisions), "baselines": len(baselines)}


@given(world=worlds(most=20))
@settings(max_examples=25)
def test_what_is_listed_is_what_is_counted_on_random_worlds(world: World) -> None:
    lists_equal_numbers(stored(faithful(world)))


@pytest.mark.parametrize("hours", [0, 40, 59 * 24 + 1, 60 * 24 + 12])
def test_what_is_listed_is_what_is_counted_on_a_busy_world(hours: int) -> None:
    """At moments shortly before, after and within a day of a look at the milestones."""
    world = busy(7)
    roles = {0: "decision", 1: "risk"}
    items = tuple(replace(one, role=roles.get(one.number % 9, "work")) for one in world.items)
    links = tuple((n, n + 1 + n % 2, AS_OF - 70 * DAY) for n in range(1, 590))
    sizes = lists_equal_numbers(stored(faithful(replace(world, items=items, links=links)), AS_OF - hours * DAY / 24))
    assert min(sizes.values()) >= 5, sizes


def test_who_waits_told_as_a_case() -> None:
    """Of five items that depend on another project only the open leaf of work waits; 6 waits within its own."""
    store = history.prepared(
        """
        a-1 kind=Task     2026-01-05 todo +blocked_by:b-1
        a-2 kind=Risk     2026-01-05 todo +blocked_by:b-1
        a-3 kind=Task     2026-01-05 todo +blocked_by:b-1   2026-01-09 done
        a-4 kind=Task     2026-01-05 todo +blocked_by:b-1   2026-01-09 wontdo
        a-5 kind=Story    2026-01-05 todo +blocked_by:b-1
        a-6 kind=Sub-task 2026-01-05 todo parent=a-5 +blocked_by:a-1
        b-1 kind=Task     2026-01-05 doing
        """,
        AS_OF.replace(tzinfo=UTC), CONFIG, AS_OF.date() - DAY,
    )  # fmt: skip
    assert [(row[0], row[4], row[5], row[9]) for row in listed(store, "waits")] == [
        ("a-1", "project:a", "b-1", "project:b")
    ]
    assert readings(store)["project:a", "RK-4", "count"] == (1.0, 3)  # of 1, 3 and 6


def test_an_item_of_two_projects_waits_in_both_and_in_its_milestone_once() -> None:
    shared = (history.pmo_project("a"), history.pmo_project("b"), history.pmo_project("x", history.Scope("acme", "a")))
    store = history.prepared(
        """
        a-1 kind=Task 2026-01-05 todo +blocked_by:b-1 +milestone:v1
        b-1 kind=Task 2026-01-05 doing
        @v1 kind=version project=a 2026-01-06 due_on=2026-04-01
        """,
        AS_OF.replace(tzinfo=UTC), history.configure(*shared), AS_OF.date() - DAY,
    )  # fmt: skip
    lists_equal_numbers(store)
    assert [(row[4], row[13]) for row in listed(store, "waits")] == [
        ("project:a", ["milestone:acme:m:v1"]),
        ("project:x", []),
    ]


def test_what_was_due_today_is_one_day_late_wherever_it_is_counted() -> None:
    store = history.prepared(
        """
        a-1 kind=Task 2026-01-05 todo +blocked_by:b-1
        b-1 kind=Task 2026-01-05 doing due_on=2026-03-01
        """,
        AS_OF.replace(tzinfo=UTC), CONFIG, date(2026, 3, 1),
    )  # fmt: skip
    assert [row[12] for row in listed(store, "waits")] == [1]
    [row] = indicators.evidence(store, "SC-1", ["project:b"], 5).to_dict("records")
    assert row["measure"] == 1


@pytest.mark.parametrize("word", ["soon", "20250-01-01", "0000-00-00"])
def test_a_word_that_is_no_day_stops_nothing(word: str) -> None:
    store = history.prepared(
        f"""
        a-1 kind=Epic level=1 2026-01-05 todo due_on={word}
        a-2 kind=Task 2026-01-05 todo due_on={word} parent=a-1 +milestone:v
        @v kind=version project=a  2026-01-06 due_on={word}  2026-01-09 due_on=2026-04-01
        """,
        AS_OF.replace(tzinfo=UTC), CONFIG, AS_OF.date() - DAY,
    )  # fmt: skip
    assert store.rows("SELECT subject, due_on FROM baseline") == [("milestone:acme:m:v", date(2026, 4, 1))]
    shown = indicators.series(store, "due_dates", ["milestone:acme:m:v", "epic:acme:a-1"])
    assert [str(one)[:10] for one in shown.due_on] == ["2026-04-01"]


def test_a_baseline_is_of_the_looks_that_tell_the_due_date() -> None:
    """A look 12 hours after the moment counts, one two days after it does not; a milestone without a date has none."""
    at = datetime(2026, 2, 2, tzinfo=UTC)
    store = history.prepared(
        """
        a-1 kind=Task   2026-01-05 todo +milestone:early +milestone:monday +milestone:never
        @early  kind=version project=a  2026-01-06 due_on=2026-03-01  2026-02-02T12:00 due_on=2026-03-11  2026-02-04 due_on=2026-03-31
        @monday kind=version project=a  2026-02-02T12:00 due_on=2026-03-01  2026-02-04 due_on=2026-03-31
        @never  kind=version project=a  2026-01-06 state=open
        """,
        at, CONFIG, at.date() - DAY,
    )  # fmt: skip
    lists_equal_numbers(store)
    first = date(2026, 3, 1)
    assert store.rows("SELECT subject, due_on FROM baseline ORDER BY subject") == [
        ("milestone:acme:m:early", first),
        ("milestone:acme:m:monday", first),
    ]
    got = readings(store)
    assert (got["milestone:early", "SC-2", "days"], got["milestone:monday", "SC-2", "days"]) == ((10.0, 2), (0.0, 1))


def test_evidence_names_the_tracker_s_items() -> None:
    item = Item(7, "a", ((AS_OF - 9 * DAY, "todo"), (AS_OF - 5 * DAY, "doing")))
    store = stored(World((item,)))
    [row] = indicators.evidence(store, "FL-6", ["project:a"], 5).to_dict("records")
    assert row == {
        "subject": "project:a",
        "indicator": "FL-6",
        "issue_id": "acme:a-7",
        "key": "a-7",
        "title": "Title of a-7",
        "url": "https://acme.example/browse/a-7",
        "is_confidential": False,
        "measure": 3.0,
    }


def test_reported_is_the_worst_of_what_is_open() -> None:
    """A finished item that says on track does not speak for its project."""
    text = """
        PAY-1 2026-01-05 todo 2026-01-06 health=at_risk
        PAY-2 2026-01-05 todo 2026-01-07 health=needs_attention
        PAY-3 2026-01-05 todo 2026-01-08 done 2026-01-09 health=on_track
    """
    store = history.prepared(text, "2026-01-20")
    query = sql("findings/reported")
    assert store.rows(query) == [("project:PAY", "at_risk")]
