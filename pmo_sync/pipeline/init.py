"""init: a first configuration, from what the trackers themselves show. Nothing is written to them.

What was asked becomes a file of sources, which is loaded as any configuration; what the trackers answer becomes the
file that is kept (``proposal``), which is loaded once more before it takes its place.
"""

from __future__ import annotations

import shlex
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import connectors
from pmo_sync.config import load
from pmo_sync.config.writing import key, quoted
from pmo_sync.errors import AccessError, PmoSyncError
from pmo_sync.http.network import Network
from pmo_sync.pipeline.proposal import Seen, text
from pmo_sync.replacing import replace_file
from pmo_sync.result import Result

if TYPE_CHECKING:
    from pmo_sync.clock import Clock
    from pmo_sync.config import Language, SourceConfig
    from pmo_sync.result import Voice

# Scopes of labels that people use for their workflow, the likeliest first.
WORKFLOWS: Final = ("workflow", "status", "state", "stage", "kanban", "flow")


@dataclass(frozen=True, slots=True)
class Asked:
    """One tracker as its user names it. The secret itself is never asked for: ``token_env`` says where it is."""

    name: str
    kind: str
    url: str
    token_env: str
    user: str = ""
    api_base: str = ""
    proxy: str = ""
    ca_bundle: str = ""  # absolute: the file that is tried stands elsewhere than the one that is kept


@dataclass(frozen=True, slots=True)
class Pmo:
    """What no tracker knows about the PMO."""

    name: str
    zone: str
    language: Language


def init(
    file: Path,
    pmo: Pmo,
    asked: Sequence[Asked],
    *,
    environ: Mapping[str, str],
    clock: Clock,
    voice: Voice,
    force: bool,
) -> Result:
    """Write ``file``. Raises PmoSyncError, with nothing written, where it exists (unless ``force``), where a tracker
    does not let us in, or where none shows a project.
    """
    if file.exists() and not force:
        raise PmoSyncError(f"{file} exists; look at it, or write over it with --force")
    if not file.absolute().parent.is_dir():
        raise PmoSyncError(f"{file.absolute().parent} is no folder; make it, or name another file with --config")
    twice = [name for name, times in Counter(one.name for one in asked).items() if times > 1]
    if twice:
        raise PmoSyncError(f"two trackers are called {twice[0]}; name them apart: NAME=URL")
    sources = _loaded(_sources(pmo, asked), file.name, environ)
    network = Network(clock)
    voice.progress(f"looking at {', '.join(one.name for one in sources)}")
    connectors.load({one.kind for one in sources})
    with ThreadPoolExecutor(max(1, len(sources))) as pool:
        looked = list(pool.map(lambda source: _look(source, network), sources))
    errors = [one for one in looked if isinstance(one, PmoSyncError)]
    if errors:
        raise PmoSyncError("\n".join([*(str(one) for one in errors), f"nothing was written to {file}"]))
    seen = [one for one in looked if isinstance(one, Seen)]
    for one in seen:
        voice.say(f"{one.source.name}: {one.server}: {len(one.projects)} projects, {len(one.statuses)} statuses")
    made = text(pmo.name, pmo.zone, pmo.language, seen, clock.now())
    _loaded(made, file.name, environ)  # what we write can be read, whatever the trackers call things
    _put(file, made)
    shown = "" if str(file) == "pmo-sync.toml" else f" --config {shlex.quote(str(file))}"
    lines = [
        f"wrote {file}: look through it, what is proposed there is marked",
        "next:",
        f"  pmo-sync check{shown}             # what can be read, and what the first pull takes",
        f"  pmo-sync sync --dry-run{shown}    # pull and report; nothing is written to any place",
        f"  pmo-sync sync{shown}              # the same, and publish to the places you add",
    ]
    data = {
        "file": str(file),
        "sources": [one.source.name for one in seen],
        "projects": sum(len(one.live) for one in seen),
    }
    return Result(data, lines)


def _sources(pmo: Pmo, asked: Sequence[Asked]) -> str:
    """The part of the configuration that people answer for."""
    lines = ["[pmo]", f"name = {quoted(pmo.name)}", f"zone = {quoted(pmo.zone)}"]
    lines.append(f"language = {quoted(pmo.language)}")
    for one in asked:
        lines += [f"[source.{key(one.name)}]", f"kind = {quoted(one.kind)}", f"url = {quoted(one.url)}"]
        ways = {"user": one.user, "api_base": one.api_base, "proxy": one.proxy, "ca_bundle": one.ca_bundle}
        lines += [f"{name} = {quoted(value)}" for name, value in ways.items() if value]
        lines += [f"token = {{ env = {quoted(one.token_env)} }}"]
    return "\n".join(lines) + "\n"


def _loaded(content: str, name: str, environ: Mapping[str, str]) -> tuple[SourceConfig, ...]:
    """The sources of a configuration that is not in its place yet. Raises ConfigError with every problem."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(content, encoding="utf-8")
        return load(file, environ, connectors.names()).sources


def _look(source: SourceConfig, network: Network) -> Seen | PmoSyncError:
    """Everything a proposal needs of one tracker, or why it cannot be had."""
    connector = None
    try:
        first = connectors.connect(source, network)
        connector = first
        identity = first.check()
        survey = connectors.survey(source, network)
        prefix = workflow(survey.labels)
        if prefix:
            source = replace(source, workflow_labels=prefix)
            first.close()
            connector = connectors.connect(source, network)
        catalogue = connector.catalogue()
    except PmoSyncError as error:
        return _named(source, error)
    finally:
        if connector is not None:
            connector.close()
    if not any(not one.is_archived for one in catalogue.projects):
        return AccessError(
            f"{source.name}: {identity.server} shows the account {identity.account} no project; give it the right to see "
            "projects and their issues (Jira: Browse projects; GitLab: role Reporter or Planner)"
        )
    return Seen(source, identity.server, catalogue, survey)


def _named(source: SourceConfig, error: PmoSyncError) -> PmoSyncError:
    return PmoSyncError("\n".join(f"{source.name}: {line}" for line in str(error).splitlines()))


def workflow(labels: Sequence[str]) -> str | None:
    """The prefix of the scoped labels that look like a workflow: ``workflow::`` where there are at least two of them."""
    scopes = Counter(one.rpartition("::")[0] + "::" for one in labels if "::" in one)
    likely = [one for one, times in scopes.items() if times > 1 and one[:-2].lower() in WORKFLOWS]
    return min(likely, key=lambda one: (WORKFLOWS.index(one[:-2].lower()), one), default=None)


def _put(file: Path, content: str) -> None:
    try:
        replace_file(file, content.encode())
    except OSError as error:
        raise PmoSyncError(f"{file} cannot be written ({error.strerror}); name another file with --config") from error
