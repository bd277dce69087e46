"""What is forecast and judged of a past moment knows its past only: whatever is done to the time after it changes nothing,
and the same done to the time before it does (so that each of these tests can fail).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pmo_sync import assess
from pmo_sync.config import Baseline, Config
from pmo_sync.forecast import replay
from pmo_sync.model import Interval
from pmo_sync.queries import sql_folder
from pmo_sync.store import Store
from tests.forecast import past
from tests.store import history

DAY = timedelta(days=1)
CUT = date(2026, 3, 29)  # a Sunday, with two open milestones in each project
Intervals = Sequence[Interval]


def judged(case: history.Case, config: Config | None = None, script: str = "") -> dict[str, Any]:
    """All that is said of the end of ``CUT``."""
    config = config or history.configure()
    store = history.fill(Store.open(Path("memory"), memory=True), case)
    if script:
        store.script(script)
    made = assess.again(store, config, CUT, {}, "standard")
    return {
        "forecasts": made.outlook.forecasts,
        "verdicts": made.verdicts,
        "replayed": list(replay.replay(store, CUT, made.as_of, made.outlook, {}, seed=1)),
        "dates": replay.known_dates(store, made.as_of),
        "kept": replay.kept(store),
        "bulk": store.rows("SELECT subject, done_on, count(*) FROM delivery WHERE is_bulk GROUP BY ALL ORDER BY ALL"),
        "calendar": store.rows("SELECT calendar, day, works FROM working_day WHERE day <= (SELECT today FROM moment) ORDER BY ALL"),
        "history": store.rows("SELECT subject, key, since FROM scope_history JOIN lifecycle USING (issue) ORDER BY ALL"),
    }  # fmt: skip


@cache
def base() -> history.Case:
    return past.case(5)


@cache
def said() -> dict[str, Any]:
    return judged(base())


def intervals(case: history.Case, change: Callable[[Intervals], list[Interval]], *fields: str) -> history.Case:
    """Each issue's intervals of these fields replaced."""
    mine: dict[tuple[str, str], list[Interval]] = {}
    rest = []
    for one in case.intervals:
        if one.field in fields:
            mine.setdefault((one.entity_id, one.field), []).append(one)
        else:
            rest.append(one)
    return replace(case, intervals=tuple(rest + [new for some in mine.values() for new in change(some)]))


def status_scrambled(case: history.Case, moment: datetime) -> history.Case:
    """Nothing that was done since was done; other things were, and finished work is opened again."""
    dice = random.Random(1)

    def change(some: Intervals) -> list[Interval]:
        kept = [
            one._replace(until=None if one.until is None or one.until >= moment else one.until)
            for one in some
            if one.since < moment
        ]
        if not kept:
            return list(some)
        last = kept[-1]
        value = dice.choice(("acme:done", "acme:doing", "acme:todo", last.value))
        if value == last.value:
            return kept
        at = moment + timedelta(hours=dice.randint(1, 900))
        name = history.STATUSES[value.partition(":")[2]]
        return [*kept[:-1], last._replace(until=at), last._replace(value=value, label=name, since=at, until=None)]

    return intervals(case, change, "status")


def membership_scrambled(case: history.Case, moment: datetime) -> history.Case:
    """Whoever came into a milestone since did not, and who was in has left."""

    def change(some: Intervals) -> list[Interval]:
        return [one._replace(until=moment + DAY) for one in some if one.since < moment]

    return intervals(case, change, "milestone")


def dates_moved(case: history.Case, moment: datetime) -> history.Case:
    """Every milestone that we had seen got another date and was closed; a look of the day after still tells of the day.

    One that we first saw later has the words of that look: they order its work, and judge nothing (below).
    """
    at, made = moment + 2 * DAY, []
    known = {one.entity_id for one in case.milestone_intervals if one.since < moment}
    for one in case.milestone_intervals:
        if one.entity_id not in known:
            made.append(one)
        elif one.since < moment:
            made.append(one._replace(until=at if one.until is None or one.until >= at else one.until))
    for milestone in (one for one in case.milestones if one.milestone_id in known):
        due_on, closed_on = date(2027, 1, 31), at.date()
        values = (("due_on", due_on.isoformat()), ("state", "closed"), ("closed_on", closed_on.isoformat()))
        made += [Interval(milestone.milestone_id, name, value, "", at, None) for name, value in values]
    gone = [
        one._replace(due_on=date(2027, 1, 31), state="closed", closed_on=at.date())
        if one.milestone_id in known
        else one
        for one in case.milestones
    ]
    return replace(case, milestones=tuple(gone), milestone_intervals=tuple(made))


def issue_dates_and_flags(case: history.Case, moment: datetime) -> history.Case:
    """Due dates, estimates, flags, links and labels that came later."""
    more = [
        Interval(one.issue_id, name, value, label, moment + DAY, None)
        for place, one in enumerate(case.issues)
        for name, value, label in (
            ("due_on", "2026-01-01", ""), ("estimate", "8", ""), ("flagged", "true", ""), ("label", "risk", "risk"),
            ("health", "at_risk", "At risk"), ("blocked_by", case.issues[place - 1].issue_id, ""),
        )
    ]  # fmt: skip
    return replace(case, intervals=(*case.intervals, *more))


def born_since(case: history.Case, moment: datetime) -> history.Case:
    """Issues that nobody had written by then, finished in bulk, in every milestone."""
    one, at = case.issues[0], moment + DAY
    issues, more = [], []
    for number in range(60):
        id_ = f"acme:NEW-{number}"
        issues.append(one._replace(issue_id=id_, key=f"NEW-{number}", created_at=at, updated_at=at))
        more.append(Interval(id_, "status", "acme:todo", "To Do", at, at + DAY))
        more.append(Interval(id_, "status", "acme:done", "Done", at + DAY, None))
        milestone = case.milestones[number % len(case.milestones)]
        more.append(Interval(id_, "milestone", milestone.milestone_id, milestone.name, at, None))
    return replace(case, issues=(*case.issues, *issues), intervals=(*case.intervals, *more))


def bulk_closed(case: history.Case, moment: datetime) -> history.Case:
    """All that was open is closed in one hour."""
    at = moment + timedelta(hours=2)

    def change(some: Intervals) -> list[Interval]:
        last = some[-1]
        if last.value == "acme:done" and last.since <= at:
            return list(some)
        kept = [one for one in some if one.since < at]
        if not kept:
            return list(some)
        return [
            *kept[:-1],
            kept[-1]._replace(until=at),
            kept[-1]._replace(value="acme:done", label="Done", since=at, until=None),
        ]

    return intervals(case, change, "status")


def superseded(case: history.Case, moment: datetime) -> history.Case:
    """Every third issue is opened again, and closed as a duplicate of another."""
    twice = {one.issue_id for one in case.issues[::3]}

    def change(some: Intervals) -> list[Interval]:
        kept = [one for one in some if one.since < moment]
        if not kept or some[0].entity_id not in twice:
            return list(some)
        again = kept[-1]._replace(value="acme:doing", label="In Progress", since=moment + DAY, until=moment + 2 * DAY)
        closed = again._replace(value="acme:done", label="Done", since=moment + 2 * DAY, until=None)
        return [*kept[:-1], kept[-1]._replace(until=moment + DAY), again, closed]

    told = intervals(case, change, "status")
    issues = tuple(
        one._replace(superseded="duplicate") if one.issue_id in twice and one.created_at < moment else one
        for one in told.issues
    )
    return replace(told, issues=issues)


MUTATIONS = {
    "a membership": membership_scrambled,
    "b dates of milestones": dates_moved,
    "b c dates, estimates, flags, links of issues": issue_dates_and_flags,
    "c e g status, reopening, outcomes": status_scrambled,
    "d issues that came later": born_since,
    "d issues that were superseded later": superseded,
    "k bulk closures": bulk_closed,
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_what_comes_later_changes_nothing(name: str) -> None:
    later = MUTATIONS[name](base(), past.end_of(CUT))
    assert later != base()
    got = judged(later)
    for part, value in said().items():
        assert got[part] == value, part
    earlier = judged(MUTATIONS[name](base(), past.end_of(CUT) - 50 * DAY))
    assert earlier != said(), "a test that sees nothing cannot fail"


def test_all_of_it_together_changes_nothing() -> None:
    case = base()
    for change in MUTATIONS.values():
        case = change(case, past.end_of(CUT))
    assert judged(case) == said()


@pytest.mark.parametrize(("days", "is_equal"), [(1, True), (-1, False)])
def test_what_was_deleted_later_was_there(days: int, is_equal: bool) -> None:
    """The checklist's d: an issue or milestone that a tracker no longer shows counts until it vanished."""
    at = (past.end_of(CUT) + days * DAY).replace(tzinfo=None)
    script = f"UPDATE issue SET vanished_at = TIMESTAMP '{at}'; UPDATE milestone SET vanished_at = TIMESTAMP '{at}'"
    assert (judged(base(), script=script) == said()) is is_equal


@pytest.mark.parametrize(("days", "is_equal"), [(1, True), (-1, False)])
def test_a_baseline_approved_later_was_not_approved(days: int, is_equal: bool) -> None:
    names = [one.name for one in base().milestones]
    baselines = tuple(
        Baseline(id=name, project=name[0], milestone=name, due_on=date(2026, 1, 1), decided_on=CUT + days * DAY, role="R", reason="")
        for name in names
    )  # fmt: skip
    got = judged(base(), history.configure(baselines=baselines))
    assert (got["verdicts"] == said()["verdicts"]) is is_equal


def test_a_date_that_was_first_seen_later_judges_nothing() -> None:
    """The checklist's b: without a look of the time, there is no chance, no flag and no share."""
    seen = past.end_of(CUT) + 5 * DAY
    first = {(one.entity_id, one.field): one for one in reversed(base().milestone_intervals)}
    looks = [one._replace(since=max(one.since, seen), until=None) for one in first.values()]
    got = judged(replace(base(), milestone_intervals=tuple(looks)))
    assert got["dates"] == {}
    assert got["kept"] == {}
    assert got["replayed"]
    assert all(one.due_on is None for one in got["replayed"])
    assert all(said.p_hit is None for one in got["replayed"] for said in one.said.values())


def test_nothing_depends_on_who_does_the_work() -> None:
    """The checklist's i: no feature is about a person, of then or later."""
    people = [
        Interval(one.issue_id, "assignee", f"acme:person-{number % 3}", "", one.created_at, None)
        for number, one in enumerate(base().issues)
    ]
    assert judged(replace(base(), intervals=(*base().intervals, *people))) == said()


def test_the_pool_learns_from_outcomes_of_before_only() -> None:
    """The checklist's g and l: what was still open is censored, whenever it ended; nothing is learnt from its end."""
    got, other = (
        assess.again(
            history.fill(Store.open(Path("memory"), memory=True), case), history.configure(), CUT, {}, "standard"
        )
        for case in (base(), status_scrambled(base(), past.end_of(CUT)))
    )
    pools = [next(iter(one.outlook.bases.values())).speed.pool for one in (got, other)]
    for name in ("residuals", "is_known", "weeks", "share", "owner", "age"):
        assert getattr(pools[0], name).tolist() == getattr(pools[1], name).tolist(), name
    assert not pools[0].is_known.all(), "some are censored"


def test_no_number_reads_booked_times() -> None:
    """The checklist's f: they could be booked later than they began. None can leak what none reads."""
    folders = ("derive", "indicators", "forecast", "findings", "series")
    texts = [text for folder in folders for text in sql_folder(folder)]
    assert len(texts) > 40
    assert not [text for text in texts if "worklog" in text]
