"""Judgement by written rule: readings and forecasts in, verdicts with reason codes out.

The rule: grey when there is not enough data, red and amber by thresholds anyone can look up, at most three reasons
ordered by weight, worse at once and better only after two periods, roll-ups that never average. Nothing here is worded; `reports` does that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from pmo_sync.assessed import SEVERITY, Change, Forecast, Rag, Reading, Reason, Subject, Verdict

MOST_REASONS: Final = 3
FEWEST_WEEKS: Final = 8  # of history, before a pace says anything
UNKNOWN: Final = ("waits_unknown", "waits_outside")  # gates: it needs what nobody can tell the end of
# The rules that warn before a date is over, by the codes of their reasons: what a backtest tells the worth of.
RULES: Final = (
    "p_hit_low", "pace_short", "blocked_long", "slip", "drift", "waits_on_late", "scope_added", "reported_worse",
    "reported_better",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where amber and red begin. The defaults are conventions; a project's tolerances replace two of them."""

    red_p_hit: float = 0.50
    amber_p_hit: float = 0.80
    amber_slip_days: int = 5  # [[project]] tolerance_days
    amber_slip_share: float = 0.05  # of the planned duration; both must be passed
    amber_scope_share: float = 1.0  # [[project]] tolerance_scope_percent
    amber_drift_days: int = 7  # the P50 date moved later by more than this in 28 days, and would pass the date again
    blocked_days: int = 5  # working days; amber when its oldest blocked item has waited longer ...
    red_blocked_share: float = 0.20  # ... red when this share of what remains is blocked and the date is at risk anyway
    red_share: float = 0.25  # of the projects below, for a roll-up
    amber_share: float = 0.25


@dataclass(frozen=True, slots=True)
class MilestoneFacts:
    """What the rule may look at for one milestone, all as of one moment."""

    subject: Subject
    today: date
    forecast: Forecast | None
    blocked_days: float  # working days of its oldest blocked item, 0 when none is blocked
    blocked_count: int
    late_waits: int  # its items that wait for another project's late item
    drift_days: int | None  # P50 now minus P50 four weeks ago; None without both
    reported: Rag | None
    slip_days: int = 0  # of the due date since the baseline; negative: it is earlier
    scope_added: int = 0  # items since the baseline, net
    scope_growth: float | None = None  # the same as a share of the baseline
    stale_source: str | None = None  # a source of its project was not read since the period closed
    decided_by: str | None = None  # the name of what decides its 85 % date elsewhere


def milestone_verdict(facts: MilestoneFacts, limits: Thresholds = Thresholds()) -> Verdict:
    """The colour of one milestone at one moment, before hysteresis."""
    rag, reasons = judged(facts, limits)
    return Verdict(facts.subject.id, rag, tuple(reasons[:MOST_REASONS]), reported=facts.reported)


def judged(facts: MilestoneFacts, limits: Thresholds = Thresholds()) -> tuple[Rag, list[Reason]]:
    """The same with every reason, not only those that a page has room for."""
    subject, forecast = facts.subject, facts.forecast
    if facts.stale_source is not None:
        return "grey", [Reason("stale_source", {"source": facts.stale_source})]
    if forecast is None or (forecast.refused and any(gate.code == "no_items" for gate in forecast.gates)):
        return "grey", [Reason("no_items")]
    if forecast.remaining == 0:
        return "green", [Reason("all_done")]
    if subject.due_on is None:
        return "grey", [Reason("no_due_date")]
    if subject.due_on <= facts.today:
        reasons = [Reason("past_due", {"due_on": subject.due_on, "remaining": forecast.remaining})]
        return "red", reasons
    if forecast.refused:
        # what must be done a week needs no model: a team that has stopped does not become less late
        short = [_pace(forecast)] if _is_short(forecast) and len(forecast.weekly_counts) >= FEWEST_WEEKS else []
        return "red" if short else "grey", [*short, *forecast.gates]
    red, amber = _red(facts, forecast, limits), _amber(facts, forecast, limits)
    if red:
        return "red", red + amber
    if amber:
        return "amber", amber
    unknown = [gate for gate in forecast.gates if gate.code in UNKNOWN]
    if unknown:  # its chance is that of what is known: the best that can be
        return "grey", unknown
    return "green", [Reason("on_track", {"p": forecast.p_hit})]


def _red(facts: MilestoneFacts, forecast: Forecast, limits: Thresholds) -> list[Reason]:
    found = []
    if forecast.p_hit is not None and forecast.p_hit < limits.red_p_hit:
        found.append(Reason("p_hit_low", {"p": forecast.p_hit, "due_on": facts.subject.due_on}))
        found += _decided(facts, forecast, limits)
    if _is_short(forecast):
        found.append(_pace(forecast))
    if _blocks_date(facts, forecast, limits):
        found.append(_blocked(facts))
    return found


def _amber(facts: MilestoneFacts, forecast: Forecast, limits: Thresholds) -> list[Reason]:
    subject, found = facts.subject, []
    if forecast.p_hit is not None and limits.red_p_hit <= forecast.p_hit < limits.amber_p_hit:
        found.append(Reason("p_hit_low", {"p": forecast.p_hit, "due_on": subject.due_on}))
        found += _decided(facts, forecast, limits)
    found += [gate for gate in forecast.gates if gate.code == "waits_circle"]
    slipped = facts.slip_days
    if slipped > limits.amber_slip_days and slipped > limits.amber_slip_share * _planned_days(subject):
        found.append(Reason("slip", {"days": slipped, "percent": round(100 * slipped / _planned_days(subject))}))
    if facts.drift_days is not None and facts.drift_days > limits.amber_drift_days and _drifts_past(facts, forecast):
        found.append(Reason("drift", {"days": facts.drift_days}))
    if _waits_long(facts, limits) and not _blocks_date(facts, forecast, limits):
        found.append(_blocked(facts))
    if facts.late_waits and not _decided(facts, forecast, limits):
        found.append(Reason("waits_on_late", {"count": facts.late_waits}))
    if facts.scope_growth is not None and facts.scope_growth > limits.amber_scope_share:
        found.append(Reason("scope_added", {"items": facts.scope_added, "percent": round(100 * facts.scope_growth)}))
    if facts.reported in ("amber", "red") and not found:
        found.append(Reason("reported_worse", {"reported": facts.reported}))
    if facts.reported == "green" and found:
        found.append(Reason("reported_better", {"reported": facts.reported}))
    return found


def _decided(facts: MilestoneFacts, forecast: Forecast, limits: Thresholds) -> list[Reason]:
    """What it needs elsewhere, where its own work alone would have a better colour."""
    chain, chance = forecast.chain, forecast.p_hit
    if chain is None or not chain.steps or chain.p_hit is None or chance is None:
        return []
    if not any(chance < limit <= chain.p_hit for limit in (limits.red_p_hit, limits.amber_p_hit)):
        return []
    return [Reason("waits_decide", {"name": facts.decided_by, "p": chain.p_hit})]


def _drifts_past(facts: MilestoneFacts, forecast: Forecast) -> bool:
    """Whether four more weeks like the last four take the 85 % date past the due date."""
    due, safe = facts.subject.due_on, forecast.p85_on
    return due is None or safe is None or safe + timedelta(days=facts.drift_days or 0) > due


def _waits_long(facts: MilestoneFacts, limits: Thresholds) -> bool:
    return facts.blocked_count > 0 and facts.blocked_days > limits.blocked_days


def _blocks_date(facts: MilestoneFacts, forecast: Forecast, limits: Thresholds) -> bool:
    is_much = facts.blocked_count >= limits.red_blocked_share * forecast.remaining
    return _waits_long(facts, limits) and is_much and (forecast.p_hit or 0.0) < limits.amber_p_hit


def _blocked(facts: MilestoneFacts) -> Reason:
    return Reason("blocked_long", {"count": facts.blocked_count, "days": round(facts.blocked_days)})


def _is_short(forecast: Forecast) -> bool:
    return forecast.required_pace is not None and forecast.required_pace > forecast.best_pace


def _pace(forecast: Forecast) -> Reason:
    params = {"required": forecast.required_pace, "actual": forecast.actual_pace, "best": forecast.best_pace}
    return Reason("pace_short", params)


def _planned_days(subject: Subject) -> int:
    """The planned duration the slip is compared with; a quarter where no start is known."""
    if subject.start_on is None or subject.baseline.due_on is None:
        return 91
    return max(1, (subject.baseline.due_on - subject.start_on).days)


def hold(now: Mapping[str, Verdict], before: Mapping[str, Verdict], period: str = "week") -> dict[str, Verdict]:
    """Hysteresis: worse counts at once, better only when the ``period`` (week or day) before was as good.

    Because "better after two periods" is the worse of the last two colours, two computed states decide it and any
    past report can be reproduced. Grey neither holds nor is held.
    """
    return {subject: _held(verdict, before.get(subject), period) for subject, verdict in now.items()}


def _held(verdict: Verdict, before: Verdict | None, period: str) -> Verdict:
    if before is None or "grey" in (verdict.rag, before.rag) or SEVERITY[before.rag] <= SEVERITY[verdict.rag]:
        return verdict
    if any(reason.code == "all_done" for reason in verdict.reasons):
        return verdict  # done is done
    reasons = (Reason("better_once", {"now": verdict.rag, "period": period}), *before.reasons)[:MOST_REASONS]
    return Verdict(verdict.subject, before.rag, reasons, verdict.reported, held_from=verdict.rag)


def project_verdict(subject: Subject, milestones: Sequence[tuple[Subject, Verdict]], reported: Rag | None) -> Verdict:
    """A project is as good as the worst of its critical milestones: the must-win ones, else all committed ones.

    Grey is worse than green: a project is on track only when all of its critical milestones are known to be.
    """
    critical = [one for one in milestones if one[0].is_must_win] or list(milestones)
    if not critical:
        return Verdict(subject.id, "grey", (Reason("no_dated_milestone"),), reported)
    worst_subject, worst = max(critical, key=lambda one: (SEVERITY[one[1].rag], -_order(one[0])))
    if worst.rag == "grey":
        return Verdict(subject.id, "grey", worst.reasons[:MOST_REASONS], reported)
    reasons = [Reason("milestone", {"name": worst_subject.name, "rag": worst.rag, "due_on": worst_subject.due_on})]
    reasons += worst.reasons
    if reported == "green" and worst.rag != "green":
        reasons.insert(1, Reason("reported_better", {"reported": reported}))
    return Verdict(subject.id, worst.rag, _without_doubles(reasons), reported)


def _without_doubles(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    codes = [reason.code for reason in reasons]
    return tuple(one for place, one in enumerate(reasons) if codes.index(one.code) == place)[:MOST_REASONS]


def _order(subject: Subject) -> int:
    return (subject.due_on or date.max).toordinal()


def rollup_verdict(
    subject: Subject, projects: Sequence[Verdict], must_win: Sequence[Verdict], limits: Thresholds = Thresholds()
) -> Verdict:
    """Programme and portfolio: never an average. Red by a red must-win milestone or too many red projects.

    Shares are of all projects, known or not; green needs more than half of them known, and no must-win milestone grey.
    """
    count = len(projects)
    red = sum(one.rag == "red" for one in projects)
    amber = sum(one.rag == "amber" for one in projects)
    grey = sum(one.rag == "grey" for one in projects)
    red_must_win = sum(one.rag == "red" for one in must_win)
    counts = Reason("projects_by_status", {"red": red, "amber": amber, "total": count})
    if red_must_win:
        return Verdict(subject.id, "red", (Reason("must_win_red", {"count": red_must_win}), counts))
    if red > limits.red_share * count:
        return Verdict(subject.id, "red", (counts,))
    if red or amber > limits.amber_share * count:
        return Verdict(subject.id, "amber", (counts,))
    if 2 * grey >= count or any(one.rag == "grey" for one in must_win):
        return Verdict(subject.id, "grey", (Reason("nothing_known", {"total": grey}),))
    return Verdict(subject.id, "green", (counts,))


@dataclass(frozen=True, slots=True)
class Period:
    """What news is told from: one period's subjects, verdicts, forecasts and readings."""

    subjects: Mapping[str, Subject]
    verdicts: Mapping[str, Verdict]
    forecasts: Mapping[str, Forecast]
    readings: Mapping[tuple[str, str, str], Reading]

    def remaining(self, id_: str) -> int:
        """Items of a milestone or epic that are open."""
        found = self.readings.get((id_, "PR-1", "remaining"))
        return int(found.value) if found is not None and found.value else 0

    def is_finished(self, id_: str) -> bool:
        """Whether a milestone or epic is there with work, and all of it is done."""
        return (id_, "PR-1", "remaining") in self.readings and self.remaining(id_) == 0


def lost(now: Period, before: Period) -> list[tuple[Subject, Verdict]]:
    """Commitments off track in the period before, with neither a colour now nor all work done: they keep theirs for one
    period more. Deleting a red milestone, or closing it with work still open, makes no project better at once.

    The verdicts of both are those of milestones and epics, before hysteresis.
    """
    return [
        (before.subjects[id_], Verdict(id_, was.rag, (Reason("milestone_gone"),), was.reported))
        for id_, was in before.verdicts.items()
        if was.rag in ("amber", "red") and id_ not in now.verdicts and not now.is_finished(id_)
    ]


def changes(now: Period, before: Period) -> tuple[Change, ...]:
    """What is news since the period before, worst first. Only commitments and projects make news."""
    found: list[Change] = []
    for id_, subject in now.subjects.items():
        if subject.is_committed:
            found += _colour_change(id_, now, before)
    told = {(now.subjects[one.subject].parent, one.code, one.params["now"]) for one in found}
    for id_, subject in now.subjects.items():
        if subject.kind == "project":
            found += [one for one in _colour_change(id_, now, before) if (id_, one.code, one.params["now"]) not in told]
            found += _count_change(id_, "newly_blocked", "RK-1", "count", now, before)
        if subject.is_committed:
            found += _date_changes(subject, before)
            found += _forecast_changes(id_, now.forecasts.get(id_), before.forecasts.get(id_))
            found += _scope_change(id_, now, before)
            found += _ending(subject, now, before)
    found += _gone(now, before)
    return tuple(sorted(found, key=lambda one: (-one.weight, one.subject, one.code)))


def _colour_change(id_: str, now: Period, before: Period) -> list[Change]:
    is_now, was = now.verdicts.get(id_), before.verdicts.get(id_)
    if is_now is None or was is None or is_now.rag == was.rag:
        return []
    params = {"before": was.rag, "now": is_now.rag, "reasons": is_now.reasons}
    if SEVERITY[is_now.rag] > SEVERITY[was.rag] and is_now.rag != "grey":
        return [Change(id_, "rag_worse", params, 100.0)]
    code = "rag_better" if "grey" not in (is_now.rag, was.rag) else "rag_other"
    return [Change(id_, code, params, 60.0)]


def _count_change(id_: str, code: str, indicator: str, part: str, now: Period, before: Period) -> list[Change]:
    values = [one.readings.get((id_, indicator, part)) for one in (now, before)]
    more = (values[0].value or 0 if values[0] else 0) - (values[1].value or 0 if values[1] else 0)
    return [Change(id_, code, {"count": int(more)}, 20.0 + more)] if more > 0 else []


def _date_changes(subject: Subject, before: Period) -> list[Change]:
    earlier = before.subjects[subject.id].due_on if subject.id in before.subjects else None
    if earlier is None or subject.due_on == earlier:
        return []
    if subject.due_on is None:
        return [Change(subject.id, "due_removed", {"due_on": earlier}, 80.0)]
    days = (subject.due_on - earlier).days
    return [Change(subject.id, "due_moved", {"days": days, "due_on": subject.due_on}, 50.0 + abs(days) / 7)]


def _forecast_changes(id_: str, now: Forecast | None, before: Forecast | None) -> list[Change]:
    if now is None or before is None:
        return []
    found = []
    if now.p50_on and before.p50_on and abs(moved := (now.p50_on - before.p50_on).days) >= 7:
        code = "forecast_later" if now.p50_on > before.p50_on else "forecast_earlier"
        found.append(Change(id_, code, {"days": moved, "p50_on": now.p50_on}, 30.0 + abs(moved) / 7))
    if now.p_hit is not None and before.p_hit is not None and abs(now.p_hit - before.p_hit) >= 0.15:
        params = {"before": before.p_hit, "now": now.p_hit, "due_on": now.due_on}
        found.append(Change(id_, "p_hit_moved", params, 25.0 + 20 * abs(now.p_hit - before.p_hit)))
    return found


def _ending(subject: Subject, now: Period, before: Period) -> list[Change]:
    """Its last item was done, or it was closed with work still open. A closed one has no verdict; it had one before."""
    was = before.forecasts.get(subject.id)
    if was is not None and was.remaining > 0 and now.is_finished(subject.id):
        return [Change(subject.id, "milestone_reached", {"on": subject.due_on}, 55.0)]
    left = now.remaining(subject.id)
    if subject.state == "closed" and subject.id in before.verdicts and left:
        return [Change(subject.id, "closed_with_open_work", {"count": left}, 85.0)]
    return []


def _gone(now: Period, before: Period) -> list[Change]:
    """Commitments that are not there any more: deleted, hidden, or no part of a project here. Told of their project."""
    lost = [before.subjects[id_] for id_ in before.verdicts if id_ not in now.subjects]
    return [
        Change(one.parent, "milestone_gone", {"name": one.name, "rag": before.verdicts[one.id].rag}, 90.0)
        for one in lost
        if one.is_committed and one.parent is not None and one.parent in now.subjects
    ]


def _scope_change(id_: str, now: Period, before: Period) -> list[Change]:
    """Items since the period before, net; nothing is said until both know the baseline."""
    net = [_net_added(id_, one) for one in (now, before)]
    if net[0] is None or net[1] is None or net[0] == net[1]:
        return []
    items = net[0] - net[1]
    code = "scope_added" if items > 0 else "scope_removed"
    return [Change(id_, code, {"items": abs(items)}, 15.0 + abs(items) / 10)]


def _net_added(id_: str, one: Period) -> int | None:
    values = [one.readings.get((id_, "SP-1", part)) for part in ("added", "removed")]
    if values[0] is None or values[1] is None or values[0].value is None or values[1].value is None:
        return None
    return int(values[0].value - values[1].value)
