"""A rich period of a believable portfolio, made by hand: every state a page can meet, and every hostile title."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from pmo_sync.assessed import (
    Assessed,
    Baseline,
    Calendar,
    Chain,
    Change,
    Choice,
    Decision,
    Doubt,
    Forecast,
    IssueRef,
    Part,
    Rag,
    Reading,
    Reason,
    Replay,
    RuleWorth,
    Share,
    SourceTrust,
    Step,
    Subject,
    Trust,
    Verdict,
    Wait,
)

TODAY = date(2026, 11, 22)  # a Sunday: the last closed day of week 47
AS_OF = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)  # midnight in Jakarta
PREVIOUS = date(2026, 11, 15)

HOSTILE = (
    "NUL \0 and bell \a and escape \x1b[31m",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "/close\n/label ~bug\r\n/assign @root",
    "@all please look, @root too, #1 !2 %3 ~4 $5 &6 group/app#7",
    "{code}rm -rf{code} {color:red}x{color} [~admin] !x.png! h1. big",
    ']]> &amp; & <ac:structured-macro ac:name="html"> --> <!-- pmo-sync -->',
    "🚀 launch 👩‍👩‍👧 of the é́́ checkout",
    "\u202eevil\u202c \u2066turned\u2069 \u200fמערכת التقارير",
    "a | b || c \\ d \\\\ e `f` *g* _h_ ~~i~~ [j](javascript:alert(1)) ![k](http://x/y.png)",
    "\ufffe\uffff\ud800 not XML \x0b\x0c",
    "\\@all \\#1 \\/close \\{code}",
    "h1. heading",
    "1. item",
    "- item",
    "https://gitlab.example/group/app/-/issues/1",
    "x" * 1_000_000,
    "",
)


def _project(id_: str, name: str, programme: str) -> Subject:
    return Subject(f"project:{id_}", "project", name, programme, "", "open", None, None, None, False, False)


def _milestone(
    id_: str, name: str, project: str, due: date | None, first: date | None = None, *, must_win: bool = False
) -> Subject:
    return Subject(
        f"milestone:{id_}", "milestone", name, f"project:{project}", f"https://jira.example/versions/{id_}", "open",
        date(2026, 6, 1), due, datetime(2026, 8, 3, tzinfo=UTC), True, must_win, Baseline(first or due, first or due, int(must_win), *(("Steering committee", "Commit gate") if must_win else ())),
    )  # fmt: skip


PROGRAMMES = {"programme:digital": "Digital Banking", "programme:core": "Transformasi Layanan Inti"}
# id, name, programme, status now, status before, reported
PROJECTS: tuple[tuple[str, str, str, Rag, Rag, Rag | None], ...] = (
    ("pay", "Payments Gateway", "digital", "red", "amber", "green"),
    ("crm", "CRM Renewal", "digital", "green", "amber", "green"),
    ("mob", "Aplikasi Mobile Nasabah", "digital", "amber", "amber", None),
    ("onb", "Customer Onboarding", "digital", "green", "green", "green"),
    ("core", "Core Ledger Migration", "core", "red", "red", "red"),
    ("data", "Gudang Data Terpadu", "core", "amber", "green", "amber"),
    ("hr", "HR Self-Service", "core", "green", "green", None),
    ("fraud", "Fraud Detection", "digital", "amber", "green", "green"),
    ("doc", "Document Archive", "core", "grey", "grey", None),
    ("api", "Partner API", "digital", "green", "green", "green"),
    ("net", "Pembaruan Jaringan Cabang", "core", "grey", "green", None),
    ("rep", "Regulatory Reporting", "core", "green", "green", "green"),
)
# id, name, project, due in days, slipped days, remaining, p50 and p85 in days, chance, required, actual, best
MILESTONES: tuple[tuple[Any, ...], ...] = (
    ("10", "Go-live 1.0", "pay", 23, 28, 46, 52, 96, 0.31, 14.0, 7.8, 12),
    ("11", "Pilot with partners", "pay", 9, 7, 9, 8, 17, 0.55, 7.0, 7.8, 12),
    ("20", "Wave 2 rollout", "crm", 37, 0, 21, 22, 33, 0.88, 4.0, 6.3, 9),
    ("30", "Rilis 3.2", "mob", 16, 12, 18, 15, 27, 0.52, 7.9, 8.1, 11),
    ("40", "KYC automation", "onb", 30, 0, 12, 13, 24, 0.93, 2.8, 5.9, 10),
    ("50", "Ledger cut-over", "core", -4, 41, 14, 20, 44, 0.03, None, 4.2, 7),
    ("51", "Parallel run", "core", 40, 14, 63, 105, 210, 0.06, 11.0, 4.2, 7),
    ("60", "Migrasi tahap 1", "data", 33, 9, 30, 30, 61, 0.62, 6.4, 6.1, 9),
    ("70", "Leave requests", "hr", 68, 0, 19, 31, 52, 0.96, 2.0, 4.4, 6),
    ("80", "Model v2 in production", "fraud", 26, 0, 22, 24, 41, 0.71, 5.9, 5.6, 8),
    ("90", "Archive import", "doc", 54, 0, 120, None, None, None, 15.6, 0.6, 3),
    ("100", "Public sandbox", "api", 19, 0, 5, 6, 12, 0.97, 1.8, 5.2, 7),
    ("110", "Cabang Jawa Timur", "net", None, 0, 40, None, None, None, None, 0.4, 2),
    ("120", "Q4 filing", "rep", 47, 0, 17, 21, 30, 0.97, 2.5, 6.0, 8),
)
REASONS: dict[str, tuple[Reason, ...]] = {
    "10": (
        Reason("p_hit_low", {"p": 0.31, "due_on": TODAY + timedelta(days=23)}),
        Reason("pace_short", {"required": 14.0, "actual": 7.8, "best": 12}),
        Reason("scope_added", {"items": 23, "percent": 22}),
    ),
    "11": (Reason("p_hit_low", {"p": 0.55, "due_on": TODAY + timedelta(days=9)}), Reason("waits_decide", {"name": "Gudang Data Terpadu", "p": 0.86})),
    "20": (Reason("on_track", {"p": 0.88}),),
    "30": (Reason("p_hit_low", {"p": 0.52, "due_on": TODAY + timedelta(days=16)}), Reason("slip", {"days": 12, "percent": 11})),
    "40": (Reason("on_track", {"p": 0.93}),),
    "50": (Reason("past_due", {"due_on": TODAY - timedelta(days=4), "remaining": 14}), Reason("blocked_long", {"count": 3, "days": 19})),
    "51": (Reason("p_hit_low", {"p": 0.06, "due_on": TODAY + timedelta(days=40)}), Reason("waits_on_late", {"count": 2})),
    "60": (Reason("p_hit_low", {"p": 0.62, "due_on": TODAY + timedelta(days=33)}), Reason("drift", {"days": 11})),
    "70": (Reason("on_track", {"p": 0.96}),),
    "80": (Reason("p_hit_low", {"p": 0.71, "due_on": TODAY + timedelta(days=26)}), Reason("reported_better", {"reported": "green"})),
    "90": (Reason("few_done", {"have": 7, "need": 25}), Reason("empty_weeks", {"weeks": 6, "of": 12, "most": 4})),
    "100": (Reason("on_track", {"p": 0.97}),),
    "110": (Reason("no_due_date"), Reason("dormant", {"days": 34})),
    "120": (Reason("on_track", {"p": 0.97}),),
}  # fmt: skip


WARNINGS = {
    "10": (Reason("wide", {"ratio": 2.6, "most": 2.5}), Reason("scope_growing", {"per_week": 2.1, "pace": 7.8})),
    "11": (Reason("trend", {"ratio": 2.2}), Reason("days_off", {"days": 2, "until": TODAY + timedelta(days=40)})),
}


def _in(days: int | None) -> date | None:
    return None if days is None else TODAY + timedelta(days=days)


def _forecast(row: tuple[Any, ...]) -> Forecast:
    id_, _, _, due, _, remaining, p50, p85, chance, required, actual, best = row
    refused = p50 is None
    return Forecast(
        subject=f"milestone:{id_}", method="throughput 1", remaining=remaining,
        weekly_counts=(4, 6, 9, 7, 3, 8, 10, 12, 6, 7, 9, 8), p50_on=_in(p50), p85_on=_in(p85),
        p95_on=None if p85 is None else _in(p85 * 2), p_hit=chance, due_on=_in(due), required_pace=required,
        actual_pace=actual, best_pace=best, gates=REASONS[id_] if refused else WARNINGS.get(id_, ()), refused=refused,
        fan=() if refused else ((0.5, _in(p50) or TODAY), (0.85, _in(p85) or TODAY)),
        chain=CHAINS.get(id_),
    )  # fmt: skip


def _frames(milestones: dict[str, Subject]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    weeks = [TODAY - timedelta(weeks=one) for one in range(26, -1, -1)]
    burnup = {
        one: pd.DataFrame(
            {
                "day": weeks,
                "scope": [100 + (2 * week if week < 12 else 24) + (23 if week > 20 else 0) for week in range(27)],
                "done": [min(101, round(3.7 * week + 2 * math.sin(week))) for week in range(27)],
            }
        )
        for one in milestones
    }
    rows = []
    for week, day in enumerate(weeks):
        done, doing = round(5 * week), 8 + round(3 * math.sin(week / 3)) + (6 if week > 22 else 0)
        parts = {"done": done, "doing": doing, "todo": max(0, 170 + week - done - doing), "canceled": 4, "unmapped": 2}
        rows += [{"day": day, "category": name, "items": number} for name, number in parts.items()]
    flow = {f"project:{id_}": pd.DataFrame(rows) for id_, *_ in PROJECTS}
    due = {}
    for id_, one in milestones.items():
        if one.due_on is None or one.baseline.due_on is None:
            continue
        step = (one.due_on - one.baseline.due_on) / 3
        seen = [TODAY - timedelta(weeks=12 - 4 * number) for number in range(4)]
        dates = [one.baseline.due_on + number * step for number in range(4)]
        likely = [day + timedelta(days=9 + 2 * number) for number, day in enumerate(dates)]
        due[id_] = pd.DataFrame({"seen_on": seen, "due_on": dates, "p50_on": likely})
    return burnup, flow, due


def _issue(key: str, title: str, measure: float | None = None, *, secret: bool = False) -> IssueRef:
    return IssueRef(key, title, f"https://jira.example/browse/{key}", secret, measure)


CHAINS = {
    "11": Chain(
        (
            Step("project:core", "milestone:50", _issue("PAY-640", "Post settlements"), _issue("CORE-812", "Posting API of the new ledger"), _in(14)),
            Step("project:data", None, _issue("", "", secret=True), _issue("DATA-40", "Aliran transaksi waktu nyata"), _in(16)),
        ),
        _in(9),
        0.86,
    ),
    "20": Chain((), _in(33), 0.89),
    "60": Chain((Step("project:mob", "milestone:60", None, None, _in(60)),), _in(45), 0.7),
}  # fmt: skip


def _readings(scale: float) -> dict[tuple[str, str, str], Reading]:
    made: dict[tuple[str, str, str], Reading] = {}

    def add(subject: str, indicator: str, part: str, value: float | None) -> None:
        made[subject, indicator, part] = Reading(subject, indicator, part, value, 40)

    for number, (id_, *_) in enumerate(PROJECTS):
        subject = f"project:{id_}"
        total = 120 + 13 * number
        add(subject, "PR-1", "done", round(0.7 * total * scale))
        add(subject, "PR-1", "total", total)
        add(subject, "PR-1", "share", 0.7 * scale)
        add(subject, "FL-1", "mean", None if id_ == "doc" else 4.2 + 0.4 * number * scale)
        add(subject, "FL-5", "", 9 + number)
        add(subject, "FL-6", "old", round(2 * scale) + number % 3)
        add(subject, "FL-3", "p50", 4.5 * scale)
        add(subject, "FL-3", "p85", 13.0)
        add(subject, "RK-1", "count", round(4 * scale))
        add(subject, "SC-1", "count", 20)  # more than the list of evidence holds
        add(subject, "RK-2", "count", 1)
        add(subject, "SP-5", "share", 0.23)
        add(subject, "CO-4", "share", 0.012)
    for id_, _, _, due, slipped, remaining, *_ in MILESTONES:
        if due is not None:
            add(f"milestone:{id_}", "SC-2", "days", slipped)
        add(f"milestone:{id_}", "PR-1", "done", round(101 * scale))
        add(f"milestone:{id_}", "PR-1", "total", 101 + remaining)
    return made


def assessed() -> Assessed:
    """The sample: 12 projects in 2 programmes, 14 milestones, one stale source."""
    subjects = {
        "portfolio": Subject(
            "portfolio", "portfolio", "Bank Nusantara", None, "", "open", None, None, None, False, False
        )
    }
    for id_, name in PROGRAMMES.items():
        subjects[id_] = Subject(id_, "programme", name, "portfolio", "", "open", None, None, None, False, False)
    for id_, name, programme, *_ in PROJECTS:
        subjects[f"project:{id_}"] = _project(id_, name, f"programme:{programme}")
    milestones = {}
    for id_, name, project, due, slipped, *_ in MILESTONES:
        first = None if due is None else _in(due - slipped)
        milestones[f"milestone:{id_}"] = _milestone(id_, name, project, _in(due), first, must_win=id_ in ("10", "50"))
    subjects |= milestones
    verdicts, before = {}, {}
    for id_, _, project, *_ in MILESTONES:
        rag = next(one[3] for one in PROJECTS if one[0] == project)
        held: Rag = "grey" if REASONS[id_][0].code in ("few_done", "no_due_date") else rag
        verdicts[f"milestone:{id_}"] = Verdict(f"milestone:{id_}", held, REASONS[id_])
    for id_, _, _, now, then, reported in PROJECTS:
        mine = [row for row in MILESTONES if row[2] == id_]
        worst = Reason("milestone", {"name": mine[0][1], "rag": now, "due_on": _in(mine[0][3])})
        why = REASONS[mine[0][0]] if now == "grey" else (worst, *REASONS[mine[0][0]])[:3]
        verdicts[f"project:{id_}"] = Verdict(f"project:{id_}", now, why, reported)
        before[f"project:{id_}"] = Verdict(f"project:{id_}", then, ())
    burnup, flow, due_dates = _frames(milestones)
    blocked = (
        _issue("PAY-812", "Acquirer certificate is missing in staging", 19.2),
        _issue("PAY-790", "Konfirmasi format pesan ISO 20022 dari bank mitra", 12.0),
        _issue("PAY-777", "Salary of the vendor's lead", 9.0, secret=True),
        _issue("PAY-641", "Rate limits of the settlement service", 3.4),
        _issue("PAY-333", "Not blocked", None),
    )
    evidence = {
        ("project:pay", "RK-1"): blocked,
        ("project:pay", "SC-1"): tuple(
            _issue(f"PAY-{600 + one}", f"Reconciliation report {one}", 30.0 - one) for one in range(9)
        ),
        ("project:pay", "RK-2"): (_issue("PAY-501", "Perbarui dokumentasi API pembayaran", 26.0),),
    }
    return Assessed(
        as_of=AS_OF, today=TODAY, previous_on=PREVIOUS, name="Bank Nusantara", zone="Asia/Jakarta", profile="enterprise", period="week",
        subjects=subjects, readings=_readings(1.0), before=_readings(0.94), verdicts=verdicts, verdicts_before=before,
        forecasts={f"milestone:{row[0]}": _forecast(row) for row in MILESTONES},
        changes=_changes(), moved=_moved(), decisions=_decisions(), waits=_waits(), trust=_trust(), evidence=evidence,
        burnup=burnup, cumulative_flow=flow, due_dates=due_dates, doubts=_doubts(),
        calendars=_calendars(), replay=_replay(),
    )  # fmt: skip


def _calendars() -> dict[str, Calendar]:
    """Of everybody, and of a team that closes its books."""
    christmas = (date(2026, 12, 24), date(2026, 12, 25), date(2027, 1, 1))
    usual = Calendar(off_ahead=christmas)
    books = Calendar((6, 0, 1, 2, 3), (date(2026, 9, 30),), (date(2026, 12, 24), date(2026, 12, 31)), 4.0)
    return {"portfolio": usual, **{f"project:{id_}": usual for id_, *_ in PROJECTS}, "project:doc": books}


def _doubts() -> tuple[Doubt, ...]:
    def ref(key: str, is_confidential: bool = False) -> IssueRef:
        return IssueRef(key, "Settlement file", f"https://jira.example/browse/{key}", is_confidential)

    return (
        Doubt(
            "project:pay", "closed_in_bulk", 212, (ref("PAY-901"), ref("PAY-900", True), ref("PAY-899"), ref("PAY-898"))
        ),
        Doubt("project:pay", "due_before_creation", 1, (ref("PAY-77"),)),
        Doubt("project:core", "due_after_parent", 2, (ref("CORE-5"), ref("CORE-4"))),
    )


def of_profile(profile: str) -> Assessed:
    """The same in a PMO of another kind."""
    return dataclasses.replace(assessed(), profile=profile)


def daily() -> Assessed:
    """The same of an office that reports every day: a project was better for one day."""
    base = assessed()
    held = Verdict(
        "project:crm", "amber", (Reason("better_once", {"now": "green", "period": "day"}),), "green", "green"
    )
    return dataclasses.replace(
        base, period="day", previous_on=TODAY - timedelta(days=1), verdicts={**base.verdicts, "project:crm": held}
    )


def _replay() -> Replay:
    """A backtest of three weeks ago, and the one that chose a variant some months before."""
    rules = (
        RuleWorth("p_hit_low", 64, 29, 38, 25, 41.0), RuleWorth("pace_short", 64, 29, 22, 17, 23.5),
        RuleWorth("blocked_long", 64, 30, 31, 14, 36.0), RuleWorth("slip", 64, 27, 19, 11, 30.0),
        RuleWorth("drift", 64, 29, 24, 15, 28.0), RuleWorth("waits_on_late", 64, 29, 6, 4, 44.0),
        RuleWorth("scope_added", 64, 28, 9, 5, 61.0), RuleWorth("reported_worse", 64, 29, 0, 0, None),
        RuleWorth("reported_better", 64, 29, 12, 9, 19.0), RuleWorth("chance_below_half", 64, 29, 26, 21, 27.0),
        RuleWorth("red", 64, 29, 30, 23, 27.0), RuleWorth("amber_or_red", 64, 29, 47, 28, 45.0),
    )  # fmt: skip
    dates = ((0.15, Share(14, 92, 58)), (0.5, Share(43, 90, 57)), (0.7, Share(58, 88, 57)), (0.85, Share(70, 86, 56)),
             (0.95, Share(75, 81, 55)))  # fmt: skip
    choice = Choice("prior", "standard", AS_OF - timedelta(weeks=20), 57, -0.062, -0.101, -0.023)
    return Replay(AS_OF - timedelta(weeks=3), rules, dates, choice)


def _changes() -> tuple[Change, ...]:
    due = TODAY + timedelta(days=23)
    return (
        Change("project:pay", "rag_worse", {"before": "amber", "now": "red", "reasons": REASONS["10"]}, 100.0),
        Change("milestone:10", "p_hit_moved", {"before": 0.71, "now": 0.31, "due_on": due}, 33.0),
        Change("milestone:10", "scope_added", {"items": 23}, 17.3),
        Change("milestone:10", "forecast_later", {"days": 24, "p50_on": TODAY + timedelta(days=52)}, 33.4),
        Change("project:data", "rag_worse", {"before": "green", "now": "amber", "reasons": REASONS["60"]}, 99.0),
        Change("milestone:60", "forecast_later", {"days": 11, "p50_on": TODAY + timedelta(days=30)}, 31.6),
        Change("project:crm", "rag_better", {"before": "amber", "now": "green", "reasons": ()}, 60.0),
        Change("milestone:20", "scope_removed", {"items": 18}, 16.8),
        Change("project:net", "rag_other", {"before": "green", "now": "grey", "reasons": REASONS["110"]}, 59.0),
        Change("milestone:51", "due_moved", {"days": 14, "due_on": TODAY + timedelta(days=40)}, 52.0),
        Change("project:core", "newly_blocked", {"count": 2}, 22.0),
        Change("milestone:100", "forecast_earlier", {"days": -8, "p50_on": TODAY + timedelta(days=6)}, 28.9),
        Change("project:fraud", "rag_worse", {"before": "green", "now": "amber", "reasons": REASONS["80"]}, 98.0),
    )


def _moved() -> dict[str, tuple[Part, ...]]:
    came = (_issue("PAY-901", "Second settlement file"), _issue("PAY-902", "Board bonus", secret=True),
            _issue("PAY-903", "Audit log"), _issue("PAY-904", "Retry of rejected files"))  # fmt: skip
    return {
        "milestone:10": (
            Part("scope_in", 13, 17, -22, 23, came), Part("pace", 9, 12, -11), Part("corrected", 3, 3, -4),
            Part("scope_out", -1, -2, 2, 1, (_issue("PAY-880", "Old statement layout"),)), Part("progress", 0, 1, -5, 4),
        ),
        "milestone:100": (Part("progress", -6, -7, 9, 1), Part("ahead", -2, -2, 3)),
    }  # fmt: skip


def _decisions() -> tuple[Decision, ...]:
    rows = (
        ("PAY-900", "Choose the settlement bank for the pilot", "pay", 12, -2),
        ("DATA-77", "Setujui anggaran tambahan penyimpanan", "data", 9, 4),
        ("CORE-45", "Freeze window of the old ledger: December or January", "core", 8, 10),
        ("MOB-18", "Drop support for Android 9", "mob", 5, None),
        ("FRD-3", "Accept a higher rate of false alarms", "fraud", 4, 15),
        ("HR-5", "Rollout order of the branches", "hr", 3, None),
    )
    return tuple(
        Decision(_issue(key, title), f"project:{project}", age, _in(due)) for key, title, project, age, due in rows
    )


def _waits() -> tuple[Wait, ...]:
    rows = (
        ("PAY-640", "pay", "CORE-812", "Posting API of the new ledger", "core", 9, 2),
        ("DATA-12", "data", "CORE-799", "Nightly extract of balances", "core", 5, 1),
        ("FRD-31", "fraud", "DATA-40", "Aliran transaksi waktu nyata", "data", 0, 1),
        ("MOB-77", "mob", "ONB-5", "Identity token exchange", "onb", 0, 0),
    )
    since = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
    return tuple(
        Wait(
            _issue(key, "Post settlements"),
            f"project:{one}",
            _issue(other, title),
            f"project:{two}",
            since,
            _in(-late),
            late,
            held,
        )
        for key, one, other, title, two, late, held in rows
    )


def _trust() -> Trust:
    fresh = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    stale = datetime(2026, 11, 20, 23, 5, tzinfo=UTC)
    return Trust(
        sources=(
            SourceTrust("bank-jira", "fresh", fresh, "", 2140, 2140, ()),
            SourceTrust("legacy-jira", "stale", stale, "the token has expired; set LEGACY_TOKEN", 812, 812, ()),
            SourceTrust("gitlab", "fresh", fresh, "", 1011, 1009, ("Ready for UAT",), 2, unread=1, missed=3, token_ends_on=date(2026, 12, 4)),
        ),
        p85_held=41, p85_resolved=52, unestimated_share=0.23, without_baseline=12,
    )  # fmt: skip


def hostile(text: str) -> Assessed:
    """The sample with ``text`` wherever a tracker or a person may have written something."""
    base = assessed()

    def spoil(ref: IssueRef) -> IssueRef:
        return ref._replace(key=text[:60], title=text)

    def chained(one: Forecast) -> Forecast:
        steps = [
            step._replace(blocked=spoil(step.blocked), blocker=spoil(step.blocker))
            for step in (one.chain.steps if one.chain else ())
            if step.blocked and step.blocker
        ]
        return dataclasses.replace(one, chain=one.chain and one.chain._replace(steps=tuple(steps)))

    return dataclasses.replace(
        base,
        name=text[:200],
        subjects={id_: dataclasses.replace(one, name=text) for id_, one in base.subjects.items()},
        forecasts={id_: chained(one) for id_, one in base.forecasts.items()},
        decisions=tuple(one._replace(issue=spoil(one.issue)) for one in base.decisions),
        waits=tuple(one._replace(blocked=spoil(one.blocked), blocker=spoil(one.blocker)) for one in base.waits),
        evidence={key: tuple(spoil(ref) for ref in refs) for key, refs in base.evidence.items()},
        doubts=tuple(one._replace(newest=tuple(spoil(ref) for ref in one.newest)) for one in base.doubts),
        changes=(*base.changes, Change("project:pay", text[:40], {"name": text}, 200.0)),
        trust=dataclasses.replace(
            base.trust,
            sources=tuple(
                dataclasses.replace(one, source=text[:80], message=text, unmapped_statuses=(text,))
                for one in base.trust.sources
            ),
        ),
    )


def grown(projects: int, name: str, url: str) -> Assessed:
    """The sample with so many projects: further ones like the first, red, with every name long."""
    base = assessed()
    subjects, verdicts, forecasts = dict(base.subjects), dict(base.verdicts), dict(base.forecasts)
    for number in range(projects - len(PROJECTS)):
        project, milestone = f"project:x{number}", f"milestone:x{number}"
        subjects[project] = dataclasses.replace(base.subjects["project:pay"], id=project, name=f"{number} {name}")
        subjects[milestone] = dataclasses.replace(
            base.subjects["milestone:10"], id=milestone, parent=project, name=name, url=url
        )
        verdicts[project], verdicts[milestone] = base.verdicts["project:pay"], base.verdicts["milestone:10"]
        forecasts[milestone] = base.forecasts["milestone:10"]
    subjects |= {id_: dataclasses.replace(one, name=name) for id_, one in subjects.items() if one.kind == "programme"}
    return dataclasses.replace(base, subjects=subjects, verdicts=verdicts, forecasts=forecasts)


def empty() -> Assessed:
    """A portfolio of nothing: the first run on an empty tracker."""
    base = assessed()
    return dataclasses.replace(
        base, subjects={"portfolio": base.subjects["portfolio"]}, readings={}, before={}, verdicts={}, verdicts_before={},
        forecasts={}, changes=(), moved={}, decisions=(), waits=(), trust=Trust(()), evidence={}, burnup={}, cumulative_flow={},
        due_dates={},
    )  # fmt: skip
