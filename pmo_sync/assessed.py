"""Assessed readings: everything a report may say, as values. What `reports` composes and nothing else.

Made by `pmo_sync.assess` from readings, forecasts and policy; holds codes with parameters, never sentences:
wording belongs to `reports`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

Rag = Literal["green", "amber", "red", "grey"]
SEVERITY: Final[Mapping[Rag, int]] = {"green": 0, "grey": 1, "amber": 2, "red": 3}  # the worse, the larger
SubjectKind = Literal["portfolio", "programme", "project", "milestone", "epic"]
ENOUGH: Final = 20  # outcomes before a share says anything


class Reason(NamedTuple):
    """Why: a code worded by `reports`, with its parameters (numbers, dates, names; never sentences)."""

    code: str
    params: Mapping[str, Any] = {}


class IssueRef(NamedTuple):
    """An issue as evidence. A confidential one counts but shows neither key, title nor address."""

    key: str
    title: str
    url: str
    is_confidential: bool
    measure: float | None = None  # its part of the number, in the indicator's unit


class Baseline(NamedTuple):
    """What a milestone's date is compared with."""

    due_on: date | None = None  # approved last; else the first one seen
    first_due_on: date | None = None  # approved first; else the first one seen
    approvals: int = 0
    role: str = ""  # who approved it last
    reason: str = ""


NO_BASELINE: Final = Baseline()


class Calendar(NamedTuple):
    """Which days are worked, as seen from today."""

    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)  # usually; Monday is 0
    off_before: tuple[date, ...] = ()  # of these, days off in the last 12 weeks
    off_ahead: tuple[date, ...] = ()  # and in the next 12
    next_weeks: float = 4.0  # how many usual weeks the next four are


class Declared(NamedTuple):
    """A status that people declare beside the computed one: by which role, why, and until when."""

    rag: Rag
    role: str
    reason: str
    decided_on: date
    expires_on: date


@dataclass(frozen=True, slots=True)
class Subject:
    """Whatever a number is about."""

    id: str
    kind: SubjectKind
    name: str
    parent: str | None
    url: str
    state: Literal["open", "closed"]
    start_on: date | None
    due_on: date | None
    known_since: datetime | None  # milestones: dates before this are unknown
    is_committed: bool
    is_must_win: bool
    baseline: Baseline = NO_BASELINE
    sponsor_role: str | None = None  # projects: the role that answers for it, never a person's name
    is_confidential: bool = False  # an epic that counts and has neither name nor address


class Reading(NamedTuple):
    """One number. ``value`` None: not enough data (``sample`` below the indicator's minimum)."""

    subject: str
    indicator: str  # FL-3
    part: str  # p85; "" where an indicator has one number
    value: float | None
    sample: int


class Step(NamedTuple):
    """One step from a commitment to what it waits for: ``blocked`` cannot go on before ``blocker``.

    Without both it is the part of the commitment itself that lies in another project.
    """

    project: str | None  # whose pace it has; None: nobody knows
    subject: str | None  # the commitment that holds the blocker; None: none does
    blocked: IssueRef | None
    blocker: IssueRef | None
    p85_on: date | None  # of that commitment; else of the item or part


class Chain(NamedTuple):
    """What a commitment needs elsewhere, beside its own work."""

    steps: tuple[Step, ...]  # to what decides its 85 % date; none: its own work does
    p85_on: date | None  # of its own work alone
    p_hit: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a milestone's remaining work will be finished. Dates are None when a gate refused."""

    subject: str
    method: str  # name and version of the method
    remaining: int
    weekly_counts: tuple[int, ...]  # the input, oldest first, bulk-capped
    p50_on: date | None
    p85_on: date | None
    p95_on: date | None
    p_hit: float | None  # probability to finish by due_on, clipped to [.03, .97]
    due_on: date | None
    required_pace: float | None  # items a usual week of working days to make due_on
    actual_pace: float  # items a usual week, last 12 weeks
    best_pace: int  # the best single week of them
    gates: tuple[Reason, ...] = ()  # what refused or warned: each says what would fix it
    refused: bool = False
    fan: tuple[tuple[float, date], ...] = ()  # (quantile, date) for the chart
    config_digest: str = ""
    days_off: int = 0  # in the weeks of weekly_counts, of their usual working days
    work: int = 0  # its open items that one pace must finish, with those that the same pace must finish first ...
    ahead: int = 0  # ... which are so many
    chain: Chain | None = None  # where it needs anything elsewhere: dates and probability are those of all of it


class Part(NamedTuple):
    """What one cause makes of a forecast's change. The parts of one change add up to it."""

    cause: str  # scope_in, scope_out, progress, ahead, pace, waits, due, corrected, configuration, method
    p50_days: int | None  # later is positive
    p85_days: int | None
    p_hit_points: int | None  # percentage points
    items: int = 0
    issues: tuple[IssueRef, ...] = ()  # the first of those that came or left


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status of one subject by the written rule, with at most three reasons."""

    subject: str
    rag: Rag
    reasons: tuple[Reason, ...]
    reported: Rag | None = None  # what people declared, where a tracker holds it
    held_from: Rag | None = None  # the better colour that waits for a second period
    declared: Declared | None = None  # beside the computed one, never instead


@dataclass(frozen=True, slots=True)
class SourceTrust:
    """How far one source can be believed today."""

    source: str
    state: Literal["fresh", "stale", "failed"]
    last_success_at: datetime | None
    message: str  # one line for the data-quality block, empty when fresh
    server_count: int | None
    our_count: int
    unmapped_statuses: tuple[str, ...] = ()
    problems: int = 0
    unread: int = 0  # shown by the server, not brought by any pull yet
    missed: int = 0  # ours, not in the server's last list; they stay until a later one confirms it
    token_ends_on: date | None = None  # where that is soon: then nothing is read any more


@dataclass(frozen=True, slots=True)
class Trust:
    """Can the reader believe this page?"""

    sources: tuple[SourceTrust, ...]
    p85_held: int = 0  # published P85 dates that held ...
    p85_resolved: int = 0  # ... of those whose outcome is known
    unestimated_share: float | None = None
    without_baseline: int = 0
    unmatched_decisions: tuple[str, ...] = ()  # ids of decisions about a milestone or project that is not here


class Change(NamedTuple):
    """One piece of news since the last period, largest first."""

    subject: str
    code: str  # rag_worse, rag_better, forecast_later, forecast_earlier, scope_added, scope_removed, newly_blocked ...
    params: Mapping[str, Any]
    weight: float  # for ordering


class Decision(NamedTuple):
    """Something leaders must act on: an issue with the decision role."""

    issue: IssueRef
    subject: str
    age_days: int  # working days
    due_on: date | None


class Wait(NamedTuple):
    """One project waits for another: ``blocked`` cannot go on before ``blocker``."""

    blocked: IssueRef
    blocked_subject: str
    blocker: IssueRef
    blocker_subject: str | None
    since: datetime
    blocker_due_on: date | None
    late_days: int  # 0: not late yet
    milestones: int  # open milestones that hold the blocked issue


class Doubt(NamedTuple):
    """Records of a project that can hardly be as the tracker says."""

    subject: str
    what: str  # done_at_once, due_before_creation ...
    items: int
    newest: tuple[IssueRef, ...]  # of these items


class Share(NamedTuple):
    """How many of how many, and the 95 % interval of Wilson (1927) for the share behind it.

    Several forecasts of one milestone repeat each other: then the interval is as wide as if each milestone counted once.
    """

    held: int
    of: int
    milestones: int | None = None  # that these are of; None: each is of another

    @property
    def sample(self) -> int:
        """What counts for the interval."""
        return self.of if self.milestones is None else self.milestones

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high; 0 and 1 where nothing is known."""
        if not self.of:
            return 0.0, 1.0
        share, n, z = self.held / self.of, self.sample, 1.96
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n**2)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def is_enough(self) -> bool:
        """Whether the share may be said; below, only the counts."""
        return self.sample >= ENOUGH


class RuleWorth(NamedTuple):
    """What one rule of the policy was worth on milestones whose date is over. Each counts once.

    A milestone is late if it was not finished by the date known when the rule first flagged it; where it never did, by
    the date known first.
    """

    rule: str  # reason code; "red" and "amber_or_red": any rule of that colour
    judged: int
    late: int
    flagged: int
    hits: int  # flagged before the date, and late
    lead_days: float | None  # median days from the first flag to the date, of the hits

    @property
    def precision(self) -> Share:
        """Of the flagged ones, those that were late."""
        return Share(self.hits, self.flagged)

    @property
    def recall(self) -> Share:
        """Of the late ones, those that were flagged."""
        return Share(self.hits, self.late)

    @property
    def base(self) -> Share:
        """Late, flagged or not: what a flag that means nothing would be right by."""
        return Share(self.late, self.judged)


class Choice(NamedTuple):
    """Which variant of the forecast a backtest chose, and why: its loss less that of the one before, in plans."""

    variant: str
    before: str
    as_of: datetime
    milestones: int
    difference: float  # mean over milestones; negative: better
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Replay:
    """What the last backtest that was kept found: forecasts and verdicts of the past made again, never promises."""

    as_of: datetime | None = None  # None: none was kept
    rules: tuple[RuleWorth, ...] = ()
    dates: tuple[tuple[float, Share], ...] = ()  # (quantile, how many of its dates held)
    choice: Choice | None = None  # None: no backtest has changed the variant


@dataclass(frozen=True, slots=True)
class Assessed:
    """One period of one portfolio, ready to be worded."""

    as_of: datetime  # UTC, exclusive
    today: date  # the last closed day, in the PMO's zone
    previous_on: date  # the day the news is counted from
    name: str
    zone: str
    profile: str
    period: Literal["week", "day"]  # between two reports
    subjects: Mapping[str, Subject]
    readings: Mapping[tuple[str, str, str], Reading]  # (subject, indicator, part)
    before: Mapping[tuple[str, str, str], Reading]  # the same, one period earlier
    verdicts: Mapping[str, Verdict]
    verdicts_before: Mapping[str, Verdict]
    forecasts: Mapping[str, Forecast]
    changes: tuple[Change, ...]
    moved: Mapping[str, tuple[Part, ...]]  # why forecasts changed since the last report
    decisions: tuple[Decision, ...]
    waits: tuple[Wait, ...]
    trust: Trust
    doubts: tuple[Doubt, ...] = ()  # of each project those of most items first
    evidence: Mapping[tuple[str, str], tuple[IssueRef, ...]] = field(default_factory=dict)  # (subject, indicator)
    burnup: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # project, open milestone -> day, scope, done
    cumulative_flow: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # project -> day, category, items
    due_dates: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # open milestone -> seen_on, due_on, p50_on
    calendars: Mapping[str, Calendar] = field(default_factory=dict)  # portfolio and projects
    replay: Replay = field(default_factory=Replay)

    def value(self, subject: str, indicator: str, part: str = "") -> float | None:
        """The number, or None where there is none or not enough data."""
        reading = self.readings.get((subject, indicator, part))
        return None if reading is None else reading.value

    def committed(self, subject: str) -> tuple[Subject, ...]:
        """The milestones and epics below ``subject`` whose dates are promises, the nearest first."""
        below = [one for one in self.subjects.values() if one.is_committed and self._is_below(one, subject)]
        return tuple(sorted(below, key=lambda one: (one.due_on or date.max, one.name)))

    def _is_below(self, subject: Subject, ancestor: str) -> bool:
        parent = subject.parent
        while parent is not None and parent != ancestor:
            parent = self.subjects[parent].parent
        return parent == ancestor
