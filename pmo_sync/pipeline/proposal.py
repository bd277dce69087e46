"""The text of a first configuration: what was found, what is proposed, what only its reader can know. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pmo_sync.config.writing import key, quoted, texts
from pmo_sync.pipeline.examine import is_open, proposed, unmapped

if TYPE_CHECKING:
    from connectors.base import Survey
    from pmo_sync.config import SourceConfig
    from pmo_sync.model import Catalogue, Project, Status

# Issue types and labels that are not work, by their whole name, in the languages of our readers.
_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "risk": ("risk", "risks", "risiko"),
    "decision": ("decision", "decisions", "keputusan"),
    "change": ("change", "change request", "permintaan perubahan", "perubahan"),
    "initiative": ("initiative", "inisiatif"),
}
_WIDTH: Final = 34  # where comments begin


@dataclass(frozen=True, slots=True)
class Seen:
    """One tracker, looked at."""

    source: SourceConfig
    server: str
    catalogue: Catalogue
    survey: Survey

    @property
    def projects(self) -> tuple[Project, ...]:
        """By key."""
        return tuple(sorted(self.catalogue.projects, key=lambda one: one.key))

    @property
    def live(self) -> tuple[Project, ...]:
        """Those that are not archived."""
        return tuple(one for one in self.projects if not one.is_archived)

    @property
    def statuses(self) -> tuple[Status, ...]:
        """As the tracker has them."""
        return self.catalogue.statuses


def text(name: str, zone: str, language: str, seen: Sequence[Seen], now: datetime) -> str:
    """The whole file; TOML that ``pmo_sync.config.load`` takes, whatever the trackers call things."""
    programmes = _programmes(seen)
    parts = [
        [
            f'# Written by `pmo-sync init` on {now:%Y-%m-%d} from what the trackers show. What is marked "proposed" is a',
            "# guess by names: look at it. `pmo-sync check --example` prints every option with its explanation.",
            "",
            "[pmo]",
            f"name = {quoted(name)}",
            _commented(f"zone = {quoted(zone)}", "decides when a day or week is closed"),
            _commented(f"language = {quoted(language)}", "en or id"),
            _commented(
                '# country = "ID"', "its public holidays are no working days; without it holidays read as slow work"
            ),
            _commented("# free_days = [2026-12-24]", "nor are these: joint leave, company days"),
        ],
        *(list(_source(one)) for one in seen),
        list(_programme_tables(programmes)),
        list(_project_tables(seen, programmes)),
        list(_roles(seen)),
        _PLACES.splitlines(),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _commented(line: str, comment: str) -> str:
    return f"{line:<{_WIDTH - 2}}  # {comment}"


def _source(seen: Seen) -> Iterator[str]:
    source, catalogue = seen.source, seen.catalogue
    yield f"# --- {source.name}: {_plain(seen.server)}"
    yield f"[source.{key(source.name)}]"
    yield f"kind = {quoted(source.kind)}"
    if source.server is not None:
        yield f"url = {quoted(source.server.url)}"
        if seen.survey.flavour:
            yield f"flavour = {quoted(seen.survey.flavour)}"
        if source.server.api_base != source.server.url:
            yield f"api_base = {quoted(source.server.api_base)}"
        for name in ("user", "proxy", "ca_bundle"):
            if value := getattr(source.server, name):
                yield f"{name} = {quoted(value)}"
        if source.server.token is not None:
            yield f"token = {{ {source.server.token.how} = {quoted(source.server.token.where)} }}"
    yield "projects = ["
    yield from (_commented(f"    {quoted(one.key)},", _plain(one.name)) for one in seen.live)
    yield "]"
    archived = [one.key for one in seen.projects if one.is_archived]
    if archived:
        yield f"# archived, so left out: {_plain(', '.join(archived))}"
    if source.workflow_labels:
        yield _commented(f"workflow_labels = {quoted(source.workflow_labels)}", "proposed: scoped labels as workflow")
    kinds = Counter(one.kind for one in catalogue.milestones)
    found = ", ".join(f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in sorted(kinds.items()))
    yield f"# milestones found: {found or 'none; without dates there is nothing to forecast against'}"
    yield from _statuses(seen)
    yield from _fields(seen)


def _statuses(seen: Seen) -> Iterator[str]:
    """Those without a category get one, so that nothing is left out of the numbers; the tracker's own words stand."""
    names = unmapped(seen.statuses, seen.source)
    canceled = sorted(
        {one.name for one in seen.statuses if one.category == "done" and proposed(one.name) == "canceled"}
    )
    if names or canceled:
        yield ""
        yield f"[source.{key(seen.source.name)}.statuses]"
    if names:
        yield "# proposed by their names, the tracker gives them no category: todo, doing, done or canceled"
        yield from (f'{quoted(name)} = "{proposed(name)}"' for name in names)
    if canceled:
        yield "# proposed by their names, the tracker counts them as done: closed, but nothing was delivered"
        yield from (f'{quoted(name)} = "canceled"' for name in canceled)
    left = {*names, *canceled}
    told = sorted({(one.category or "", one.name) for one in seen.statuses if one.name not in left})
    if told:
        yield "# by the tracker's own word:"
        for category in dict.fromkeys(one for one, _ in told):
            yield f"#   {category}: {_plain(', '.join(name for one, name in told if one == category))}"


def _fields(seen: Seen) -> Iterator[str]:
    """A question stays a question: which of several fields is meant, only people know."""
    questions = [one for one in seen.catalogue.fields if is_open(one)]
    if not questions:
        return
    yield ""
    yield f"# [source.{key(seen.source.name)}.fields]"
    for one in questions:
        yield f"# several fields could be {one.ours}, and none is read until you say which: uncomment one line"
        yield from (f"# {key(one.ours)} = {quoted(id_)}   # {_plain(name)}" for id_, name in one.candidates)


def _programmes(seen: Sequence[Seen]) -> dict[tuple[str, str], tuple[str, str]]:
    """(source, group) -> (id, name), for every group of at least two projects."""
    made: dict[tuple[str, str], tuple[str, str]] = {}
    taken: set[str] = set()
    for one in seen:
        sizes = Counter(one.survey.groups.get(project.key) for project in one.live)
        for group in sorted(name for name, size in sizes.items() if name and size > 1):
            made[one.source.name, group] = (_id(group, one.source.name, taken), group)
    return made


def _programme_tables(programmes: Mapping[tuple[str, str], tuple[str, str]]) -> Iterator[str]:
    if programmes:
        yield "# --- programmes: proposed from Jira's project categories and GitLab's groups"
    for id_, name in programmes.values():
        yield from ("[[programme]]", f"id = {quoted(id_)}", f"name = {quoted(name)}", "")


def _project_tables(seen: Sequence[Seen], programmes: Mapping[tuple[str, str], tuple[str, str]]) -> Iterator[str]:
    yield "# --- what the PMO calls a project: proposed, one for each of the trackers'. A project may have several scopes:"
    yield "# put together what belongs together, and take out what nobody reports on."
    taken: set[str] = set()
    for one in seen:
        for project in one.live:
            short = project.key.rpartition("/")[2]  # GitLab's keys are paths, its names hold the path's too
            name = project.name.rpartition(" / ")[2] if short != project.key else project.name
            scope = f"source = {quoted(one.source.name)}, project = {quoted(project.key)}"
            programme = programmes.get((one.source.name, one.survey.groups.get(project.key, "")))
            yield ""
            yield "[[project]]"
            yield f"id = {quoted(_id(short, one.source.name, taken))}"
            yield f"name = {quoted(name.strip() or project.key)}"
            if programme:
                yield f"programme = {quoted(programme[0])}"
            yield f"scopes = [{{ {scope} }}]"


def _id(name: str, source: str, taken: set[str]) -> str:
    """Small letters, digits and hyphens; unlike all before it."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", bare).strip("-") or "project"
    candidates = [slug, f"{source.lower()}-{slug}", *(f"{slug}-{number}" for number in range(2, len(taken) + 3))]
    chosen = next(one for one in candidates if one not in taken)
    taken.add(chosen)
    return chosen


def _roles(seen: Sequence[Seen]) -> Iterator[str]:
    """Issue types and labels whose name says that they are no work."""
    yield "# --- issue types and labels that are not work; work is everything else"
    yield "[roles]"
    names = sorted({name for one in seen for name in (*one.survey.kinds, *one.survey.labels)})
    for role, words in _ROLES.items():
        found = [name for name in names if name.lower().rpartition("::")[2].strip() in words]
        if found:
            yield _commented(f"{role} = {texts(found)}", "proposed by name")
        else:
            yield f"# {role} = []"


def _plain(said: str) -> str:
    """A tracker's text inside a comment: on one line, without what would end it or turn it around."""
    return quoted(said)[1:-1].replace('\\"', '"').replace("\\\\", "\\")


_PLACES: Final = """\
# --- places to write to. The local HTML report needs none; `pmo-sync sync` says where it is. A page in Confluence:
# [place.confluence]
# kind = "confluence"
# flavour = "cloud"               # or "data-center"
# url = "https://example.atlassian.net/wiki"
# user = "pmo-bot@example.org"    # Cloud; Data Center wants the token alone
# token = { env = "CONFLUENCE_TOKEN" }
# space = "PMO"
# write = false                   # say true when `pmo-sync publish --dry-run` shows what you want
#
# [[report]]
# report = "portfolio"
# places = ["confluence"]
#
# [[report]]
# report = "project"
# places = ["confluence"]"""
