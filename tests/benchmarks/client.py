"""One measured client in a process of its own: ``python -m tests.benchmarks.client KIND FLAVOUR URL FOLDER ISSUES``.

Prints JSON: CPU and wall seconds (imports apart), peak memory, requests, and the server's CPU seconds. Kinds:

``bare``                 requests and json over the pages that hold the same answers, as many at a time as we ask
``pull``                 connector and store, from nothing
``again``                the same store, nothing changed
``perceval``             CHAOSS Perceval's Jira backend as it comes: one page at a time, and each issue's comments
``perceval-uncommented`` the same without the comments, which we do not read either
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import requests

from tests.benchmarks.jira_static import NARROW

WORKERS: Final = 4
CONFIG: Final = """
[pmo]
name = "Bench"
[source.bench]
kind = "jira"
flavour = "{flavour}"
url = "{url}"
projects = ["BENCH"]
workers = {workers}
requests_per_second = 1000
"""


def quiet_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def bare_data_center(url: str, count: int) -> int:
    """The least a client must do: fetch the pages and parse them."""
    session = quiet_session()

    def page(start: int) -> int:
        params: dict[str, Any] = {"jql": "project = BENCH ORDER BY key", "startAt": start, "maxResults": 100}
        params |= {"expand": "changelog", "fields": ",".join(NARROW)}
        return len(json.loads(session.get(f"{url}/rest/api/2/search", params=params, timeout=60).content)["issues"])

    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(page, range(0, count, 100)))


def bare_cloud(url: str, count: int) -> int:
    """The least a client must do: ids, then issues and histories in bulk, parsed."""
    session = quiet_session()

    def ask(path: str, body: dict[str, Any]) -> Any:
        return json.loads(session.post(f"{url}/rest/api/3/{path}", json=body, timeout=60).content)

    def ids() -> Iterator[str]:
        body: dict[str, Any] = {"jql": "project = BENCH ORDER BY key", "fields": ["id"], "maxResults": 5000}
        while True:
            page = ask("search/jql", body)
            yield from (one["id"] for one in page["issues"])
            if "nextPageToken" not in page:
                return
            body["nextPageToken"] = page["nextPageToken"]

    def issues(some: list[str]) -> int:
        return len(ask("issue/bulkfetch", {"issueIdsOrKeys": some, "fields": list(NARROW)})["issues"])

    def histories(some: list[str]) -> int:
        body = {"issueIdsOrKeys": some, "maxResults": 10_000}
        return 0 * len(ask("changelog/bulkfetch", body)["issueChangeLogs"])

    found = list(ids())
    tasks: list[tuple[Callable[[list[str]], int], list[str]]] = []
    for start in range(0, count, 1000):
        tasks.append((histories, found[start : start + 1000]))
        tasks += [(issues, found[at : at + 100]) for at in range(start, min(start + 1000, count), 100)]
    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(lambda task: task[0](task[1]), tasks))


def perceval(url: str, *, comments: bool) -> Callable[[], int]:
    from perceval.backends.core.jira import Jira, JiraClient

    if not comments:
        JiraClient.get_comments = lambda self, issue_id: []
    return lambda: sum(1 for _ in Jira(url, project="BENCH").fetch())


def pull(url: str, flavour: str, folder: Path) -> Callable[[], int]:
    import connectors.jira
    import pmo_sync.clients.jira  # noqa: F401 - imports are not what is measured
    from pmo_sync import config, pipeline
    from pmo_sync.clock import SystemClock
    from pmo_sync.result import Silence

    file = folder / "bench.toml"
    file.write_text(CONFIG.format(url=url, flavour=flavour, workers=WORKERS), encoding="utf-8")
    loaded = config.load(file, {}, connectors.names())

    def run() -> int:
        outcome = pipeline.pull(loaded, SystemClock(), Silence())
        (source,) = outcome.data["sources"]
        if source["grade"] == "failed":
            raise SystemExit(source["error"])
        return sum(one["our_count"] for one in source["projects"])

    return run


def prepared(kind: str, flavour: str, url: str, folder: Path, count: int) -> Callable[[], int]:
    """The work of one kind of client; returns how many issues it got."""
    if kind == "bare":
        bare = bare_cloud if flavour == "cloud" else bare_data_center
        return lambda: bare(url, count)
    if kind.startswith("perceval"):
        return perceval(url, comments=kind == "perceval")
    return pull(url, flavour, folder)


def main() -> None:
    kind, flavour, url, folder, count = sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5])
    run = prepared(kind, flavour, url, folder, count)
    session = quiet_session()
    before = session.get(f"{url}/spent", timeout=60).json()
    cpu, wall = time.process_time(), time.perf_counter()
    rows = run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    after = session.get(f"{url}/spent", timeout=60).json()
    if rows != count:
        raise SystemExit(f"{rows} issues instead of {count}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = {"requests": after["requests"] - before["requests"], "server_cpu": after["cpu"] - before["cpu"]}
    print(json.dumps({"cpu": cpu, "wall": wall, "peak_mb": peak, **spent}))


if __name__ == "__main__":
    main()
