"""What a report of a day said of a number, against what today's data say of the same day, and why that differs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pmo_sync import indicators, tables
from pmo_sync.pipeline import numbers
from pmo_sync.pipeline.inspect import number

if TYPE_CHECKING:
    from pmo_sync.indicators import Indicator
    from pmo_sync.pipeline.workspace import Workspace

MOST_NAMED: Final = 20  # issues that came, or left
CONFIDENTIAL: Final = "(confidential)"


class Then(NamedTuple):
    """What a report of that day said of a number, against what today's data say of the same day."""

    readings: list[dict[str, Any]]  # part, value, sample; now and sample_now
    is_equal: bool
    same_definition: bool | None  # None: the record does not tell
    same_configuration: bool | None
    same_issues: bool | None
    came: list[str]  # issues that are behind the number only now: keys, or ids where no key is known
    left: list[str]  # those that were only then


def of(
    workspace: Workspace, today: date, subject: str, wanted: Indicator, rows: Sequence[dict[str, Any]]
) -> Then | None:
    """None where no report of that day in the record shows the number."""
    as_of = tables.end_of(today, workspace.config.zone)
    said = [
        row
        for row in numbers.said(workspace.record, as_of)
        if (row["subject"], row["indicator"]) == (subject, wanted.id)
    ]
    if not said:
        return None
    here = {row["part"]: row for row in rows}
    none = {"value": None, "sample": 0}
    compared = [
        {
            "part": row["part"], "value": row["value"], "sample": row["sample"],
            "now": (now := here.get(row["part"], none))["value"], "sample_now": now["sample"],
        }
        for row in said
    ]  # fmt: skip
    kept = said[0]
    digest = indicators.listed(workspace.store, [(subject, wanted.id)]).get((subject, wanted.id), numbers.NO_ISSUES)
    before = now_ids = frozenset[str]()
    if kept["evidence"] not in (None, digest):
        before = numbers.Lists(workspace.record).find(kept["evidence"])
        now_ids = frozenset(indicators.issues(workspace.store, [digest]).get(digest, ()))
    return Then(
        compared,
        all(_alike(one) for one in compared) and {row["part"] for row in said} == set(here),
        _same(kept["definition"], wanted.digest),
        _same(kept["config_digest"], workspace.config.digest),
        _same(kept["evidence"], digest),
        _keys(workspace, now_ids - before),
        _keys(workspace, before - now_ids),
    )


def _same(kept: str | None, now: str) -> bool | None:
    return None if kept is None else kept == now


def _alike(one: Mapping[str, Any]) -> bool:
    then, now = one["value"], one["now"]
    return one["sample"] == one["sample_now"] and (
        then == now if then is None or now is None else math.isclose(then, now, rel_tol=1e-9, abs_tol=1e-12)
    )


def _keys(workspace: Workspace, ids: Collection[str]) -> list[str]:
    """How people call these issues: nothing of a confidential one, the id of one that is not here any more."""
    found = workspace.store.rows(
        "SELECT issue_id, key, is_confidential FROM issue WHERE list_contains(?, issue_id)", [list(ids)]
    )
    known = {id_: CONFIDENTIAL if is_hidden else key for id_, key, is_hidden in found}
    return sorted(known.get(id_, id_) for id_ in ids)


def lines(then: Then | None, wanted: Indicator) -> list[str]:
    """The same for a reader."""
    if then is None:
        return ["  no report of that day in the record shows this number"]
    told = ["  a report of that day said:"]
    for one in then.readings:
        name, unit = one["part"] or "value", wanted.units[one["part"]]
        now = (
            "equal"
            if _alike(one)
            else f"from today's data for that day {number(one['now'])} {unit}, n = {one['sample_now']}"
        )
        told.append(f"    {name} = {number(one['value'])} {unit}, n = {one['sample']}: {now}")
    if then.same_definition is False:
        told.append("    its definition, or a table it reads, has changed since")
    if then.same_configuration is False:
        told.append("    the configuration has changed since")
    for what, keys in (("came", then.came), ("left", then.left)):
        if keys:
            more = f", ... and {len(keys) - MOST_NAMED:,} more" if len(keys) > MOST_NAMED else ""
            told.append(f"    {what} since: {', '.join(keys[:MOST_NAMED])}{more}")
    if then.same_issues:
        told.append(
            "    the same issues are behind it"
            + ("" if then.is_equal else "; what is known of them, such as dates and statuses, was corrected since")
        )
    if then.same_issues is None:
        told.append("    which issues were behind it was not kept then")
    return told
