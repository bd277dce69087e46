"""Who is who in the simulated portfolio: the tracker projects' characters and the PMO's view of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from pmo_sync.demo.company import Company, Goal, Tracker
from pmo_sync.demo.flow import Plan

_SCRUM: Final = {
    "Backlog": "todo", "Selected for Development": "todo", "In Progress": "doing", "Code Review": "doing",
    "Testing": "doing", "Done": "done",
}  # fmt: skip
_SIMPLE: Final = {"To Do": "todo", "In Progress": "doing", "In Review": "doing", "Done": "done", "Cancelled": "done"}
_BANK: Final = {
    "Open": "todo", "Analysis": "doing", "Build": "doing", "User Acceptance": "doing", "Closed": "done",
}  # fmt: skip
_VENDOR: Final = {
    "Open": "todo", "In Progress": "doing", "Menunggu Vendor": "undefined", "Verification": "doing", "Closed": "done",
}  # fmt: skip
_LABELS: Final = {
    "workflow::ready": "todo", "workflow::in progress": "doing", "workflow::review": "doing",
    "workflow::blocked": "doing",
}  # fmt: skip

PLANS: Final = (
    Plan("cloud", "PAY", "Payments Platform", "payments", "steady", 3.2, 0.25, _SCRUM, ("backend", "qris", "compliance"),
         "Payments", due_in=10, release_weeks=12, estimates=True, sprints=True, growth=0.04, quick=True),
    Plan("cloud", "MOB", "Arunika Mobile App", "mobile", "growing", 2.8, 0.6, _SIMPLE, ("android", "ios", "design"),
         "Mobile", due_in=10, release_weeks=13, growth=0.12, slip_at=3, estimates=True),
    Plan("cloud", "KYC", "Digital Onboarding", "onboarding", "off track", 2.8, 2.2, _SIMPLE, ("regulator", "backend"),
         "Onboarding", due_in=5, growth=0.1, slip_at=-4, quick=True),
    Plan("cloud", "AUD", "Regulatory Audit 2027", "audit", "small", 0.9, 1.0, _SIMPLE, (), "Audit fieldwork",
         due_in=9, age=7, quick=True),
    Plan("dc", "CORE", "Core Banking Modernisation", "core", "steady", 3.8, 0.2, _BANK, ("ledger", "migration"),
         "Core release", due_in=11, release_weeks=12, growth=0.04, bulk=(31,), estimates=True),
    Plan("dc", "LOAN", "Loan Origination", "lending", "steady", 3.3, 0.5, _BANK, ("branch", "scoring"), "Lending",
         due_in=12, release_weeks=13, resolves=False),
    Plan("dc", "DWH", "Data Warehouse Migration", "warehouse", "dormant", 2.5, 0.9, _BANK, ("etl",), "Warehouse wave",
         due_in=2, dormant=23, quick=True),
    Plan("dc", "ERP", "Finance ERP Rollout", "finance", "at risk", 2.8, 1.15, _VENDOR, ("sap", "tax", "regulator"),
         "ERP wave", due_in=6, growth=0.1, slip_at=0, bulk=(47, 9), sprints=True, quick=True),
    Plan("gitlab", "arunika/payments/gateway", "Payment Gateway", "gateway", "steady", 2.5, 0.1, _LABELS,
         ("backend", "security"), "Gateway", due_in=9, release_weeks=12, growth=0.04, quick=True),
    Plan("gitlab", "arunika/logistics/fleet-tracking", "Fleet Tracking", "fleet", "watermelon", 3.0, 2.0, _LABELS,
         ("iot", "mobile"), "Fleet", due_in=6, growth=0.1, health="on_track", quick=True),
    Plan("gitlab", "arunika/platform/identity/single-sign-on", "Single Sign-on", "identity", "growing", 1.9, 0.6, _LABELS,
         ("security",), "SSO", due_in=10, release_weeks=13, growth=0.16, bulk=(22,)),
    Plan("gitlab", "arunika/data/customer-360", "Customer 360", "customer", "steady", 2.0, 0.6, {},
         ("consent", "analytics"), "C360", due_in=11, release_weeks=13),
)  # fmt: skip


class Unit(NamedTuple):
    """One PMO project: id, name, programme, sponsor's role, scopes (tracker, project, more TOML), must win?"""

    id: str
    name: str
    programme: str | None
    sponsor_role: str
    scopes: tuple[tuple[Tracker, str, str], ...]
    is_must_win: bool = False
    team: str | None = None


UNITS: Final = (
    Unit("instant-payments", "Instant Payments", "customer", "Head of Payments",
         (("cloud", "PAY", ""), ("gitlab", "arunika/payments/gateway", "")), True, "payments"),
    Unit("mobile-app", "Mobile App 5", "customer", "Chief Digital Officer", (("cloud", "MOB", ""),)),
    Unit("digital-onboarding", "Digital Onboarding", "customer", "Chief Digital Officer", (("cloud", "KYC", ""),), True),
    Unit("qris", "QRIS across Borders", "customer", "Head of Payments", (("cloud", "PAY", ', label = "qris"'),)),
    Unit("regulatory-audit", "Regulatory Audit 2027", None, "Chief Compliance Officer", (("cloud", "AUD", ""),)),
    Unit("core-banking", "Core Banking Modernisation", "renewal", "Chief Operating Officer", (("dc", "CORE", ""),), True,
         "core"),
    Unit("loan-origination", "Loan Origination", "renewal", "Head of Lending", (("dc", "LOAN", ""),)),
    Unit("data-warehouse", "Data Warehouse Migration", "renewal", "Chief Data Officer", (("dc", "DWH", ""),)),
    Unit("finance-erp", "Finance ERP Rollout", "renewal", "Chief Financial Officer", (("dc", "ERP", ""),)),
    Unit("fleet-tracking", "Fleet Tracking", None, "Head of Logistics",
         (("gitlab", "arunika/logistics/fleet-tracking", ""),)),
    Unit("single-sign-on", "Single Sign-on", "renewal", "Chief Information Officer",
         (("gitlab", "arunika/platform/identity/single-sign-on", ""),)),
    Unit("customer-360", "Customer 360", "customer", "Chief Marketing Officer",
         (("gitlab", "arunika/data/customer-360", ""),)),
)  # fmt: skip
JOINT_LEAVE: Final = (
    "2026-02-16", "2026-03-18", "2026-03-20", "2026-03-23", "2026-03-24", "2026-05-15", "2026-05-28", "2026-12-24",
)  # fmt: skip
CLOSING: Final = ("2026-12-30", "2026-12-31")
PROGRAMME_NAMES: Final[Mapping[str, str]] = {"customer": "Customer First 2027", "renewal": "Core Renewal"}
PROGRAMMES: Final = {
    name: tuple(unit.id for unit in UNITS if unit.programme == name) for name in PROGRAMME_NAMES
}  # fmt: skip


def configuration(plans: Iterable[Plan], company: Company) -> str:
    """The PMO's TOML without sources and places; scopes name the sources ``cloud``, ``dc`` and ``gitlab``."""
    known = {(plan.tracker, plan.key): plan for plan in plans}
    text = [
        '[pmo]\nname = "Arunika Group PMO"\nzone = "Asia/Jakarta"\nlanguage = "en"\ncountry = "ID"',
        f"free_days = [{', '.join(JOINT_LEAVE)}]  # cuti bersama\n",
        '[roles]\nrisk = ["Risk", "risk"]\ndecision = ["Decision", "decision"]\n',
    ]
    text += [f'[[programme]]\nid = "{key}"\nname = "{name}"\n' for key, name in PROGRAMME_NAMES.items()]
    text.append(
        '[[team]]\nid = "payments"\nname = "Payments squad"\nscopes = [{ source = "cloud", project = "PAY" }]\n'
    )
    text.append(
        '[[team]]\nid = "core"\nname = "Core banking squad"\n'
        f"free_days = [{', '.join((*JOINT_LEAVE, *CLOSING))}]  # and the days the books are closed\n"
        'scopes = [{ source = "dc", project = "CORE" }]\n'
    )
    for unit in UNITS:
        scopes = [scope for scope in unit.scopes if scope[:2] in known]
        if not scopes:
            continue
        written = ", ".join(
            f'{{ source = "{tracker}", project = "{project}"{more} }}' for tracker, project, more in scopes
        )
        lines = [f'[[project]]\nid = "{unit.id}"\nname = "{unit.name}"']
        if unit.programme:
            lines.append(f'programme = "{unit.programme}"')
        lines.append(f'sponsor_role = "{unit.sponsor_role}"\nscopes = [{written}]')
        if unit.is_must_win:
            lines.append(f'must_win = ["{current_release(company, scopes[0][0], scopes[0][1]).name}"]')
        if unit.team:
            lines.append(f'teams = ["{unit.team}"]')
        text.append("\n".join(lines) + "\n")
        text += _decisions(unit, company, *scopes[0][:2])
    return "\n".join(text)


def _decisions(unit: Unit, company: Company, tracker: Tracker, project: str) -> list[str]:
    """A must-win release has its date approved; who sponsors the fleet says that all is well."""
    today, lines = company.now.date(), []
    if unit.is_must_win:
        goal = current_release(company, tracker, project)
        decided_on = goal.created_at.date() + timedelta(days=7)
        lines = [
            "[[baseline]]", f'id = "B-{unit.id}"', f'milestone = "{goal.name}"', f"due_on = {goal.initial['due_on']}",
            f"decided_on = {decided_on}", 'role = "Steering committee"', 'reason = "Commit gate"',
        ]  # fmt: skip
    elif unit.id == "fleet-tracking":
        lines = [
            "[[override]]", f'id = "O-{unit.id}"', 'status = "green"', f"decided_on = {today - timedelta(days=9)}",
            f"expires_on = {today + timedelta(days=12)}", f'role = "{unit.sponsor_role}"',
            'reason = "The supplier has promised more people"',
        ]  # fmt: skip
    return ["\n".join([*lines, f'project = "{unit.id}"']) + "\n"] if lines else []


def current_release(company: Company, tracker: Tracker, project: str) -> Goal:
    """The open dated release that is due first."""
    running = [
        (goal.value("due_on", company.now) or "", goal.name, goal)
        for goal in company.goals
        if (goal.tracker, goal.project) == (tracker, project)
        and goal.kind != "sprint"
        and goal.created_at <= company.now
        and goal.value("state", company.now) == "open"
        and goal.value("due_on", company.now) is not None
    ]
    return min(running, key=lambda one: one[:2])[2]
