"""One measured client in a process of its own: ``python -m tests.benchmarks.client KIND URL FOLDER ISSUES``.

Prints JSON: CPU and wall seconds (imports apart), peak memory, requests. Kinds: ``bare`` (requests and json over the
same pages, four threads), ``pull`` (connector and store), ``again`` (the same store, nothing changed).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

CONFIG = """
[pmo]
name = "Bench"
[source.bench]
kind = "jira"
flavour = "data-center"
url = "{url}"
projects = ["BENCH"]
workers = 4
requests_per_second = 1000
"""


def bare(url: str, count: int) -> int:
    """The least a client must do: fetch the pages four at a time and parse them."""
    session = requests.Session()
    session.trust_env = False

    def page(start: int) -> int:
        params = {"jql": "project = BENCH ORDER BY key", "startAt": start, "maxResults": 100, "expand": "changelog"}
        return len(json.loads(session.get(f"{url}/rest/api/2/search", params=params, timeout=60).content)["issues"])

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(page, range(0, count, 100)))


def main() -> None:
    kind, url, folder, count = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    session = requests.Session()
    session.trust_env = False
    if kind != "bare":
        import connectors.jira
        import pmo_sync.clients.jira  # noqa: F401
        from pmo_sync import config, pipeline
        from pmo_sync.clock import SystemClock
        from pmo_sync.result import Silence

        file = folder / "bench.toml"
        file.write_text(CONFIG.format(url=url), encoding="utf-8")
        loaded = config.load(file, {}, connectors.names())
    asked = session.get(f"{url}/requests", timeout=60).json()
    cpu, wall = time.process_time(), time.perf_counter()
    if kind == "bare":
        rows = bare(url, count)
    else:
        outcome = pipeline.pull(loaded, SystemClock(), Silence())
        (source,) = outcome.data["sources"]
        rows = sum(one["our_count"] for one in source["projects"])
        if source["grade"] == "failed":
            raise SystemExit(source["error"])
    if rows != count:
        raise SystemExit(f"{rows} issues instead of {count}")
    print(
        json.dumps(
            {
                "cpu": time.process_time() - cpu,
                "wall": time.perf_counter() - wall,
                "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "requests": session.get(f"{url}/requests", timeout=60).json() - asked - 1,
            }
        )
    )


if __name__ == "__main__":
    main()
