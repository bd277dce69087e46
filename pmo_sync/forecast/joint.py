"""What a commitment waits for: the forecast of all that must be done, its own work and what that needs elsewhere.

What it needs. Its own open items; those that lie in another project, at the pace of that project; and for each of them
that is blocked by an open item of another project, the commitment that holds the blocker, with all that this needs in
turn. A blocker is taken to be done when the commitment that holds it is, for nothing says when it is before; of several
commitments the one due first. A blocker that nobody has promised has its place in the queue of its project, by its due
date. A blocker in the same project is no wait: one team puts it first. ``links.sql`` and ``needs.sql`` say this in SQL.

How chances are joined. The whole is done by a day only when all of it is. Work of one team comes early or late together
(comonotonic): the chance is the smallest of the chances. Different teams are independent: it is their product. Both are
exact on the curves, so nothing is drawn. A commitment with a pace of its own is of its project's team.

What waits is not done on the day its blocker is: whoever waits longest needs its project's usual (median) cycle time after
it, once, however many wait in a row. Each works by its own calendar. So no commitment is done before what it waits for, circles end, and a further link
never makes a date earlier.

Nobody knows when a blocker is done that lies outside every project, or whose project has too little history. The dates
are then the earliest that can be, and say so: no colour better than grey comes of them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from pmo_sync.assessed import IssueRef, Reason, Step
from pmo_sync.forecast import gates
from pmo_sync.forecast.basis import FARTHEST, MEDIAN, Speed, dates
from pmo_sync.forecast.calendar import Calendar
from pmo_sync.forecast.chance import by_day, clipped
from pmo_sync.forecast.origins import History, Vector
from pmo_sync.forecast.pool import QUANTILES, Pool
from pmo_sync.queries import READING, sql, sql_before

if TYPE_CHECKING:
    from pmo_sync.store import Store

MOST_KEYS: Final = 4  # of a circle, to be named
REACH: Final = 1_095  # days of a curve: FARTHEST usual days, with those that are off
_EXACT: Final = 1e-9  # of a chance, for the rounding of floating point


class Needed(NamedTuple):
    """The chance that all is done that a commitment needs beside its own work, by days after ``today``."""

    today: date
    same: Vector  # what its own team does: comonotonic with its own work
    others: Vector  # what other teams do
    known: int  # how many of QUANTILES are known of all of it

    def outcome(
        self, own: Sequence[float], calendar: Calendar, today: date, due_on: date | None
    ) -> tuple[dict[float, date | None], float | None]:
        """The days by whose end all is done, by quantile, and the chance to make ``due_on``, clipped.

        ``own`` are the usual days of its own work at QUANTILES, from ``today`` on, in its ``calendar``: all is done on a
        day that is worked there. No date where one is not known of all of it, or lies more than FARTHEST usual days ahead,
        and none at all where the middle one does; beyond REACH the chance is that of then.
        """
        place = np.clip(np.arange(REACH + 1) + (today - self.today).days, 0, REACH)
        usual = calendar.ahead(today, REACH)
        joined = np.minimum(by_day(own, usual), self.same[place]) * self.others[place]
        joined = joined[calendar.last_worked(today, REACH)]
        reached = np.searchsorted(joined, np.array(QUANTILES) - _EXACT)
        found = {
            q: today + timedelta(days=int(day))
            if day <= REACH and usual[day] <= FARTHEST and order < self.known and mine < math.inf
            else None
            for order, (q, day, mine) in enumerate(zip(QUANTILES, reached, own, strict=True))
        }
        chance = None if due_on is None else clipped(float(joined[min(max((due_on - today).days, 0), REACH)]))
        return found if found[QUANTILES[MEDIAN]] else dict.fromkeys(QUANTILES), chance


@dataclass(frozen=True, slots=True)
class Node:
    """What can be waited for: the own work of a commitment, a part of one in another project, or a blocker nobody has
    promised (no ``subject``).
    """

    subject: str | None
    project: str | None  # None: outside every project, or no work that a pace measures
    team: str
    days: tuple[float, ...] | None = None  # usual days of its calendar at QUANTILES; None: nobody can say
    calendar: Calendar | None = None


class Link(NamedTuple):
    """Why a node needs another: ``blocked`` waits for ``blocker``, or (None) as a part of it."""

    usual: int  # days that what waits still takes
    blocked: IssueRef | None
    blocker: IssueRef | None


@dataclass(frozen=True, slots=True)
class Web:
    """Everything that commitments need of each other, at one moment."""

    today: date
    nodes: Mapping[str, Node]
    links: Mapping[str, Mapping[str, Link]]  # node -> what it needs
    names: Mapping[str, str]  # of projects
    circles: Mapping[str, tuple[IssueRef, ...]]  # commitment -> the items that wait for each other with one of its own
    curves: dict[tuple[str, int], Vector] = field(default_factory=dict)  # made once for each node and days after it

    def needed(self, subject: str) -> Needed | None:
        """What it needs beside its own work; None where that is nothing, or nobody can tell of any of it."""
        team = self.nodes[subject].team
        curves: dict[str, Vector] = {}
        known = len(QUANTILES)
        for name, later in self._reach(subject).items():
            node = self.nodes[name]
            if name == subject or node.days is None or not any(node.days):
                continue
            known = min(known, sum(day < math.inf for day in node.days))
            curve = self._curve(name, later)
            if node.team in curves:
                np.minimum(curves[node.team], curve, out=curves[node.team])
            else:
                curves[node.team] = curve.copy()
        if not curves:
            return None
        others = np.ones(REACH + 1)
        for name in sorted(curves.keys() - {team}):
            others = others * curves[name]
        return Needed(self.today, curves.get(team, np.ones(REACH + 1)), others, known)

    def gates(self, subject: str) -> tuple[Reason, ...]:
        """What nobody can tell of all that it waits for, and whether it waits for itself."""
        unknown = [node for name in self._reach(subject) if (node := self.nodes[name]).days is None]
        projects = {one.project for one in unknown if one.project is not None}
        found = [Reason("waits_unknown", {"name": name}) for name in sorted(self.names[one] for one in projects)]
        outside = sum(one.project is None for one in unknown)
        if outside:
            found.append(Reason("waits_outside", {"count": outside}))
        if subject in self.circles:
            refs = self.circles[subject]
            keys = [one.key for one in refs if not one.is_confidential]
            text = ", ".join(keys[:MOST_KEYS]) + (", …" if len(keys) > MOST_KEYS else "")
            found.append(Reason("waits_circle", {"count": len(refs), "keys": text}))
        return tuple(found)

    def steps(self, subject: str, p85_on: date | None) -> tuple[Step, ...]:
        """The shortest chain of links to what decides its 85 % date; none where its own work does.

        Decides: what has the smallest chance to be done by that day; where there is no such day, by the farthest.
        """
        day = REACH if p85_on is None else (p85_on - self.today).days
        later, came_by = self._reach(subject), self._paths(subject)
        chances = {  # the nearest first: of equal ones it decides
            name: round(float(self._curve(name, later[name])[day]), 9)
            for name in came_by
            if self.nodes[name].days is not None
        }
        last = min(chances, key=chances.__getitem__)
        steps: list[Step] = []
        while last != subject:
            before = came_by[last]
            node, link = self.nodes[last], self.links[before][last]
            its_own = dates(self.today, node.days, node.calendar)[0.85] if node.days and node.calendar else None
            steps.append(Step(node.project, node.subject, link.blocked, link.blocker, its_own))
            last = before
        return tuple(reversed(steps))

    def _curve(self, name: str, later: int) -> Vector:
        """The chance that it was done so many days before, by days after today; never where nobody can say."""
        if (name, later) not in self.curves:
            node = self.nodes[name]
            usual = node.calendar.ahead(self.today, REACH) if node.calendar else np.zeros(REACH + 1)
            done = by_day(node.days or (math.inf,) * len(QUANTILES), usual)
            self.curves[name, later] = np.concatenate([np.zeros(later), done])[: REACH + 1]
        return self.curves[name, later]

    def _reach(self, subject: str) -> dict[str, int]:
        """Everything it needs, with the days that must pass after it: the longest usual time of those that wait between."""
        later, todo = {subject: 0}, [subject]
        while todo:
            name = todo.pop()
            for other, link in self.links.get(name, {}).items():
                longest = max(later[name], link.usual)
                if other != subject and (other not in later or longest > later[other]):
                    later[other] = longest
                    todo.append(other)
        return later

    def _paths(self, subject: str) -> dict[str, str]:
        """What it needs, the nearest first, each with the node before it on the way."""
        came_by, todo = {subject: subject}, deque([subject])
        while todo:
            name = todo.popleft()
            for other in self.links.get(name, {}):
                if other not in came_by:
                    came_by[other] = name
                    todo.append(other)
        return came_by


class Own(NamedTuple):
    """The own work of a commitment: whose pace it has, and its usual days at QUANTILES (None: no forecast)."""

    pace_of: str
    days: tuple[float, ...] | None
    calendar: Calendar


def read(
    store: Store, own: Mapping[str, Own], histories: Mapping[str, History], calendars: Mapping[int, Calendar],
    pool: Pool, today: date, variant: str,
) -> Web | None:  # fmt: skip
    """The web of the moment the tables are cut at; None where nothing needs anything elsewhere."""
    rows = [_Row._make(row) for row in store.rows(sql("forecast/links"))]
    blockers = sorted({row.blocker for row in rows if row.needs == _place(row.blocker)})
    if not rows and not _spread(store):
        return None
    homes = {subject: _Home(*home) for subject, *home in store.rows(sql("forecast/teams"))}
    nodes = {}
    for subject, one in own.items():
        home = homes[subject]
        nodes[subject] = Node(subject, home.project, homes.get(one.pace_of, home).team, one.days, one.calendar)
    links: dict[str, dict[str, Link]] = {}
    query = sql_before("indicators/FC-3", READING) + sql("forecast/needs")
    for subject, blocker, project, calendar, *material in store.rows(query, {"blockers": blockers}):
        name = _place(blocker) if subject is None else f"{subject}@{project}"
        speed = _Speed(pool, project, histories.get(project), calendars[calendar], variant)
        nodes[name] = Node(subject, project, homes[project].team, speed.days(material), calendars[calendar])
        if subject is not None:
            links.setdefault(subject, {})[name] = Link(0, None, None)
    for row in rows:
        nodes.setdefault(row.needs, Node(None, None, row.needs))
        known = links.setdefault(row.node, {})
        link = known.setdefault(row.needs, Link(row.usual, _ref(row.blocked), _ref(row.blocker_ref)))
        known[row.needs] = link._replace(usual=max(link.usual, row.usual))
    names = {home.project: home.name for home in homes.values()}
    return Web(today, nodes, links, names, _circles(rows))


class _Row(NamedTuple):
    """A row of ``links.sql``."""

    node: str
    start: int
    blocker: int
    needs: str
    usual: int
    blocked: Mapping[str, Any]
    blocker_ref: Mapping[str, Any]


class _Home(NamedTuple):
    """A row of ``teams.sql``."""

    project: str
    name: str
    team: str


def _ref(issue: Mapping[str, Any]) -> IssueRef:
    """Nothing but that it is there of a confidential one."""
    return IssueRef("", "", "", True) if issue["is_confidential"] else IssueRef(**issue)


def _place(blocker: int) -> str:
    return f"issue:{blocker}"


def _spread(store: Store) -> bool:
    """Whether any commitment has open items in several projects."""
    query = "SELECT subject FROM owed GROUP BY subject HAVING count(DISTINCT project) > 1 LIMIT 1"
    return bool(store.rows(query))


class _Speed(NamedTuple):
    """The pace of a project, for what no commitment tells."""

    pool: Pool
    project: str
    history: History | None
    calendar: Calendar
    variant: str

    def days(self, material: Sequence[Any]) -> tuple[float, ...] | None:
        """Usual days at QUANTILES; None where a gate refuses."""
        total, unmapped, work, counts, worked, last_on, silent_days, bulk_items, window_items = material
        shares = tuple(days / self.calendar.week for days in worked)
        one = gates.Material(
            total, unmapped, tuple(counts), window_items, bulk_items, shares, last_on, silent_days or 0
        )
        if gates.refusals(one) or self.history is None:
            return None
        return Speed(
            self.pool, self.project, self.history, sum(counts) / sum(shares), 1.0, self.calendar, self.variant
        ).days(work)


def _circles(rows: Sequence[_Row]) -> dict[str, tuple[IssueRef, ...]]:
    """By commitment, the items on a circle of waiting that goes through one of its own."""
    after: dict[int, set[int]] = {}
    refs = {}
    for row in rows:
        after.setdefault(row.start, set()).add(row.blocker)
        refs[row.blocker] = _ref(row.blocker_ref)
    while (
        ends := {one for some in after.values() for one in some} - after.keys()
    ):  # what waits for nothing is on no circle
        after = {one: rest for one, some in after.items() if (rest := some - ends)}
    reached = {one: _reached(one, after) for one in after}
    found: dict[str, set[int]] = {}
    for row in rows:
        if row.start in reached.get(row.start, ()) and row.start in refs:
            ring = {one for one in reached[row.start] if row.start in reached[one]}
            found.setdefault(row.node, set()).update(ring)
    return {
        node: tuple(sorted((refs[one] for one in ring), key=lambda ref: (ref.key, ref.url)))
        for node, ring in found.items()
    }


def _reached(start: int, after: Mapping[int, Iterable[int]]) -> set[int]:
    found: set[int] = set()
    todo = list(after[start])
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += after[one]
    return found
