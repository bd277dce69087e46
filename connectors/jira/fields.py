"""Which of a site's fields mean what: pure, from the answer of ``/field``.

Custom fields have ids of their own on every site, and names are neither unique nor in one language. What has a type
of its own is found by type; story points and the flag are found by name. Where several fields fit, nobody guesses:
it becomes a problem that asks for a word in the configuration, ``[source.NAME.fields]``; for the estimate, boards know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pmo_sync.model import FieldChoice, Problem
from pmo_sync.text import clean

GREENHOPPER: Final = "com.pyxis.greenhopper.jira:"
PORTFOLIO: Final = "com.atlassian.jpo:jpo-custom-field-"
PLATFORM: Final = "com.atlassian.jira.plugin.system.customfieldtypes:"

# ours -> rules in order of preference; a rule is a type, or a type and a name. An issue takes the first that it uses:
# team-managed and company-managed projects of one site keep their story points in two different fields.
RULES: Final[Mapping[str, tuple[tuple[str, str | None], ...]]] = {
    "estimate": ((f"{GREENHOPPER}jsw-story-points", None), (f"{PLATFORM}float", "story points")),
    "sprint": ((f"{GREENHOPPER}gh-sprint", None),),
    "epic_link": ((f"{GREENHOPPER}gh-epic-link", None),),
    "parent_link": ((f"{PORTFOLIO}parent", None),),
    "start_on": ((f"{PORTFOLIO}baseline-start", None), (f"{PLATFORM}datepicker", "start date")),
    "due_on": ((f"{PORTFOLIO}baseline-end", None),),  # after the system's own due date
    "flagged": ((f"{PLATFORM}multicheckboxes", "flagged"),),
}
PARENTS: Final = ("epic_link", "parent_link")
CONFIGURABLE: Final = ("estimate", "start_on", "due_on", "flagged", "sprint", "epic_link", "parent_link", "health")


@dataclass(frozen=True, slots=True)
class Fields:
    """The tracker's field ids behind ours, in order of preference, and what their history calls them."""

    ids: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]  # id -> name; Data Center's history knows fields by name only
    choices: tuple[FieldChoice, ...] = ()
    unsettled: frozenset[str] = frozenset()  # ours with several candidates
    shared: frozenset[str] = frozenset()  # names, in lower case, that tell nobody which field has changed

    def of(self, ours: str) -> tuple[str, ...]:
        """The ids behind one of our fields."""
        return self.ids.get(ours, ())

    def asked(self) -> tuple[str, ...]:
        """Every id to ask for."""
        return tuple(sorted({one for ids in self.ids.values() for one in ids}))

    @property
    def channels(self) -> dict[str, str]:
        """Id -> the timeline its changes belong to: its own, or the one of parents."""
        return {one: "parent" if ours in PARENTS else one for ours, ids in self.ids.items() for one in ids}

    @property
    def need_boards(self) -> bool:
        """Whether only boards can tell what the estimate is."""
        return "estimate" in self.unsettled or not self.of("estimate")


def discover(
    source: str,
    described: Iterable[Mapping[str, Any]],
    configured: Mapping[str, str],
    estimated_by: Collection[str] = (),
    *,
    by_name: bool = False,
) -> tuple[Fields, tuple[Problem, ...]]:
    """The site's fields, and what the configuration must settle.

    ``configured`` is ours -> the tracker's id. ``estimated_by`` are the fields that boards estimate by: where it is
    one, that settles what several fields could be. ``by_name`` is said of a server whose history has no ids.
    """
    custom: dict[str, list[str]] = {}  # name -> ids
    by_rule: dict[tuple[str, str | None], list[str]] = {}
    names: dict[str, str] = {}
    for one in described:
        field_id = str(one.get("id", ""))
        name = str(one.get("untranslatedName") or one.get("name") or "")
        names[field_id] = name
        kind = (one.get("schema") or {}).get("custom")
        if kind:
            custom.setdefault(name.lower(), []).append(field_id)
            by_rule.setdefault((kind, None), []).append(field_id)
            by_rule.setdefault((kind, name.strip().lower()), []).append(field_id)
    ids: dict[str, tuple[str, ...]] = {}
    candidates: dict[str, tuple[str, ...]] = {}
    unsettled: dict[str, list[str]] = {}  # ours -> those that fit one rule
    for ours, rules in RULES.items():
        by_boards = sorted({*estimated_by} & names.keys()) if ours == "estimate" else []
        found, fitting = _fitting([sorted(by_rule.get(rule, ())) for rule in rules], by_boards)
        ids[ours] = found
        candidates[ours] = tuple(
            dict.fromkeys([*found, *(one for rule in rules for one in sorted(by_rule.get(rule, ()))), *by_boards])
        )
        if fitting and ours not in configured:
            unsettled[ours] = fitting
    problems = [
        Problem(
            source,
            f"several fields could be {ours}: {', '.join(fitting)}; none is used until the "
            f'configuration says which: [source.{source}.fields] {ours} = "{fitting[0]}"',
        )
        for ours, fitting in unsettled.items()
    ]
    for ours, field_id in configured.items():
        if ours not in CONFIGURABLE:
            problems.append(Problem(source, f"fields.{ours}: not one of {', '.join(CONFIGURABLE)}"))
        elif names and field_id not in names:
            problems.append(Problem(source, f"fields.{ours}: this Jira shows no field {field_id!r}"))
        else:
            ids[ours] = (field_id,)
            candidates[ours] = tuple(dict.fromkeys([field_id, *candidates.get(ours, ())]))
    choices = tuple(
        FieldChoice(ours, ids.get(ours, ()), tuple((one, clean(names.get(one, one))) for one in could_be))
        for ours, could_be in candidates.items()
    )
    kept = {ours: found for ours, found in ids.items() if found}
    shared = _shared(Fields(kept, names).channels, custom)
    if by_name:
        problems += [_unknown(source, kept, name, custom[name]) for name in sorted(shared)]
    return Fields(kept, names, choices, frozenset(unsettled), shared), tuple(problems)


def _shared(channels: Mapping[str, str], custom: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The names that a field of ours has, and another field with another meaning."""
    meanings = {name: {channels.get(one) for one in ids} for name, ids in custom.items()}
    return frozenset(name for name, found in meanings.items() if len(found) > 1)


def _unknown(source: str, kept: Mapping[str, Sequence[str]], name: str, ids: Sequence[str]) -> Problem:
    ours = ", ".join(one for one, found in kept.items() if not {*found}.isdisjoint(ids))
    return Problem(
        source,
        f"{', '.join(ids)} are all called {name!r}, and this Jira's history tells a field by its name only: what {ours} "
        "was before is not read; give these fields different names",
    )


def _fitting(by_rule: Iterable[list[str]], by_boards: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The fields to read, in order of preference, and those among which somebody must choose."""
    found: list[str] = []
    unsettled: list[str] = []
    for fitting in by_rule:
        if len(fitting) == 1:
            found += fitting
        elif len(by_boards) != 1:
            unsettled = unsettled or fitting
    if len(by_boards) == 1 and by_boards[0] not in found:
        found.insert(0, by_boards[0])
    if not found and not unsettled:
        unsettled = by_boards
    return tuple(found), unsettled
