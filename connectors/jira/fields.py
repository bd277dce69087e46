"""Which of a site's fields mean what: pure, from the answer of ``/field``.

Custom fields have ids of their own on every site, and names are neither unique nor in one language. What has a type
of its own is found by type; story points and the flag are found by name. Where several fields fit, nobody guesses:
it becomes a problem that asks for a word in the configuration, ``[source.NAME.fields]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pmo_sync.model import Problem

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
CONFIGURABLE: Final = ("estimate", "start_on", "due_on", "flagged", "sprint", "epic_link", "parent_link", "health")


@dataclass(frozen=True, slots=True)
class Fields:
    """The tracker's field ids behind ours, in order of preference, and what their history calls them."""

    ids: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]  # id -> name; Data Center's history knows fields by name only

    def of(self, ours: str) -> tuple[str, ...]:
        """The ids behind one of our fields."""
        return self.ids.get(ours, ())

    def asked(self) -> tuple[str, ...]:
        """Every id to ask for."""
        return tuple(sorted({one for ids in self.ids.values() for one in ids}))


def discover(
    source: str, described: Iterable[Mapping[str, Any]], configured: Mapping[str, str]
) -> tuple[Fields, tuple[Problem, ...]]:
    """The site's fields, and what the configuration must settle. ``configured`` is ours -> the tracker's id."""
    by_rule: dict[tuple[str, str | None], list[str]] = {}
    names: dict[str, str] = {}
    for one in described:
        field_id = str(one.get("id", ""))
        name = str(one.get("untranslatedName") or one.get("name") or "")
        names[field_id] = name
        kind = (one.get("schema") or {}).get("custom")
        if kind:
            by_rule.setdefault((kind, None), []).append(field_id)
            by_rule.setdefault((kind, name.strip().lower()), []).append(field_id)
    ids: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for ours, rules in RULES.items():
        found: list[str] = []
        for rule in rules:
            candidates = sorted(by_rule.get(rule, ()))
            if len(candidates) > 1 and ours not in configured:
                problems.append(
                    Problem(
                        source,
                        f"several fields could be {ours}: {', '.join(candidates)}; none is used until the "
                        f'configuration says which: [source.{source}.fields] {ours} = "{candidates[0]}"',
                    )
                )
            elif candidates:
                found.append(candidates[0])
        ids[ours] = tuple(found)
    for ours, field_id in configured.items():
        if ours not in CONFIGURABLE:
            problems.append(Problem(source, f"fields.{ours}: not one of {', '.join(CONFIGURABLE)}"))
        elif names and field_id not in names:
            problems.append(Problem(source, f"fields.{ours}: this Jira shows no field {field_id!r}"))
        else:
            ids[ours] = (field_id,)
    return Fields({ours: found for ours, found in ids.items() if found}, names), tuple(problems)
