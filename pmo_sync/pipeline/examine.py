"""One source, looked at before anything is read in earnest: what `check` says about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, Literal

import connectors
from pmo_sync.certificate import FEW_DAYS
from pmo_sync.config.projects import is_meant
from pmo_sync.config.writing import key, quoted
from pmo_sync.errors import AccessError, ConfigError, PmoSyncError, ShutOutError, TrackerError
from pmo_sync.pipeline.finding import Examined, counted

if TYPE_CHECKING:
    from connectors.base import Connector
    from pmo_sync.config import Config, ServerConfig, SourceConfig
    from pmo_sync.http.network import Network
    from pmo_sync.model import Catalogue, FieldChoice, Identity, Project, Status

SHOWN: Final = 20  # projects with a line of their own
SKEW: Final = 60.0  # seconds between two clocks that nobody needs to hear of
EXPIRY: Final = ((7, "very soon"), (14, "soon"), (FEW_DAYS, "this month"))  # days left
Counts = dict[str, int | None]


def examine(source: SourceConfig, config: Config, network: Network) -> Examined:
    """Everything about one source, in the order in which somebody who sets it up meets it. Raises nothing known."""
    where = source.server.url if source.server else str(source.path)
    found = Examined(source.name, f"source {source.name}: {source.kind} at {where}")
    found.facts |= {"kind": source.kind, "where": where}
    connector: Connector | None = None
    try:
        connector = connectors.connect(source, network)
        identity = connector.check()
        _identity(found, source, identity, network.clock.now())
        catalogue = connector.catalogue()
        counts = _projects(found, source, connector, catalogue, identity)
        _problems(found, source, catalogue)
        _fields(found, source, catalogue.fields)
        _statuses(found, source, catalogue.statuses)
        _milestones(found, catalogue)
        for note in catalogue.notes:
            found.say("note", f"{note.subject}: {note.what}")
        _scopes(found, source, config, catalogue)
        _first_pull(found, source, connector, counts)
    except PmoSyncError as error:
        *others, last = str(error).splitlines() or [type(error).__name__]
        for line in others:
            found.say("wrong", line)
        found.say("wrong", last, *remedy(f"source.{source.name}", source.server, error))
        if connector is not None:
            found.say("note", f"nothing more of {source.name} could be looked at")
    finally:
        if connector is not None:
            connector.close()
    return found


def _identity(found: Examined, source: SourceConfig, identity: Identity, now: datetime) -> None:
    found.facts |= {
        "account": identity.account,
        "server": identity.server,
        "scopes": list(identity.scopes),
        "token_expires_on": identity.token_expires_on,
        "clock_skew_seconds": None if identity.now is None else (identity.now - now).total_seconds(),
    }
    if source.server is None:
        found.say("ok", identity.server)
        return
    if not source.server.has_login:
        found.say(
            "warn",
            f"{identity.server} without a token: only what everybody may see is read",
            _NOBODY.format(f"source.{source.name}"),
        )
    else:
        scopes = f", token with {', '.join(identity.scopes)}" if identity.scopes else ""
        found.say("ok", f"{identity.server} lets us in as {identity.account}{scopes}")
    _expiry(found, source, identity.token_expires_on, now.date())
    _clock(found, identity.now, now)


_NOBODY: Final = (
    "[{}] has no token, so the server takes us for anybody; make one there and say token = "
    '{{ env = "NAME" }}, where NAME is the environment variable that holds it'
)


def remedy(table: str, server: ServerConfig | None, error: PmoSyncError) -> tuple[str, ...]:
    """Where in the configuration somebody finds what the error is about; nothing where it says so itself."""
    if server is None:
        return ()
    if isinstance(error, ConfigError):
        return (f"[{table}] refers to it; set it where pmo-sync runs, or correct the reference there",)
    if type(error) is TrackerError:  # not the kinds that know more
        what = f"url of [{table}] is {quoted(server.url)}: does it open from this machine?"
        return (f'{what} Where it needs a proxy, say proxy = "http://HOST:PORT" there',)
    if not isinstance(error, AccessError):
        return ()
    if server.oauth is not None:
        secret = server.oauth.client_secret
        return (f"the secret used is oauth.client_secret of [{table}]: {secret.how} = {quoted(secret.where)}",)
    if server.token is None:
        return (_NOBODY.format(table),)
    user = f" for user {quoted(server.user)}" if server.user else ""
    return (f"the token used is token of [{table}]: {server.token.how} = {quoted(server.token.where)}{user}",)


def _expiry(found: Examined, source: SourceConfig, ends: date | None, today: date) -> None:
    if source.server is None or source.server.token is None:
        return
    if ends is None:
        found.say("note", "the server does not tell when this token expires; note the date where you keep it")
        return
    days = (ends - today).days
    how = next((word for limit, word in EXPIRY if days < limit), "")
    if not how:
        found.say("ok", f"token valid until {ends} ({days} days)")
        return
    token = source.server.token
    left = "it expires today" if days == 0 else f"it has expired on {ends}" if days < 0 else f"valid until {ends}"
    found.say(
        "wrong" if days < 0 else "warn",
        f"token: {left}" + (f", {days} {'day' if days == 1 else 'days'}: {how}" if days > 0 else ""),
        f"make a new one with the same rights at {source.server.url} and put it where {token.how} = "
        f"{quoted(token.where)} leads; pulls fail from then on",
    )


def _clock(found: Examined, theirs: datetime | None, ours: datetime) -> None:
    if theirs is None:
        found.say("note", "the server does not tell its time; its clock cannot be compared with ours")
        return
    skew = (theirs - ours).total_seconds()
    if abs(skew) <= SKEW:
        found.say("ok", "its clock and ours agree")
        return
    ahead = "ahead of" if skew > 0 else "behind"
    found.say(
        "warn",
        f"its clock is {_duration(abs(skew))} {ahead} ours: it says {theirs:%Y-%m-%d %H:%M:%S}, we say "
        f"{ours:%Y-%m-%d %H:%M:%S} (UTC)",
        "nothing is lost by it, but changes around midnight may count for another day; set this machine's clock by a "
        "time server (NTP), or tell the server's administrator",
    )


def _duration(seconds: float) -> str:
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} seconds"


def _projects(
    found: Examined, source: SourceConfig, connector: Connector, catalogue: Catalogue, identity: Identity
) -> Counts:
    """How many issues each project has, key -> count; one request a project."""
    counts: Counts = {}
    refused: dict[str, list[str]] = {}
    for project in catalogue.projects:
        try:
            counts[project.key] = connector.census(project, sweep=False).count
        except ShutOutError:
            raise
        except PmoSyncError as error:
            refused.setdefault(str(error), []).append(project.key)
    found.facts["projects"] = [
        {"key": one.key, "name": one.name, "issues": counts.get(one.key), "is_archived": one.is_archived}
        for one in catalogue.projects
    ]
    if not catalogue.projects:
        found.say(
            "wrong",
            "no project can be read",
            f"give the account {identity.account} the right to see projects and their issues (Jira: Browse projects; "
            "GitLab: role Reporter or Planner), or use another account's token",
        )
        return counts
    known = [one for one in counts.values() if one is not None]
    found.say(
        "ok",
        f"{counted(len(catalogue.projects), 'project')} readable, {sum(known):,} issues"
        + ("" if source.projects or source.server is None else " (every one this account may read)"),
        *_listed(catalogue.projects, counts),
    )
    for why, keys in refused.items():
        named = ", ".join(keys[:SHOWN]) + (", ..." if len(keys) > SHOWN else "")
        found.say("wrong", f"{named}: issues cannot be counted: {why}")
    return counts


def _listed(projects: Sequence[Project], counts: Counts) -> list[str]:
    width = max(len(one.key) for one in projects[:SHOWN])
    lines = [
        f"{one.key:<{width}}  {_issues(counts.get(one.key)):>14}  {one.name}{' (archived)' if one.is_archived else ''}"
        for one in projects[:SHOWN]
    ]
    more = len(projects) - SHOWN
    return [*lines, f"and {more} more; --json lists them all"] if more > 0 else lines


def _issues(count: int | None) -> str:
    return "not counted" if count is None else "1 issue" if count == 1 else f"{count:,} issues"


def _problems(found: Examined, source: SourceConfig, catalogue: Catalogue) -> None:
    """A question about a field stands in both lists; it is put once, with the lines to paste."""
    asked = [one for one in catalogue.fields if is_open(one)]
    found.facts["problems"] = [one._asdict() for one in catalogue.problems]
    configured = {one.lower() for one in source.projects}
    for problem in catalogue.problems:
        if any(problem.subject == source.name and f"could be {one.ours}" in problem.what for one in asked):
            continue
        if problem.subject.lower() not in configured:
            found.say("wrong", f"{problem.subject}: {problem.what}")
            continue
        found.say(
            "wrong",
            f"{problem.subject}: {problem.what}",
            f"it is named in projects of [source.{key(source.name)}]: correct it there, or take it out; without "
            "projects every project the account may read is taken",
            f"does it open at {source.server.url if source.server else source.path} for the account of this token? "
            "If it does not, ask its administrator to let the account in",
        )


def is_open(choice: FieldChoice) -> bool:
    """Several fields could be meant, and none was taken."""
    return not choice.chosen and len(choice.candidates) > 1


def _fields(found: Examined, source: SourceConfig, fields: Sequence[FieldChoice]) -> None:
    found.facts["fields"] = [
        {"ours": one.ours, "chosen": list(one.chosen), "candidates": dict(one.candidates)} for one in fields
    ]
    named = [one for one in fields if one.chosen]
    if named:
        lines = []
        for one in named:
            names = dict(one.candidates)
            lines.append(
                f"{one.ours:<12} {', then '.join(f'{id_} {quoted(names.get(id_, id_))}' for id_ in one.chosen)}"
            )
        found.say("ok", f"{counted(len(named), 'field')} found", *lines)
    for one in fields:
        if is_open(one):
            found.say(
                "wrong",
                f"{counted(len(one.candidates), 'field')} could be {one.ours}; none is read until you say which. "
                "Paste, and keep one line:",
                f"[source.{key(source.name)}.fields]",
                *(f"{key(one.ours)} = {quoted(id_)}   # {quoted(name)}" for id_, name in one.candidates),
            )


def unmapped(statuses: Sequence[Status], source: SourceConfig) -> list[str]:
    """The names of the statuses for which neither tracker nor configuration knows a category."""
    known = {name.strip().lower() for name in source.statuses}
    return sorted(
        {one.name for one in statuses if one.category in (None, "unmapped") and one.name.strip().lower() not in known}
    )


def _statuses(found: Examined, source: SourceConfig, statuses: Sequence[Status]) -> None:
    open_ones = unmapped(statuses, source)
    found.facts |= {"statuses": len({one.name for one in statuses}), "unmapped": open_ones}
    if not open_ones:
        found.say(
            "ok",
            f"statuses: {len({one.name for one in statuses})}, each with a category",
        )
        return
    several = len(open_ones) > 1
    found.say(
        "warn",
        f"{len(open_ones)} {'statuses have' if several else 'status has'} no category: issues in "
        f"{'them' if several else 'it'} count neither as begun nor as done. Paste, and put the right word "
        "(todo, doing, done or canceled):",
        f"[source.{key(source.name)}.statuses]",
        *(f'{quoted(name)} = "{proposed(name)}"' for name in open_ones),
    )


_WORDS: Final[tuple[tuple[Literal["todo", "done", "canceled"], tuple[str, ...]], ...]] = (
    ("canceled", ("cancel", "reject", "won't", "wont", "declin", "abandon", "duplicate", "invalid", "batal", "tolak")),
    ("todo", ("to do", "todo", "not done", "not started", "backlog", "open", "new", "ready", "triage", "idea", "planned",
              "draft", "selected", "refine", "queue", "baru", "belum", "rencana")),
    ("done", ("done", "closed", "resolved", "released", "complete", "finished", "deployed", "shipped", "live", "accepted",
              "selesai", "tutup", "rilis")),
)  # fmt: skip


def proposed(name: str) -> str:
    """The category that a status's name suggests; `doing` where it suggests none. A person has the last word."""
    said = name.lower().rpartition("::")[2]
    return next((category for category, words in _WORDS if any(word in said for word in words)), "doing")


def _milestones(found: Examined, catalogue: Catalogue) -> None:
    kinds = Counter(one.kind for one in catalogue.milestones)
    dated = sum(one.due_on is not None and one.state == "open" for one in catalogue.milestones)
    found.facts |= {"boards": catalogue.boards, "milestones": dict(kinds), "open_dated_milestones": dated}
    boards = [counted(catalogue.boards, "board")] if catalogue.boards else []
    named = [counted(number, kind) for kind, number in sorted(kinds.items())]
    if named:
        found.say("ok", f"{', '.join([*boards, *named])}; {dated} open with a date")
    else:
        found.say(
            "note",
            f"{', '.join([*boards, 'no version, milestone or sprint'])}: without dates there is nothing to forecast "
            "against; progress and flow are reported all the same",
        )


def _scopes(found: Examined, source: SourceConfig, config: Config, catalogue: Catalogue) -> None:
    """What the [[project]]s want of this source is there. Where nothing is readable, that is said already."""
    if not catalogue.projects:
        return
    names = {one.name.lower() for one in catalogue.milestones}
    readable = ", ".join(one.key for one in catalogue.projects[:SHOWN]) or "none"
    for project in config.projects:
        if not project.enabled:
            continue
        for scope in project.scopes:
            if scope.source != source.name:
                continue
            if scope.project is not None and not any(is_meant(scope.project, one.key) for one in catalogue.projects):
                found.say(
                    "wrong",
                    f"[[project]] {project.id}: its scope names project {quoted(scope.project)}, which this source does "
                    "not read",
                    f"readable are {readable}; correct the scope, or add it to projects of [source.{key(source.name)}]",
                )
            if scope.milestone is not None and scope.milestone.lower() not in names:
                found.say(
                    "wrong",
                    f"[[project]] {project.id}: its scope names milestone {quoted(scope.milestone)}, which this source "
                    "does not show",
                    "correct the name as the tracker spells it, or take the milestone out of the scope",
                )


def _first_pull(found: Examined, source: SourceConfig, connector: Connector, counts: Counts) -> None:
    """The estimate of the first pull; later ones read what changed only."""
    if source.server is None or not counts:
        return
    requests = sum(connector.requests(count or 0) for count in counts.values())
    minutes = requests / source.server.requests_per_second / 60
    found.facts["first_pull"] = {"requests": requests, "minutes": round(minutes, 1)}
    time = "less than a minute" if minutes < 1 else f"{counted(round(minutes), 'minute')}"
    if minutes >= 120:
        time = f"{minutes / 60:.0f} hours"
    found.say(
        "ok",
        f"first pull: about {counted(requests, 'request')}, {time} at {source.server.requests_per_second:g} a second; "
        "later pulls read what changed",
    )
