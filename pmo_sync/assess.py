"""Readings, forecasts and findings of one period -> ``Assessed``: the values every report is made of.

Everything is computed as of a moment from the same tables, so the same call gives the same report again. News,
hysteresis and drift come from earlier moments computed in the same way (*cuts*), not from what was published then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from zoneinfo import ZoneInfo

import pandas as pd

from pmo_sync import calendars, forecast, indicators, policy, tables, worth
from pmo_sync.assessed import (
    NO_BASELINE,
    Assessed,
    Baseline,
    Calendar,
    Decision,
    Declared,
    Doubt,
    Forecast,
    IssueRef,
    Part,
    Rag,
    Reading,
    SourceTrust,
    Subject,
    Trust,
    Verdict,
    Wait,
)
from pmo_sync.forecast import attribute, variants
from pmo_sync.queries import sql

if TYPE_CHECKING:
    from pmo_sync.assessed import Choice, Reason
    from pmo_sync.config import Baseline as Approved
    from pmo_sync.config import Config
    from pmo_sync.config import Decision as Decided
    from pmo_sync.forecast import Outlook
    from pmo_sync.forecast.basis import Basis
    from pmo_sync.record import Record
    from pmo_sync.store import Store

SEED: Final = 20261122
DRIFT_DAYS: Final = 28
MOST_EVIDENCE: Final = 12
EVIDENCE_COLUMNS: Final = ("subject", "key", "title", "url", "is_confidential", "measure")
EVIDENCE: Final = ("SC-1", "RK-1", "RK-2")  # whose items the page of a project lists
REPORTED: Final[Mapping[str, Rag]] = {"on_track": "green", "needs_attention": "amber", "at_risk": "red"}


@dataclass(frozen=True, slots=True)
class Cut:
    """The portfolio at one moment."""

    as_of: datetime
    today: date
    subjects: Mapping[str, Subject]
    readings: Mapping[tuple[str, str, str], Reading]
    forecasts: Mapping[str, Forecast]
    bases: Mapping[str, Basis]
    reported: Mapping[str, Rag]
    waits: tuple[tuple[Wait, tuple[str, ...]], ...]  # with the milestones that hold the blocked issue


def last_closed_day(now: datetime, zone: ZoneInfo, period: str) -> date:
    """The day a report is about: yesterday, or the last Sunday before today, in the PMO's zone."""
    local = now.astimezone(zone).date()
    return local - timedelta(days=1 if period == "day" else local.isoweekday())


def assess(store: Store, config: Config, today: date, sources: Sequence[SourceTrust], record: Record) -> Assessed:
    """Everything reports may say as of the end of ``today``. Leaves the store's tables cut at that moment.

    Of earlier moments only what this one is told from is computed: all numbers a period ago, for the news; those that
    colours rest on two periods ago, for the colours before; the forecasts of four weeks before each, for their drift.

    ``record`` tells what we forecast before, so that the page can say how often such dates held.
    """
    step = _step(config)
    drift = timedelta(days=DRIFT_DAYS)
    days = sorted(
        {today - n * step - earlier for n in range(3) for earlier in (timedelta(), drift)} | {today - 3 * step}
    )
    replay = worth.kept(record, tables.end_of(today, config.zone))
    variant = variants.variant(replay.choice)  # for all cuts: no forecast moves because another variant made it
    needed = {today: None, today - step: None, today - 2 * step: _judged()}  # the others tell where forecasts stood
    cuts = {}
    for day in days:  # the newest last: its tables are read below
        cuts[day] = _cut(store, config, day, variant, needed.get(day, ()))
        if day == today - step:
            attribute.remember(store)
    stale = _stale_projects(store, sources)
    limits = _limits(config)
    raw = [
        _verdicts(cuts[today - n * step], cuts[today - n * step - drift].forecasts, limits, stale if n == 0 else {})
        for n in range(3)
    ]  # now, one period ago, two
    now, before = cuts[today], cuts[today - step]
    periods = [_period(cuts[today - n * step], some) for n, some in enumerate(raw)]
    verdicts = _rolled_up(now, policy.hold(raw[0], raw[1], config.period), policy.lost(periods[0], periods[1]))
    declared, unmatched = _decided(store, config, today)
    verdicts = {id_: replace(one, declared=declared.get(id_)) for id_, one in verdicts.items()}
    verdicts_before = _rolled_up(
        before, policy.hold(raw[1], raw[2], config.period), policy.lost(periods[1], periods[2])
    )
    published = record.rows("ledger")
    said = forecast.said(published, before.as_of, before.forecasts)
    news = policy.changes(_period(now, verdicts), replace(_period(before, verdicts_before), forecasts=said))
    kept = forecast.held(published, store, now.as_of)
    ahead = [id_ for id_, one in now.subjects.items() if one.is_committed and one.state == "open" and one.due_on]
    projects = [id_ for id_, one in now.subjects.items() if one.kind == "project"]
    return Assessed(
        as_of=now.as_of,
        today=today,
        previous_on=before.today,
        name=config.name,
        zone=config.zone.key,
        profile=config.profile,
        period=config.period,
        subjects=now.subjects,
        readings=now.readings,
        before=before.readings,
        verdicts=verdicts,
        verdicts_before=verdicts_before,
        forecasts=now.forecasts,
        changes=news,
        moved=_moved(store, before, now, said),
        decisions=_decisions(store),
        waits=tuple(wait for wait, _ in now.waits),
        trust=Trust(
            sources=tuple(sources),
            p85_held=kept.held,
            p85_resolved=kept.resolved,
            unestimated_share=_value(now, "portfolio", "SP-5", "share"),
            unmatched_decisions=unmatched,
            without_baseline=sum(
                one.is_committed and one.state == "open" and one.due_on is not None and not one.baseline.approvals
                for one in now.subjects.values()
            ),
        ),
        doubts=tuple(doubts(store)),
        evidence=_evidence(store, projects),
        burnup=_by_subject(indicators.series(store, "burnup", [*projects, *ahead])),
        cumulative_flow=_by_subject(indicators.series(store, "cumulative_flow", projects)),
        due_dates=_due_dates(store, cuts, ahead),
        calendars=_calendars(store, config),
        replay=replay,
    )


class ForecastNews(NamedTuple):
    """The forecasts of one day, those a period before as they were said then, and why they moved."""

    forecasts: Mapping[str, Forecast]
    previous_on: date
    said: Mapping[str, Forecast]
    moved: Mapping[str, tuple[Part, ...]]
    choice: Choice | None  # why they are made as they are, where a backtest chose it


def forecast_news(store: Store, config: Config, today: date, record: Record) -> ForecastNews:
    """The forecasts as a report of ``today`` has them. Leaves the store's tables cut at its end."""
    previous_on = today - _step(config)
    choice = variants.in_force(record.rows("choice"), tables.end_of(today, config.zone))
    variant = variants.variant(choice)
    then = _forecasts(store, config, previous_on, variant)
    attribute.remember(store)
    now = _forecasts(store, config, today, variant)
    said = forecast.said(record.rows("ledger"), tables.end_of(previous_on, config.zone), then.forecasts)
    return ForecastNews(now.forecasts, previous_on, said, _moved(store, then, now, said), choice)


def _step(config: Config) -> timedelta:
    """From one report to the next."""
    return timedelta(days=7 if config.period == "week" else 1)


@dataclass(frozen=True, slots=True)
class Again:
    """Forecasts and verdicts of a past week end, made again: before hysteresis, with every reason."""

    as_of: datetime
    today: date
    outlook: Outlook
    verdicts: Mapping[str, tuple[Rag, list[Reason]]]


def again(store: Store, config: Config, today: date, earlier: Mapping[str, Forecast], variant: str) -> Again:
    """What a report would have judged at the end of ``today``; ``earlier`` are the forecasts of DRIFT_DAYS before.

    Leaves the store's tables cut at that moment.
    """
    cut = _cut(store, config, today, variant, _judged())
    verdicts = {id_: policy.judged(*one) for id_, one in _facts_of_all(cut, earlier, _limits(config), {})}
    return Again(cut.as_of, today, forecast.Outlook(dict(cut.forecasts), dict(cut.bases)), verdicts)


def _judged() -> list[str]:
    """The indicators that verdicts read."""
    return [id_ for id_, one in indicators.definitions().items() if "policy" in one.used_by]


def _forecasts(store: Store, config: Config, today: date, variant: str) -> Outlook:
    as_of = tables.end_of(today, config.zone)
    tables.prepare(store, config, as_of, today)
    return forecast.compute(store, as_of, today, seed=SEED, config_digest=config.digest, variant=variant)


def _cut(store: Store, config: Config, today: date, variant: str, needed: Sequence[str] | None) -> Cut:
    """With the readings of the indicators ``needed``, all by default. Where none is, nothing is judged: only subjects and
    forecasts are told.
    """
    made = _forecasts(store, config, today, variant)
    cut = Cut(
        tables.end_of(today, config.zone), today, _subjects(store, config), {}, made.forecasts, made.bases, {}, ()
    )
    if needed is not None and not needed:
        return cut
    readings = {
        (subject, indicator, part): Reading(subject, indicator, part, _none(value), int(sample))
        for subject, indicator, part, value, sample in _rows(indicators.compute(store, needed), indicators.READINGS)
    }
    reported = {str(subject): REPORTED[health] for subject, health in _find(store, "reported") if health in REPORTED}
    return replace(cut, readings=readings, reported=reported, waits=tuple(_waits(store)))


def _moved(
    store: Store, before: Cut | forecast.Outlook, now: Cut | forecast.Outlook, said: Mapping[str, Forecast]
) -> dict[str, tuple[Part, ...]]:
    """Why the forecasts moved that had dates then and have dates now."""
    what = attribute.moved(store, {id_: basis.speed.pace_of for id_, basis in now.bases.items()})
    return {
        id_: attribute.attribute(
            before.bases[id_], basis, what.get(id_, attribute.Moved()), said[id_], now.forecasts[id_]
        )
        for id_, basis in now.bases.items()
        if id_ in before.bases
    }


def _find(store: Store, name: str) -> list[tuple[Any, ...]]:
    return store.rows(sql(f"findings/{name}"))


def _rows(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of a small frame as tuples of these columns."""
    return zip(*(frame[column].tolist() for column in columns), strict=True)


def _none(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _subjects(store: Store, config: Config) -> dict[str, Subject]:
    query = "SELECT subject, due_on, first_due_on, approvals, approval FROM baseline"
    baselines = {}
    for subject, due_on, first_due_on, approvals, number in store.rows(query):
        last: Approved | None = None if number is None else config.baselines[number]
        why = (last.role, last.reason) if last else ("", "")
        baselines[subject] = Baseline(due_on, first_due_on, approvals, *why)
    sponsors = {f"project:{one.id}": one.sponsor_role for one in config.projects}
    rows = store.rows(
        "SELECT subject, kind, name, parent, url, state, start_on, due_on, known_since, is_committed, is_must_win, "
        "is_confidential FROM subject ORDER BY subject"
    )
    made = {}
    for id_, kind, name, parent, url, state, start_on, due_on, known_since, is_committed, is_must_win, hidden in rows:
        made[id_] = Subject(
            id_, kind, name, parent, url, state, start_on, due_on, _utc(known_since), bool(is_committed),
            bool(is_must_win), baselines.get(id_, NO_BASELINE), sponsor_role=sponsors.get(id_),
            is_confidential=bool(hidden),
        )  # fmt: skip
    return made


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _waits(store: Store) -> list[tuple[Wait, tuple[str, ...]]]:
    made = []
    for row in _find(store, "waits"):
        wait = Wait(
            blocked=IssueRef(*row[0:4]),
            blocked_subject=row[4],
            blocker=IssueRef(*row[5:9]),
            blocker_subject=row[9],
            since=cast("datetime", _utc(row[10])),
            blocker_due_on=row[11],
            late_days=row[12],
            milestones=len(row[13]),
        )
        made.append((wait, tuple(row[13])))
    return made


def _calendars(store: Store, config: Config) -> dict[str, Calendar]:
    usual = [tuple(sorted(calendars.week(one))) for one in config.calendars]
    return {
        subject: Calendar(usual[number], tuple(before), tuple(ahead), weeks)
        for subject, number, before, ahead, weeks in _find(store, "days_off")
    }


def _decided(store: Store, config: Config, today: date) -> tuple[dict[str, Declared], tuple[str, ...]]:
    """The colours that people declare and that hold today, by subject; and the decisions that are about nothing here."""
    named = {
        (project, name): subject for subject, project, name in store.rows("SELECT * FROM subject_name ORDER BY ALL")
    }
    projects = {row[0] for row in store.rows("SELECT subject FROM subject WHERE kind = 'project'")}

    def subject_of(one: Decided) -> str | None:
        whole = f"project:{one.project}"
        found = named.get((one.project, one.milestone.strip().lower())) if one.milestone else whole
        return found if whole in projects else None

    declared = {}
    for one in sorted(config.overrides, key=lambda one: (one.decided_on, one.id)):
        subject = subject_of(one)
        if subject is not None and one.decided_on <= today <= one.expires_on:
            declared[subject] = Declared(one.status, one.role, one.reason, one.decided_on, one.expires_on)
    return declared, tuple(one.id for one in config.decisions if one.decided_on <= today and subject_of(one) is None)


def _decisions(store: Store) -> tuple[Decision, ...]:
    return tuple(Decision(IssueRef(*row[0:4]), row[4], row[5], row[6]) for row in _find(store, "decisions"))


def doubts(store: Store) -> Iterator[Doubt]:
    """What can hardly be as the trackers say, at the moment the tables are cut at."""
    for (subject, what, items), rows in groupby(_find(store, "doubtful"), key=lambda row: row[:3]):
        yield Doubt(subject, what, items, tuple(IssueRef(*row[3:7]) for row in rows))


def _value(cut: Cut, subject: str, indicator: str, part: str = "") -> float | None:
    reading = cut.readings.get((subject, indicator, part))
    return None if reading is None else reading.value


def _limits(config: Config) -> dict[str, policy.Thresholds]:
    """The thresholds of each project: its own tolerances where it has any."""
    return {
        f"project:{one.id}": policy.Thresholds(
            amber_slip_days=one.tolerance_days, amber_scope_share=one.tolerance_scope_percent / 100
        )
        for one in config.projects
    }


def _stale_projects(store: Store, sources: Sequence[SourceTrust]) -> dict[str, str]:
    """Project -> a source it reaches into that was not read since the period closed: what is there is unknown."""
    stale = {one.source for one in sources if one.state != "fresh"}
    rows = store.rows("SELECT DISTINCT 'project:' || project, source FROM reach ORDER BY ALL")
    return {subject: source for subject, source in rows if source in stale}


def _verdicts(
    cut: Cut, four_weeks_ago: Mapping[str, Forecast], limits: Mapping[str, policy.Thresholds], stale: Mapping[str, str]
) -> dict[str, Verdict]:
    """The colours of milestones and epics at one moment, before hysteresis."""
    return {id_: policy.milestone_verdict(*one) for id_, one in _facts_of_all(cut, four_weeks_ago, limits, stale)}


def _facts_of_all(
    cut: Cut, four_weeks_ago: Mapping[str, Forecast], limits: Mapping[str, policy.Thresholds], stale: Mapping[str, str]
) -> Iterator[tuple[str, tuple[policy.MilestoneFacts, policy.Thresholds]]]:
    """What each open commitment is judged by, and where its amber and red begin."""
    late = Counter(milestone for wait, milestones in cut.waits if wait.late_days for milestone in milestones)
    for id_, subject in cut.subjects.items():
        if subject.is_committed and subject.state == "open":
            facts = _facts(cut, subject, four_weeks_ago.get(id_), late[id_], stale.get(subject.parent or ""))
            yield id_, (facts, limits.get(subject.parent or "", policy.Thresholds()))


def _facts(
    cut: Cut, subject: Subject, before: Forecast | None, late_waits: int, stale_source: str | None
) -> policy.MilestoneFacts:
    made = cut.forecasts.get(subject.id)
    added, removed = (_value(cut, subject.id, "SP-1", part) for part in ("added", "removed"))
    slipped = _value(cut, subject.id, "SC-2", "since_approval" if subject.baseline.approvals else "days")
    drift = (made.p50_on - before.p50_on).days if made and before and made.p50_on and before.p50_on else None
    return policy.MilestoneFacts(
        subject=subject,
        today=cut.today,
        forecast=made,
        blocked_days=_value(cut, subject.id, "RK-1", "oldest_days") or 0.0,
        blocked_count=int(_value(cut, subject.id, "RK-1", "count") or 0),
        late_waits=late_waits,
        drift_days=drift,
        reported=cut.reported.get(subject.parent or ""),
        slip_days=int(slipped or 0),
        scope_added=int((added or 0) - (removed or 0)),
        scope_growth=_value(cut, subject.id, "SP-1", "growth"),
        stale_source=stale_source,
        decided_by=_decided_by(cut, made),
    )


def _decided_by(cut: Cut, made: Forecast | None) -> str | None:
    """The name of the commitment, or else the project, that decides a forecast elsewhere."""
    if made is None or made.chain is None or not made.chain.steps:
        return None
    last = made.chain.steps[-1]
    found = cut.subjects.get((last.subject if last.blocker else None) or last.project or "")
    return found.name if found else None


def _period(cut: Cut, verdicts: Mapping[str, Verdict]) -> policy.Period:
    return policy.Period(cut.subjects, verdicts, cut.forecasts, cut.readings)


def _rolled_up(
    cut: Cut, milestones: Mapping[str, Verdict], lost: Sequence[tuple[Subject, Verdict]]
) -> dict[str, Verdict]:
    """Milestones' colours with those of everything above them, which the ``lost`` ones still count for."""
    verdicts = dict(milestones)
    commitments = [*((cut.subjects[id_], one) for id_, one in milestones.items()), *lost]
    projects = _of_kind(cut, "project")
    for project in projects:
        own = [one for one in commitments if one[0].parent == project.id]
        verdicts[project.id] = policy.project_verdict(project, own, cut.reported.get(project.id))
    must_win = [one for subject, one in commitments if subject.is_must_win]
    for programme in _of_kind(cut, "programme"):
        below = {project.id for project in projects if project.parent == programme.id}
        own_must_win = [one for subject, one in commitments if subject.is_must_win and subject.parent in below]
        verdicts[programme.id] = policy.rollup_verdict(
            programme, [verdicts[id_] for id_ in sorted(below)], own_must_win
        )
    for portfolio in _of_kind(cut, "portfolio"):
        verdicts[portfolio.id] = policy.rollup_verdict(portfolio, [verdicts[one.id] for one in projects], must_win)
    return verdicts


def _of_kind(cut: Cut, kind: str) -> list[Subject]:
    return [one for one in cut.subjects.values() if one.kind == kind]


def _evidence(store: Store, projects: Sequence[str]) -> dict[tuple[str, str], tuple[IssueRef, ...]]:
    found: dict[tuple[str, str], list[IssueRef]] = {}
    for indicator in EVIDENCE:
        frame = indicators.evidence(store, indicator, projects, MOST_EVIDENCE)
        for subject, key, title, url, hidden, measure in _rows(frame, EVIDENCE_COLUMNS):
            ref = IssueRef(key, title, url, bool(hidden), _none(measure))
            found.setdefault((subject, indicator), []).append(ref)
    return {key: tuple(refs) for key, refs in found.items()}


def _by_subject(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {
        str(subject): part.drop(columns="subject").reset_index(drop=True) for subject, part in frame.groupby("subject")
    }


def _due_dates(store: Store, cuts: Mapping[date, Cut], milestones: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Per milestone: seen_on, due_on, p50_on; the due dates since we know them, the forecasts of the last weeks."""
    known = _by_subject(indicators.series(store, "due_dates", milestones))
    made = {}
    for id_ in milestones:
        rows: dict[date, dict[str, Any]] = {}
        for row in known[id_].itertuples() if id_ in known else ():
            rows[cast("datetime", row.seen_on).date()] = {"due_on": cast("datetime", row.due_on).date(), "p50_on": None}
        for day, cut in cuts.items():
            subject, one = cut.subjects.get(id_), cut.forecasts.get(id_)
            if subject is not None:
                is_known = subject.known_since is not None and subject.known_since < cut.as_of + timedelta(days=1)
                rows[day] = {"due_on": subject.due_on if is_known else None, "p50_on": one.p50_on if one else None}
        ordered = [{"seen_on": day, **rows[day]} for day in sorted(rows)]
        made[id_] = pd.DataFrame(ordered, columns=["seen_on", "due_on", "p50_on"])
    return made
