"""Joint forecasts: the exact curves against drawn futures, what is read from the tables against slow loops, and the laws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_sync import forecast
from pmo_sync.assessed import Forecast, IssueRef
from pmo_sync.forecast import joint
from pmo_sync.forecast.basis import dates
from pmo_sync.forecast.calendar import Calendar
from pmo_sync.forecast.chance import by_day, clipped, p_hit
from pmo_sync.forecast.joint import Link, Needed, Node, Web
from pmo_sync.forecast.pool import QUANTILES, Pool
from pmo_sync.forecast.variants import STANDARD
from tests.forecast.test_compute import backlog, codes, due, team
from tests.indicators import oracle
from tests.indicators import world as worldly
from tests.indicators.world import AS_OF, Item, Tables, World, renumbered, worlds

DAY = timedelta(days=1)
TODAY = date(2026, 3, 1)
DRAWN = 200_000
P85 = QUANTILES.index(0.85)


@st.composite
def curves(draw: st.DrawFn) -> tuple[float, ...]:
    """Days at QUANTILES, the last ones perhaps unknown."""
    first = draw(st.floats(1, 120))
    steps = draw(st.lists(st.floats(0.2, 60), min_size=4, max_size=4))
    days = np.cumsum([first, *steps]).tolist()
    known = draw(st.sampled_from([5, 5, 5, 5, 4, 3]))
    return tuple(day if place < known else math.inf for place, day in enumerate(days))


CALENDAR = Calendar.of(TODAY - 400 * DAY, [True] * 1500, [False] * 1500, 7)  # every day is worked


def web(nodes: Mapping[str, tuple[str, Sequence[float] | None]], *links: tuple[str, str, int]) -> Web:
    """Of nodes (team, days) and links (who waits, for what, usual days)."""
    made: dict[str, dict[str, Link]] = {}
    for node, needs, usual in links:
        made.setdefault(node, {})[needs] = Link(usual, IssueRef(node, "", "", False), IssueRef(needs, "", "", False))
    known = {
        name: Node(name, f"project:{of}", of, None if days is None else tuple(days), CALENDAR)
        for name, (of, days) in nodes.items()
    }
    return Web(TODAY, known, made, {f"project:{of}": of for of, _ in nodes.values()}, {})


def outcome(needed: Needed, own: Sequence[float], left: int | None) -> tuple[tuple[float, ...], float | None]:
    """Days at QUANTILES, and the chance within so many."""
    due_on = None if left is None else TODAY + left * DAY
    found, chance = needed.outcome(own, CALENDAR, TODAY, due_on)
    return tuple(math.inf if day is None else float((day - TODAY).days) for day in found.values()), chance


@given(curves(), st.integers(-3, 900))
def test_the_chance_of_many_days_is_that_of_one(days: tuple[float, ...], left: int) -> None:
    [many] = by_day(days, np.array([float(left)]))
    assert clipped(float(many)) == pytest.approx(p_hit(days, left), abs=1e-9)


def drawn(days: Sequence[float], luck: np.ndarray) -> np.ndarray:
    """Futures of one curve: its inverse, by the definition of ``p_hit``."""
    known = [(math.log(day), math.log(q / (1 - q))) for day, q in zip(days, QUANTILES, strict=True) if day < math.inf]
    x, odds = np.array(known).T
    wanted = np.log(luck / (1 - luck))
    above = np.clip(1 + np.searchsorted(odds[1:-1], wanted), 1, len(known) - 1)
    return np.exp(
        x[above - 1] + (wanted - odds[above - 1]) * (x[above] - x[above - 1]) / (odds[above] - odds[above - 1])
    )


@settings(max_examples=15)
@given(
    own=curves(),
    others=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), curves(), st.sampled_from([0, 3, 20])), min_size=1, max_size=5),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_the_joined_curve_is_that_of_drawn_futures(
    own: tuple[float, ...], others: list[tuple[str, tuple[float, ...], int]], seed: int
) -> None:
    """One draw of luck a team, shared by its work; the teams draw independently."""
    nodes = {"m": ("a", own), **{f"n{n}": (of, days) for n, (of, days, _) in enumerate(others)}}
    made = web(nodes, *(("m", f"n{n}", usual) for n, (_, _, usual) in enumerate(others)))
    needed = made.needed("m")
    assert needed is not None
    dice = np.random.default_rng(seed)
    luck = {of: dice.uniform(1e-9, 1 - 1e-9, DRAWN) for of in "abc"}
    whole = drawn(own, luck["a"])
    for of, days, usual in others:
        whole = np.maximum(whole, drawn(days, luck[of]) + usual)
    for left in np.quantile(whole, [0.05, 0.2, 0.5, 0.8, 0.95]).round().astype(int):
        if 0 < left <= joint.FARTHEST:
            _, chance = outcome(needed, own, int(left))
            assert chance == pytest.approx(clipped(float((whole <= left).mean())), abs=4 * 0.5 / math.sqrt(DRAWN))
    days, _ = outcome(needed, own, None)
    for q, day, *parts in zip(QUANTILES, days, own, *(one for _, one, _ in others), strict=True):
        if math.inf in parts:
            assert day == math.inf
        elif day < math.inf:
            margin = 4 * math.sqrt(q * (1 - q) / DRAWN)
            assert (whole <= day).mean() >= q - margin
            assert (whole <= day - 1).mean() <= q + margin


@settings(max_examples=60)
@given(own=curves(), same=curves(), other=curves(), usual=st.sampled_from([0, 7]))
def test_no_link_makes_a_date_earlier_and_one_team_is_surer_than_two(
    own: tuple[float, ...], same: tuple[float, ...], other: tuple[float, ...], usual: int
) -> None:
    nodes = {"m": ("a", own), "s": ("a", same), "o": ("b", other), "t": ("b", same)}
    alone = [math.ceil(day - 1e-9) if day < math.inf else day for day in own]
    before, chance = tuple(alone), p_hit(own, 60)
    for links in (
        [("m", "s", usual)],
        [("m", "s", usual), ("m", "o", 0)],
        [("m", "s", usual), ("m", "o", 0), ("o", "m", 30)],
    ):
        needed = web(nodes, *links).needed("m")
        assert needed is not None
        days, now = outcome(needed, own, 60)
        assert now is not None
        assert all(a <= b or b > joint.FARTHEST for a, b in zip(before, days, strict=True))
        assert now <= chance + 1e-9
        before, chance = days, now
    one_team, two_teams = (web(nodes, ("m", name, 0)).needed("m") for name in "st")
    assert one_team is not None
    assert two_teams is not None
    for early, late in zip(outcome(one_team, own, None)[0], outcome(two_teams, own, None)[0], strict=True):
        assert early <= late


NEAR, FAR = (10.0, 20.0, 25.0, 30.0, 40.0), (60.0, 80.0, 90.0, 120.0, 150.0)


def test_what_waits_is_done_after_what_it_waits_for_and_circles_end() -> None:
    nodes = {"m": ("a", NEAR), "n": ("b", NEAR), "o": ("c", FAR)}
    chain = web(nodes, ("m", "n", 5), ("n", "o", 9))
    needed = {name: chain.needed(name) for name in nodes}
    assert needed["o"] is None
    days = {name: outcome(one, nodes[name][1], None)[0] if one else FAR for name, one in needed.items()}  # type: ignore[arg-type]
    assert all(m >= n >= o + 9 for m, n, o in zip(days["m"], days["n"], days["o"], strict=True))
    steps = chain.steps("m", TODAY + timedelta(days=int(days["m"][P85])))
    assert [(one.blocked and one.blocked.key, one.subject, one.project) for one in steps] == [
        ("m", "n", "project:b"), ("n", "o", "project:c"),
    ]  # fmt: skip
    round_about = web(nodes, ("m", "n", 5), ("n", "o", 9), ("o", "m", 1), ("o", "n", 1))
    assert all(round_about.needed(name) is not None for name in nodes)


def test_its_own_work_decides_where_it_is_the_latest() -> None:
    made = web({"m": ("a", FAR), "n": ("b", NEAR)}, ("m", "n", 0))
    needed = made.needed("m")
    assert needed is not None
    days, _ = outcome(needed, FAR, None)
    assert made.steps("m", TODAY + timedelta(days=int(days[P85]))) == ()
    assert made.steps("m", None) == ()


def test_what_nobody_can_tell_is_a_gate_and_no_date() -> None:
    made = web({"m": ("a", NEAR), "n": ("b", None), "o": ("c", FAR)}, ("m", "n", 0), ("n", "o", 0))
    assert [(one.code, one.params) for one in made.gates("m")] == [("waits_unknown", {"name": "b"})]
    assert made.needed("m") is not None  # what is behind it is known
    assert web({"m": ("a", NEAR), "n": ("b", None)}, ("m", "n", 0)).needed("m") is None


# --- from the tables ------------------------------------------------------------------------------------------------


def made(world: World) -> dict[str, Forecast]:
    return forecast.compute(Tables(world), world.as_of, world.today, seed=1, config_digest="").forecasts


def read(world: World) -> Web | None:
    """The web where every commitment has the same curve."""
    tables = Tables(world)
    promised = [f"milestone:{one.id}" for one in world.milestones if one.is_open and one.due_on]
    calendars = dict.fromkeys(range(len(world.calendars)), CALENDAR)
    own = {subject: joint.Own(oracle.pace_of(world, subject), NEAR, CALENDAR) for subject in promised}
    return joint.read(tables, own, {}, calendars, Pool.of({}), world.today, STANDARD)


def place(item: Item) -> str | None:
    return item.project if item.is_leaf else None


def is_inside(a: Item, b: Item) -> bool:
    return place(a) is not None and place(a) == place(b)


def expected_links(world: World) -> set[tuple[str, str]]:
    """(who waits, for what), by walking from every open item of every commitment."""
    promised = [one for one in world.milestones if one.is_open and one.due_on]
    held = {one.id: {item.number for item in world.work(f"milestone:{one.id}") if item.is_open} for one in promised}
    blockers: dict[int, list[Item]] = {}
    for blocker, blocked, _ in world.links:
        blockers.setdefault(blocked, []).append(world.item(blocker))

    def node(item: Item) -> str:
        holders = [(one.due_on, f"milestone:{one.id}") for one in promised if item.number in held[one.id]]
        return min(holders)[1] if holders else f"issue:{item.number}"

    found = set()
    todo = [(f"milestone:{one.id}", number) for one in promised for number in sorted(held[one.id])]
    outside = [
        blocker for many in (blockers[one] for one in blockers) for blocker in many
        if any(blocker in blockers[other] and not is_inside(blocker, world.item(other)) for other in blockers)
    ]  # fmt: skip
    todo += [(node(item), item.number) for item in outside if node(item).startswith("issue:")]
    seen = set()
    while todo:
        who, number = todo.pop()
        if (who, number) in seen:
            continue
        seen.add((who, number))
        for blocker in blockers.get(number, ()):
            if is_inside(blocker, world.item(number)):
                todo.append((who, blocker.number))
            elif blocker.number not in held.get(who.removeprefix("milestone:"), ()):
                found.add((who, node(blocker)))
    return found


@given(worlds(), st.data())
@settings(max_examples=60)
def test_links_are_those_of_a_slow_walk(world: World, data: st.DataObject) -> None:
    opened = [item.number for item in world.items if item.category not in ("done", "canceled")]
    some = st.tuples(st.sampled_from(opened), st.sampled_from(opened)) if opened else st.nothing()
    pairs = data.draw(st.lists(some, max_size=12)) if opened else []
    world = replace(world, links=tuple((a, b, AS_OF - DAY) for a, b in dict.fromkeys(pairs) if a != b))
    got = read(world)
    links = set() if got is None else {
        (node, needs) for node, many in got.links.items() for needs in many if "@" not in needs
    }  # fmt: skip
    assert links == expected_links(world)
    parts = set() if got is None else {
        (node, needs) for node, many in got.links.items() for needs in many if "@" in needs
    }  # fmt: skip
    expected = set()
    for one in world.milestones:
        subject = f"milestone:{one.id}"
        if one.is_open and one.due_on and (pace := oracle.pace_of(world, subject)) != subject:
            where = {f"project:{item.project}" for item in world.work(subject) if item.is_open}
            expected |= {(subject, f"{subject}@{project}") for project in where - {pace}}
    assert parts == expected


def two_teams(
    *links: tuple[int, int], b_per_week: int = 3, milestones: str = "mn", teams: tuple[tuple[str, str], ...] = ()
) -> World:
    """Team a owes milestone m, 12 items (5,000 ...), team b milestone n, 30 (6,000 ...); one item of b (7,000) nobody has promised."""
    theirs = [replace(one, number=one.number + 2_000, project="b") for one in team(b_per_week)]
    owed = [replace(one, project="b") for one in backlog(30, "n", 6_000)]
    loose = [replace(one, project="b", stays=()) for one in backlog(1, "n", 7_000)]
    ones = {"m": due(40), "n": replace(due(60, "n"), project="b")}
    return World(
        (*team(5), *theirs, *backlog(12), *owed, *loose),
        tuple(ones[name] for name in milestones),
        tuple((blocker, blocked, AS_OF - 9 * DAY) for blocker, blocked in links),
        teams=teams,
    )


def test_a_blocked_milestone_waits_for_the_one_that_holds_the_blocker() -> None:
    alone, waits = made(two_teams()), made(two_teams((6_003, 5_002)))
    m, n = waits["milestone:m"], waits["milestone:n"]
    assert n == alone["milestone:n"]
    assert (m.method, alone["milestone:m"].method) == ("regression-3/fixed/joint", "regression-3/fixed")
    assert m.chain is not None
    assert (m.chain.p85_on, m.chain.p_hit) == (alone["milestone:m"].p85_on, alone["milestone:m"].p_hit)
    assert m.p85_on is not None
    assert n.p85_on is not None
    assert m.p85_on >= n.p85_on + 3 * DAY  # three days from start to end is usual
    [step] = m.chain.steps
    assert step == (
        "project:b", "milestone:n", IssueRef("K-5002", "", "", False), IssueRef("K-6003", "", "", False), n.p85_on,
    )  # fmt: skip
    assert (m.p_hit or 1) < (m.chain.p_hit or 0)


def test_a_blocker_nobody_has_promised_has_its_place_in_the_queue() -> None:
    m = made(two_teams((7_000, 5_002)))["milestone:m"]
    assert m.chain is not None
    [step] = m.chain.steps
    assert (step.project, step.subject, step.blocker and step.blocker.key) == ("project:b", None, "K-7000")
    behind = made(two_teams())["milestone:n"].p85_on
    assert behind is not None
    assert step.p85_on is not None
    assert behind <= step.p85_on <= behind + 7 * DAY  # 31st of what b owes
    first = replace(two_teams((7_000, 5_002)), milestones=(due(40),))
    free = made(first)["milestone:m"].chain
    assert free is not None
    assert free.steps == ()  # the only one of its project: its own work takes longer


def test_a_link_is_followed_through_items_of_the_same_project() -> None:
    through = [Item(4_000, "a", ((AS_OF - 50 * DAY, "todo"),))]
    world = two_teams((4_000, 5_002), (6_003, 4_000))
    m = made(replace(world, items=(*world.items, *through)))["milestone:m"]
    assert m.chain is not None
    assert [step.blocked and step.blocked.key for step in m.chain.steps] == ["K-4000"]


def test_links_within_a_project_change_nothing() -> None:
    inside = two_teams((5_003, 5_002), (6_001, 6_002))
    assert made(inside) == made(two_teams())


def test_a_team_that_names_both_projects_is_surer() -> None:
    link = (6_003, 5_002)
    apart = made(two_teams(link, b_per_week=6))["milestone:m"]
    one_team = made(two_teams(link, b_per_week=6, teams=(("a", "team"),)))["milestone:m"]
    assert apart.p_hit is not None
    assert one_team.p_hit is not None
    assert one_team.p_hit > apart.p_hit


def test_a_part_in_another_project_has_the_pace_of_that_project() -> None:
    """Twelve items of m are team a's, thirty team b's."""
    world = two_teams()
    items = tuple(
        replace(one, stays=(("m", one.stays[0][1], None),)) if 6_000 <= one.number < 6_030 else one
        for one in world.items
    )
    m = made(replace(world, items=items, milestones=(due(40),)))["milestone:m"]
    assert (m.remaining, m.work, m.ahead, m.actual_pace) == (42, 12, 0, 5.0)
    assert "queue" not in codes(m)
    assert m.chain is not None
    [step] = m.chain.steps
    assert (step.project, step.subject, step.blocked, step.blocker) == ("project:b", "milestone:m", None, None)
    theirs = made(two_teams())["milestone:n"]
    assert step.p85_on == theirs.p85_on
    assert m.p85_on is not None
    assert m.p85_on >= step.p85_on  # type: ignore[operator]


def test_a_blocker_of_a_project_without_a_pace_gives_no_date_but_a_reason() -> None:
    idle = two_teams((6_003, 5_002), b_per_week=1)
    m = made(idle)["milestone:m"]
    assert [(one.code, one.params) for one in m.gates if one.code.startswith("waits")] == [
        ("waits_unknown", {"name": "project:b"})
    ]
    assert replace(m, gates=()) == replace(made(two_teams(b_per_week=1))["milestone:m"], gates=())
    assert not m.refused
    nowhere = two_teams((8_000, 5_002))
    stray = Item(8_000, "c", ((AS_OF - 50 * DAY, "todo"),))
    gates = made(replace(nowhere, items=(*nowhere.items, stray)))["milestone:m"].gates
    assert [one.params for one in gates if one.code == "waits_outside"] == [{"count": 1}]


def test_a_circle_of_waiting_is_told_with_its_issues() -> None:
    circle = made(two_teams((6_003, 5_002), (5_002, 6_003)))
    for subject in ("milestone:m", "milestone:n"):
        [gate] = [one for one in circle[subject].gates if one.code == "waits_circle"]
        assert gate.params == {"count": 2, "keys": "K-5002, K-6003"}
        assert circle[subject].p85_on is not None
    crossing = made(two_teams((6_003, 5_002), (5_001, 6_004)))  # each waits for the other, but no item for itself
    assert "waits_circle" not in codes(crossing["milestone:m"])
    assert crossing["milestone:m"].method.endswith("/joint")


def linked(data: st.DataObject, most: int = 4) -> tuple[tuple[int, int], ...]:
    number = st.sampled_from([5_001, 5_002, 5_003, 6_001, 6_002, 7_000])
    pairs = data.draw(st.lists(st.tuples(number, number), max_size=most, unique=True))
    return tuple(pair for pair in pairs if pair[0] != pair[1])


@given(st.data())
@settings(max_examples=12)
def test_order_and_numbers_change_nothing_and_a_further_link_nothing_for_the_better(data: st.DataObject) -> None:
    links = linked(data)
    world = two_teams(*links)
    before = made(world)
    shuffled = replace(world, order=-1, links=world.links[::-1])
    assert made(shuffled) == before
    renamed = made(replace(renumbered(world), names={}))
    assert {id_: _plain(one) for id_, one in renamed.items()} == {id_: _plain(one) for id_, one in before.items()}
    after = made(two_teams(*dict.fromkeys((*links, *linked(data)))))
    for id_, one in before.items():
        assert (one.p_hit or 0) >= (after[id_].p_hit or 0) - 1e-9
        for name in ("p50_on", "p85_on", "p95_on"):
            was, now = getattr(one, name), getattr(after[id_], name)
            assert now is None or (was is not None and was <= now)


def _plain(one: Forecast) -> Forecast:
    """Without the keys of issues."""
    chain = one.chain and one.chain._replace(
        steps=tuple(step._replace(blocked=None, blocker=None) for step in one.chain.steps)
    )
    return replace(one, gates=tuple(gate._replace(params={}) for gate in one.gates), chain=chain)


@st.composite
def working(draw: st.DrawFn) -> Calendar:
    """A calendar with its own week and some days off."""
    first, size = TODAY - 30 * DAY, 900
    weekend = draw(st.sampled_from([{5, 6}, {4, 5}, {6}]))
    free = draw(st.sets(st.integers(0, size - 1), max_size=40))
    usual = [(first + n * DAY).weekday() not in weekend for n in range(size)]
    return Calendar.of(
        first, [one and n not in free for n, one in enumerate(usual)], [one and n in free for n, one in enumerate(usual)],
        7 - len(weekend),
    )  # fmt: skip


@settings(max_examples=25)
@given(working(), working(), curves(), curves(), st.integers(0, 9))
def test_each_team_works_by_its_own_calendar(
    mine: Calendar, theirs: Calendar, own: tuple[float, ...], other: tuple[float, ...], usual: int
) -> None:
    days = [TODAY + n * DAY for n in range(950)]
    assert mine.ahead(TODAY, 949).tolist() == pytest.approx([max(0.0, mine.left(TODAY, day)) for day in days])
    for n, last in enumerate(mine.last_worked(TODAY, 200)):
        is_worked = [
            one for one in days[1 : n + 1] if mine.left(one - DAY, one) > 0 and mine.after(one - DAY, 0.1) == one
        ]
        assert days[last] == (is_worked[-1] if is_worked else TODAY)
    made = web({"m": ("a", own), "n": ("b", other)}, ("m", "n", usual))
    nodes = {name: replace(one, calendar=mine if name == "m" else theirs) for name, one in made.nodes.items()}
    needed = replace(made, nodes=nodes).needed("m")
    assert needed is not None
    found, _ = needed.outcome(own, mine, TODAY, None)
    alone, behind = dates(TODAY, own, mine), dates(TODAY, other, theirs)
    for q, day in found.items():
        if day is not None:
            assert mine.after(day - DAY, 0.1) == day  # a day that is worked here
            assert day >= max(alone[q] or day, (behind[q] or day) + usual * DAY)


def test_work_that_lies_in_another_project_alone_goes_by_the_calendar_there() -> None:
    off = frozenset(AS_OF.date() + n * DAY for n in range(-60, 60) if n % 7 == 1)
    spec = worldly.Calendar(frozenset({4, 5}), off)
    items = [replace(one, project="b") for one in (*team(5), *backlog(12))]
    here, there = (
        World(tuple(items), (replace(due(40), project=of),), calendars=(worldly.Calendar(), spec)) for of in "ab"
    )
    got, wanted = made(here)["milestone:m"], made(there)["milestone:m"]
    assert wanted.p85_on is not None
    assert (got.p50_on, got.p85_on, got.p_hit) == (wanted.p50_on, wanted.p85_on, wanted.p_hit)
    assert got.days_off == wanted.days_off > 0
