"""explain: one number, forecast or status with what it is made of, from the store alone."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from pmo_sync import assess, indicators, tables
from pmo_sync.errors import PmoSyncError
from pmo_sync.pipeline import then
from pmo_sync.pipeline.inspect import MOST_EVIDENCE, definition, must_exist, number, plain, readings
from pmo_sync.pipeline.runs import assess_now, closed_day
from pmo_sync.pipeline.then import CONFIDENTIAL
from pmo_sync.pipeline.workspace import reading
from pmo_sync.result import Result

if TYPE_CHECKING:
    from pmo_sync.assess import ForecastNews
    from pmo_sync.assessed import Chain, Choice, Forecast, IssueRef, Reason, Verdict
    from pmo_sync.clock import Clock
    from pmo_sync.config import Config
    from pmo_sync.store import Store
    from reports.wording import Words

BESIDES: Final = ("forecast", "status")  # what is explained beside indicators
WIDTH: Final = 110
SAID: Final = ("p50_on", "p85_on", "p95_on", "p_hit", "due_on")  # of a forecast of the period before


def explain(config: Config, clock: Clock, subject: str, what: str, *, on: date | None) -> Result:
    """``what`` of a subject: an indicator, by id or name, its ``forecast`` or its ``status``.

    Raises PmoSyncError for an unknown subject or indicator.
    """
    if what == "forecast":
        with reading(config, clock) as workspace:
            today = closed_day(workspace, on)
            news = assess.forecast_news(workspace.store, config, today, workspace.record)
            must_exist(workspace, subject)
            names = dict(workspace.store.rows("SELECT subject, name FROM subject"))
            below = _below(workspace.store, subject)
        if below:
            return _expected(subject, today, [news.forecasts[one] for one in below if one in news.forecasts])
        return _forecast(subject, today, news, names, config)
    if what == "status":
        with reading(config, clock) as workspace:
            judged = assess_now(workspace, on)
            must_exist(workspace, subject)
        return _status(subject, judged.today, judged.verdicts.get(subject), config)
    known = indicators.definitions()
    wanted = next((one for one in known.values() if what in (one.id, one.name)), None)
    if wanted is None:
        msg = f"no indicator {what!r}; `pmo-sync indicators --definitions` lists them; or say {' or '.join(BESIDES)}"
        raise PmoSyncError(msg)
    with reading(config, clock) as workspace:
        frame = readings(workspace, on, (wanted.id,))
        today = closed_day(workspace, on)
        must_exist(workspace, subject)
        evidence = indicators.evidence(workspace.store, wanted.id, [subject], MOST_EVIDENCE + 1)
        before = then.of(workspace, today, subject, wanted, rows := plain(frame[frame.subject == subject]))
    lines = [f"{wanted.id} {wanted.name}: {wanted.question}", _about(subject, today), *_wrapped(wanted.source)]
    lines += [
        f"  {row['part'] or 'value'} = {number(row['value'])} {wanted.units[row['part']]}, n = {row['sample']}"
        for row in rows
    ]
    if not rows:
        lines.append("  no reading: there is nothing to measure, such as no items, no date or no baseline")
    is_cut = len(evidence) > MOST_EVIDENCE
    evidence = evidence.head(MOST_EVIDENCE)
    shown = evidence.assign(
        key=evidence.key.where(~evidence.is_confidential, CONFIDENTIAL),
        title=evidence.title.where(~evidence.is_confidential, ""),
        url=evidence.url.where(~evidence.is_confidential, ""),
    )
    behind = plain(shown[["key", "title", "url", "measure"]])
    lines += [f"  {row['key']:<16} {number(row['measure']):>10}  {row['title']}" for row in behind]
    lines += [f"  the {MOST_EVIDENCE:,} largest are shown; there are more"] if is_cut else []
    lines += then.lines(before, wanted)
    data = {
        "indicator": definition(wanted),
        "subject": subject,
        "as_of": today,
        "readings": [{**row, "unit": wanted.units[row["part"]]} for row in rows],
        "evidence": behind,
        "evidence_is_cut": is_cut,
        "said_then": before and before._asdict(),
    }
    return Result(data, lines)


def _below(store: Store, subject: str) -> list[str]:
    """The subjects that a project, programme or the portfolio holds; none of a milestone or epic."""
    children: dict[str, list[str]] = {}
    for one, parent in store.rows("SELECT subject, parent FROM subject WHERE parent IS NOT NULL ORDER BY subject"):
        children.setdefault(parent, []).append(one)
    found = list(children.get(subject, ()))
    for one in found:
        found += children.get(one, ())
    return found


def _expected(subject: str, today: date, below: Sequence[Forecast]) -> Result:
    """How many of its milestones are expected by their dates: the sum of their chances, whatever waits for whatever."""
    ahead = [one for one in below if one.due_on is not None and one.due_on > today and one.remaining]
    chances = [one.p_hit for one in ahead if one.p_hit is not None]
    expected = sum(chances) if chances else None
    lines = ["forecast: how many of its open dated milestones and epics will make their dates?", _about(subject, today)]
    told = (
        "none has a forecast"
        if expected is None
        else f"{expected:.1f} of {len(chances)} with a forecast are expected by their dates"
    )
    lines += [f"  {told}; {len(ahead)} have a date to come and open work"]
    data = {"dated": len(ahead), "with_forecast": len(chances), "expected": expected}
    return Result({"subject": subject, "as_of": today, "forecast": None, "milestones": data}, lines)


def _forecast(subject: str, today: date, news: ForecastNews, names: Mapping[str, str], config: Config) -> Result:
    """The dates, what they are made of, why in that way, every gate, and why they moved since the last report."""
    one = news.forecasts.get(subject)
    lines = ["forecast: when is all of its work done?", _about(subject, today)]
    if one is None:
        lines.append("  none is made: only open milestones and epics whose dates are promises have one")
        return Result({"subject": subject, "as_of": today, "forecast": None}, lines)
    lines += [*_inputs(one), *_chosen(news.choice, config), *_answers(one), *_chain(one.chain, names)]
    lines += [f"  {line}" for line in _sentences(config, one.gates)]
    shown = asdict(replace(one, gates=(), chain=None))
    shown["gates"] = [{"code": gate.code, **gate.params} for gate in one.gates]
    if one.chain is not None:
        steps = [
            {
                **step._asdict(),
                "blocked": step.blocked and _named(step.blocked),
                "blocker": step.blocker and _named(step.blocker),
            }
            for step in one.chain.steps
        ]
        shown["chain"] = {**one.chain._asdict(), "steps": steps}
    before, parts = news.said.get(subject), news.moved.get(subject, ())
    lines += _moved(one, before, news, config)
    data = {
        "subject": subject,
        "as_of": today,
        "forecast": shown,
        "before": None
        if before is None
        else {"as_of": news.previous_on, **{name: getattr(before, name) for name in SAID}},
        "choice": None if news.choice is None else news.choice._asdict(),
        "moved": [{**part._asdict(), "issues": [_named(ref) for ref in part.issues]} for part in parts],
    }
    return Result(data, lines)


def _chain(chain: Chain | None, names: Mapping[str, str]) -> list[str]:
    """What it needs elsewhere, step by step to what decides its late date."""
    if chain is None:
        return []
    chance = "" if chain.p_hit is None else f", chance {chain.p_hit:.0%}"
    lines = [f"  alone      its own work: P85 {chain.p85_on or 'beyond two years'}{chance}"]
    for step in chain.steps:
        where = ", ".join(names[one] for one in (step.project, step.subject if step.blocker else None) if one)
        told = "its part"
        if step.blocked is not None and step.blocker is not None:
            told = f"{_named(step.blocked)} waits for {_named(step.blocker)}"
        lines.append(f"  decided by {told} ({where}): P85 {step.p85_on or 'beyond two years'}")
    return lines


def _moved(one: Forecast, before: Forecast | None, news: ForecastNews, config: Config) -> list[str]:
    """What was said a period ago, and by cause what came between; the parts add up."""
    if before is None or before.p50_on is None:
        return [f"  before     no date as of {news.previous_on}"]
    chance = "" if before.p_hit is None else f", chance {before.p_hit:.0%}"
    lines = [
        f"  before     as of {news.previous_on}: P50 {before.p50_on}, P85 {before.p85_on or 'beyond two years'}{chance}"
    ]
    parts = news.moved.get(one.subject)
    if parts is None:
        return lines
    words = _words(config)
    for part in parts:
        moves = [
            f"{name} {number:+} {unit}"
            for name, number, unit in (
                ("P50", part.p50_days, "days"), ("P85", part.p85_days, "days"), ("chance", part.p_hit_points, "points"),
            )
            if number
        ]  # fmt: skip
        named = ", ".join(_named(ref) for ref in part.issues) + (", ..." if part.items > len(part.issues) else "")
        lines.append(f"    {', '.join(moves)}: {words.why(part)}{f': {named}' if part.issues else ''}")
    return lines if parts else [*lines, "    nothing moved it"]


def _named(ref: IssueRef) -> str:
    return CONFIDENTIAL if ref.is_confidential else ref.key


def _chosen(choice: Choice | None, config: Config) -> list[str]:
    """Which variant of the method, and by which evidence, where a backtest chose it."""
    if choice is None:
        return []
    evidence = f"loss {choice.difference:+.3f} plans ({choice.low:+.3f} to {choice.high:+.3f})"
    return [
        f"  variant    {choice.variant}, not {choice.before}, by the backtest as of {tables.day_before(choice.as_of, config.zone)}:",
        f"             {evidence} over {choice.milestones} milestones",
    ]


def _inputs(one: Forecast) -> list[str]:
    elsewhere = one.remaining - (one.work - one.ahead)
    told = f", {elsewhere} of them in other projects, at the pace there" if elsewhere else ""
    told += f", behind {one.ahead} that the same pace must finish first" if one.ahead else ""
    off = f"; {one.days_off} {'day' if one.days_off == 1 else 'days'} off left out" if one.days_off else ""
    return [
        f"  method     {one.method}",
        f"  work       {one.remaining} open items{told}",
        f"  pace       {one.actual_pace:.2f} items a week: {' '.join(map(str, one.weekly_counts)) or 'none finished yet'}{off}",
    ]


def _answers(one: Forecast) -> list[str]:
    if one.p50_on is None:
        return ["  no date" if one.remaining else "  all work is done"]
    dates = [f"{name} {day or 'beyond two years'}" for name, day in (("P50", one.p50_on), ("P85", one.p85_on), ("P95", one.p95_on))]  # fmt: skip
    lines = [f"  finish     {', '.join(dates)}"]
    if one.due_on is not None and one.p_hit is not None:
        lines.append(f"  due        {one.due_on}: chance {one.p_hit:.0%}")
    if one.required_pace is not None:
        lines.append(f"  needs      {one.required_pace:.2f} items a week; the best week had {one.best_pace}")
    return lines


def _status(subject: str, today: date, verdict: Verdict | None, config: Config) -> Result:
    """The colour by the written rule with every reason, and what people say beside it."""
    lines = ["status: on track, at risk, off track, or not enough data?", _about(subject, today)]
    if verdict is None:
        lines.append(
            "  none is given: only projects, what holds them, and open milestones and epics with promised dates have one"
        )
        return Result({"subject": subject, "as_of": today, "status": None}, lines)
    lines += [
        f"  {verdict.rag}",
        *(f"  because: {line}" for line in _sentences(config, verdict.reasons)),
        *_people(verdict),
    ]
    status = {
        **asdict(replace(verdict, reasons=())),
        "reasons": [{"code": one.code, **one.params} for one in verdict.reasons],
    }
    return Result({"subject": subject, "as_of": today, "status": status}, lines)


def _people(verdict: Verdict) -> list[str]:
    told = [f"  reported in the tracker: {verdict.reported}"] if verdict.reported else []
    one = verdict.declared
    return told + ([f"  {one.role} declares {one.rag} until {one.expires_on}: {one.reason}"] if one else [])


def _about(subject: str, today: date) -> str:
    return f"  of {subject}, as of the end of {today}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _sentences(config: Config, reasons: Sequence[Reason]) -> list[str]:
    words = _words(config)
    return [words.reason(one) for one in reasons]


def _words(config: Config) -> Words:
    from reports.wording import Words

    return Words("en", config.zone.key)
