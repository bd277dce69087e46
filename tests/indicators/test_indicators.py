"""Every indicator against its oracle, for every subject, on random and on busy worlds; and the laws they obey."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings

from pmo_sync import indicators
from pmo_sync.queries import sql
from tests.indicators import oracle
from tests.indicators.world import AS_OF, Item, Milestone, Tables, World, busy, renumbered, worlds

IDS = sorted(indicators.definitions())
COUNTS = {"PR-1": ("done", "total", "remaining"), "FL-5": ("",), "SC-1": ("count",), "RK-1": ("count",), "RK-2": ("count",)}  # fmt: skip


def readings(tables: Tables, indicator: str) -> oracle.Readings:
    frame = indicators.compute(tables, [indicator])
    assert list(frame.columns) == list(indicators.READINGS)
    assert set(frame["indicator"]) <= {indicator}
    found = {
        (row.subject, row.part): (None if math.isnan(row.value) else row.value, int(row.sample))
        for row in frame.itertuples()
    }
    assert len(found) == len(frame), "one reading per subject and part"
    return found


def same(got: oracle.Readings, expected: oracle.Readings) -> None:
    assert got.keys() == expected.keys()
    for key, (value, sample) in expected.items():
        assert got[key][1] == sample, key
        assert got[key][0] == (value if value is None else pytest.approx(value, abs=1e-9)), key


def equals_its_oracles(world: World) -> None:
    tables = Tables(world)
    for indicator in IDS:
        same(readings(tables, indicator), oracle.readings(world, indicator))


@given(world=worlds())
@settings(max_examples=60)
def test_every_indicator_equals_its_oracle_on_random_worlds(world: World) -> None:
    equals_its_oracles(world)


@pytest.mark.parametrize("weekday", range(7))
def test_every_indicator_equals_its_oracle_on_a_busy_world(weekday: int) -> None:
    world = busy(weekday)
    equals_its_oracles(replace(world, as_of=world.as_of + timedelta(days=weekday)))


def reaching() -> World:
    """A busy world in which every part of every indicator has a value somewhere."""
    world = busy(0)
    links = tuple((n, n + 1, world.as_of - timedelta(days=n)) for n in range(1, 30, 3))
    items = tuple(
        replace(item, blocked_since=world.as_of - timedelta(days=3), role="decision" if item.number % 50 == 0 else "work")
        for item in world.items
    )  # fmt: skip
    approvals = ((world.as_of - timedelta(days=90), world.as_of.date()),)
    milestones = tuple(replace(one, approvals=approvals * (number % 2)) for number, one in enumerate(world.milestones))
    return replace(world, items=items, links=links, milestones=milestones)


def test_the_busy_world_reaches_every_part() -> None:
    """The comparison above means something, and every value has its unit."""
    world = reaching()
    tables = Tables(world)
    for indicator in IDS:
        got = readings(tables, indicator)
        assert {part for _, part in got} == set(indicators.definitions()[indicator].units)
        parts = {part for _, part in got}
        empty = {part for part in parts if all(got[key][0] is None for key in got if key[1] == part)}
        assert parts, indicator
        assert not empty, indicator
        same(got, oracle.readings(world, indicator))


@given(world=worlds())
@settings(max_examples=20)
def test_order_of_rows_and_numbering_do_not_matter(world: World) -> None:
    assert indicators.compute(Tables(world)).equals(indicators.compute(Tables(renumbered(world))))


@given(world=worlds())
@settings(max_examples=20)
def test_the_projects_add_up_to_the_portfolio(world: World) -> None:
    frame = indicators.compute(Tables(world), COUNTS)
    for indicator, parts in COUNTS.items():
        for part in parts:
            rows = frame[(frame["indicator"] == indicator) & (frame["part"] == part)].set_index("subject")["value"]
            whole = rows.get("portfolio", 0.0)
            assert rows[rows.index.str.startswith("project:")].sum() == whole


def test_before_the_first_event_there_is_nothing_to_read() -> None:
    world = World(items=(), projects=("a",))
    assert indicators.compute(Tables(world)).empty


@given(world=worlds(most=15))
@settings(max_examples=25)
def test_evidence_is_the_number(world: World) -> None:
    """Counting and summing the evidence gives the published value again."""
    tables = Tables(world)
    frame = indicators.compute(tables).set_index(["subject", "indicator", "part"])["value"]
    for subject in world.subjects:
        for indicator, part in (
            ("FL-5", ""),
            ("SC-1", "count"),
            ("RK-1", "count"),
            ("RK-2", "count"),
            ("RK-4", "count"),
        ):
            shown = indicators.evidence(tables, indicator, [subject], 10_000)
            assert list(shown.columns) == list(indicators.EVIDENCE)
            assert len(shown) == frame.get((subject, indicator, part), 0)
        shown = indicators.evidence(tables, "PR-1", [subject], 10_000)
        assert shown["measure"].sum() == frame.get((subject, "PR-1", "done"), 0)
        shown = indicators.evidence(tables, "SP-1", [subject], 10_000)
        growth = frame.get((subject, "SP-1", "added"), 0) - frame.get((subject, "SP-1", "removed"), 0)
        assert math.isnan(growth) or shown["measure"].sum() == growth


def test_evidence_is_limited_to_the_largest_parts_of_each_subject() -> None:
    world = busy(1)
    tables = Tables(world)
    shown = indicators.evidence(tables, "FL-6", ["project:a", "project:b"], 3)
    assert shown.groupby("subject").size().to_dict() == {"project:a": 3, "project:b": 3}
    everything = indicators.evidence(tables, "FL-6", ["project:a"], 10_000)
    assert shown[shown["subject"] == "project:a"]["measure"].tolist() == everything["measure"].nlargest(3).tolist()
    assert indicators.evidence(tables, "FL-6", [], 3).empty


def test_an_unknown_indicator_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        indicators.compute(Tables(World(())), ["XX-9"])
    assert list(indicators.compute(Tables(World(())), []).columns) == list(indicators.READINGS)


@pytest.mark.parametrize("indicator", IDS)
def test_every_file_says_what_it_is(indicator: str) -> None:
    one = indicators.definitions()[indicator]
    assert one.question.endswith("?")
    assert one.used_by
    assert one.source
    assert one.gaming
    assert one.playbook
    assert one.name.replace("_", "").isalpha()
    assert one.minimum_sample >= 1
    assert indicator in oracle.ORACLES


def test_no_oracle_is_left_over() -> None:
    assert set(oracle.ORACLES) == set(IDS)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("-- reading\n", ""), "exactly one line"),
        (('unit = "items"', 'unit = "apples"'), "unknown unit apples"),
        (('done = "items"', 'done = "pears"'), "unknown unit pears"),
        (('direction = "higher"', 'direction = "up"'), "unknown direction"),
        (("-- used_by", '-- findings = "nothing"\n-- used_by'), "PR-1: header"),
        (("-- used_by", '-- findings = "reported"\n-- used_by'), "'-- list'"),
        (('used_by = ["portfolio", "project", "policy"]', "used_by = []"), "used_by"),
        (('-- used_by = ["portfolio", "project", "policy"]\n', ""), "used_by"),
        (('-- name = "completion"', '-- nome = "completion"'), "PR-1: header"),
    ],
)
def test_a_malformed_file_is_refused(change: tuple[str, str], says: str) -> None:

    text = sql("indicators/PR-1")
    assert change[0] in text
    with pytest.raises(ValueError, match=says):
        indicators.parse(text.replace(*change))


@given(world=worlds())
@settings(max_examples=30)
def test_burnup_equals_its_oracle(world: World) -> None:
    frame = indicators.series(Tables(world), "burnup", world.subjects)
    assert list(frame.columns) == ["subject", "day", "scope", "done"]
    for subject in world.subjects:
        assert triples(frame, subject, "scope", "done") == oracle.burnup(world, subject)


def triples(frame: pd.DataFrame, subject: str, *columns: str) -> list[tuple[object, ...]]:
    part = frame[frame["subject"] == subject]
    return [(day.date(), *row) for day, *row in part[["day", *columns]].itertuples(index=False)]


def test_the_last_point_of_the_burnup_is_completion() -> None:
    tables = Tables(busy(2))
    last = indicators.series(tables, "burnup", ["portfolio", "milestone:m1"]).groupby("subject").last()
    completion = indicators.compute(tables, ["PR-1"]).set_index(["subject", "part"])["value"]
    for subject in ("portfolio", "milestone:m1"):
        assert last.loc[subject, "scope"] == completion[subject, "total"]
        assert last.loc[subject, "done"] == completion[subject, "done"]


@given(world=worlds())
@settings(max_examples=30)
def test_cumulative_flow_equals_its_oracle(world: World) -> None:
    frame = indicators.series(Tables(world), "cumulative_flow", world.subjects)
    for subject in world.subjects:
        got = {(day, category): items for day, category, items in triples(frame, subject, "category", "items")}
        assert got == oracle.cumulative_flow(world, subject)


@given(world=worlds())
@settings(max_examples=30)
def test_due_dates_equal_their_oracle(world: World) -> None:
    frame = indicators.series(Tables(world), "due_dates", world.subjects)
    for subject in world.subjects:
        part = frame[frame["subject"] == subject]
        got = [(seen.date(), due.date()) for seen, due in part[["seen_on", "due_on"]].itertuples(index=False)]
        assert got == oracle.due_dates(world, subject)


def test_a_series_shows_only_the_subjects_asked_for() -> None:
    tables = Tables(busy(0))
    assert set(indicators.series(tables, "burnup", ["project:a"])["subject"]) == {"project:a"}
    assert indicators.series(tables, "cumulative_flow", []).empty


def ago(days: float) -> datetime:
    return AS_OF - timedelta(days=days)


def test_scope_growth_told_as_a_case() -> None:
    """The fifth joined 24 days ago, so the baseline is of 17 days ago: 1, 2, 3, 4, 6 and 8."""
    stays = {1: (30, None), 2: (29, 10), 3: (24, None), 4: (22, None), 5: (3, None), 6: (20, 12), 7: (28, 24), 8: (29, None), 9: (3, None)}  # fmt: skip
    last = {3: (ago(5), "canceled"), 8: (ago(20), "done"), 9: (ago(4), "done")}
    items = []
    for number, (since, until) in stays.items():
        moves = [(ago(40), "todo")] + ([last[number]] if number in last else [])
        stay = ("m", ago(since), None if until is None else ago(until))
        items.append(Item(number, "a", tuple(moves), stays=(stay,)))
    got = readings(Tables(World(tuple(items), (Milestone("m", "a", ()),))), "SP-1")
    assert got == {
        ("milestone:m", "added"): (1.0, 6),  # 5; 9 was done when it came
        ("milestone:m", "removed"): (3.0, 6),  # 2 and 6 left, 3 was given up; 7 had left before the baseline
        ("milestone:m", "growth"): (pytest.approx(-1 / 3), 6),
    }
    few = readings(Tables(World(tuple(items[:4]), (Milestone("m", "a", ()),))), "SP-1")
    assert few == {}, "four items are no plan to compare with"


def test_a_wait_counts_from_its_oldest_link_to_another_project() -> None:
    moves = ((ago(90), "doing"),)
    items = (Item(1, "a", moves), Item(2, "b", moves), Item(3, "b", moves), Item(4, "a", moves))
    world = World(items, links=((2, 1, ago(5)), (3, 1, ago(9)), (4, 1, ago(50))))
    shown = indicators.evidence(Tables(world), "RK-4", ["project:a", "project:b"], 10)
    assert shown[["subject", "key", "measure"]].to_numpy().tolist() == [
        ["project:a", "K-1", 5.0]
    ]  # nine days, a week of work


@given(world=worlds(most=3))
@settings(max_examples=15)
def test_days_off_around_today_are_those_of_the_calendar(world: World) -> None:
    day = timedelta(days=1)
    rows = Tables(world).rows(sql("findings/days_off"))
    assert {row[0] for row in rows} == {one for one in world.subjects if not one.startswith("milestone:")}
    for subject, _, before, ahead, weeks in rows:
        calendar = world.calendar(subject)
        around = [world.today + n * day for n in range(-83, 85)]
        off = [one for one in around if calendar.is_usual(one) and not calendar.works(one)]
        assert before + ahead == off
        assert all(one <= world.today for one in before)
        assert all(one > world.today for one in ahead)
        assert weeks == pytest.approx(calendar.days(world.today + day, world.today + 28 * day) / calendar.week)


@given(world=worlds(most=12))
@settings(max_examples=15)
def test_one_more_day_off_makes_nothing_older(world: World) -> None:
    off = AS_OF.date() - timedelta(days=20)
    more = replace(world, calendars=tuple(replace(one, free=one.free | {off}) for one in world.calendars))
    for indicator, part in (("FL-6", "p50"), ("RK-1", "oldest_days"), ("PF-3", "oldest_days")):
        was, now = (readings(Tables(one), indicator) for one in (world, more))
        assert was.keys() == now.keys()
        assert all((now[key][0] or 0) <= (was[key][0] or 0) for key in was if key[1] == part)
