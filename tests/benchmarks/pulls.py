"""Cold pulls beside a bare client and beside Perceval: requests, CPU, wall clock, peak memory, one line a case.

Every pair of a line ran one after the other against the same server, which answers from pre-built bytes in a process
of its own. Small cases are medians of several runs; where the machine is busy, ratios mean more than seconds.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Final

CASES: Final = (  # of each: flavour, issues, latencies in milliseconds, how many runs
    ("data-center", 1_000, (0, 50, 150), 3),
    ("data-center", 5_000, (0, 50, 150), 3),
    ("data-center", 50_000, (0, 50, 150), 1),
    ("cloud", 5_000, (0, 50), 3),
)
BESIDE_PERCEVAL: Final = 1_000  # issues
# What no reader can leave out: clock, account, fields, statuses, project, versions, boards, count;
# Data Center also tells when the token expires.
FIXED: Final = {"data-center": 9, "cloud": 8}
HEAD: Final = (
    "                        requests        CPU seconds               wall seconds              peak MB      server\n"
    "server       issues  ms   ours least    bare   ours ratio         bare   ours  share        bare  ours   CPU s"
)

Run = dict[str, float]


@contextmanager
def served(flavour: str, issues: int, latency_ms: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.jira_static", flavour, str(issues), str(latency_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def measure(kind: str, flavour: str, url: str, issues: int, folder: str = ".") -> Run:
    command = [sys.executable, "-m", "tests.benchmarks.client", kind, flavour, url, folder, str(issues)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    found: Run = json.loads(done.stdout)
    return found


def median(runs: list[Run]) -> Run:
    return {name: statistics.median(one[name] for one in runs) for name in runs[0]}


def least(flavour: str, issues: int) -> int:
    """The fewest requests that bring every issue with its whole history, and the fixed ones."""
    pages = ceil(issues / 100)
    return FIXED[flavour] + pages + (ceil(issues / 5000) + ceil(issues / 1000) if flavour == "cloud" else 0)


def line(flavour: str, issues: int, latency: int, bare: Run, ours: Run) -> str:
    return (
        f"{flavour:<12} {issues:>6} {latency:>3}  {ours['requests']:>5.0f} {least(flavour, issues):>5}  "
        f"{bare['cpu']:>6.2f} {ours['cpu']:>6.2f} {ours['cpu'] / bare['cpu']:>5.2f}       "
        f"{bare['wall']:>6.2f} {ours['wall']:>6.2f}  {bare['wall'] / ours['wall']:>5.2f}      "
        f"{bare['peak_mb']:>6.0f} {ours['peak_mb']:>5.0f}  {ours['server_cpu']:>6.2f}"
    )


def cold(flavour: str, issues: int, latency: int, runs: int) -> tuple[Run, Run, Run]:
    """Medians of the bare client, the cold pull, and the pull after it where nothing has changed."""
    bare, ours, again = [], [], []
    with served(flavour, issues, latency) as url:
        for _ in range(runs):
            bare.append(measure("bare", flavour, url, issues))
            with tempfile.TemporaryDirectory() as folder:
                ours.append(measure("pull", flavour, url, issues, folder))
                again.append(measure("again", flavour, url, issues, folder))
    return median(bare), median(ours), median(again)


def compared() -> Iterator[str]:
    """The table, and under it the bars."""
    yield "cold pull (4 requests at a time) beside requests + json over the same pages; share = bare wall / our wall"
    yield from HEAD.split("\n")
    found: dict[tuple[str, int, int], tuple[Run, Run, Run]] = {}
    for flavour, issues, latencies, runs in CASES:
        for latency in latencies:
            found[flavour, issues, latency] = cold(flavour, issues, latency, runs)
            bare, ours, _ = found[flavour, issues, latency]
            yield line(flavour, issues, latency, bare, ours)
    yield from bars(found)


def bars(found: dict[tuple[str, int, int], tuple[Run, Run, Run]]) -> Iterator[str]:
    for flavour in ("data-center", "cloud"):
        bare, ours, again = found[flavour, 5_000, 0]
        yield bar(f"{flavour}: CPU / bare, 5,000 issues", ours["cpu"] / bare["cpu"], 3, "stretch 2")
        yield bar("  requests / least", ours["requests"] / least(flavour, 5_000), 1.05)
        allowed = FIXED[flavour] + 0.02 * ours["requests"]
        yield bar(
            "  nothing changed: requests",
            again["requests"],
            allowed,
            f"{FIXED[flavour]} fixed + 2 % of the cold pull's",
        )
        slow_bare, slow, _ = found[flavour, 5_000, 50]
        yield bar("  throughput / bare at 50 ms", slow_bare["wall"] / slow["wall"], 0.9, at_least=True)
    bare, ours, _ = found["data-center", 50_000, 50]
    yield bar("data-center: throughput / bare at 50 ms, 50,000 issues", bare["wall"] / ours["wall"], 0.9, at_least=True)
    small, large = found["data-center", 5_000, 0][1], found["data-center", 50_000, 0][1]
    yield bar("  peak memory, 50,000 / 5,000 issues", large["peak_mb"] / small["peak_mb"], 1.1, "flat")


def bar(what: str, value: float, limit: float, note: str = "", *, at_least: bool = False) -> str:
    """One measured value against its bar, met or not."""
    is_met = value >= limit if at_least else value <= limit
    sign = ">=" if at_least else "<="
    return f"{what:<56} {value:>6.2f}   bar {sign} {limit:<5.4g} {'met' if is_met else 'MISSED'}{note and '   ' + note}"


def beside_perceval() -> Iterator[str]:
    """Perceval reads Data Center's search, one page at a time, and the comments of each issue."""
    yield f"beside Perceval's Jira backend, {BESIDE_PERCEVAL:,} issues of Data Center"
    yield "  ms  client                  requests  CPU s   wall s  peak MB   wall / ours"
    for latency in (0, 50):
        with served("data-center", BESIDE_PERCEVAL, latency) as url, tempfile.TemporaryDirectory() as folder:
            ours = measure("pull", "data-center", url, BESIDE_PERCEVAL, folder)
            others = {
                kind: measure(kind, "data-center", url, BESIDE_PERCEVAL)
                for kind in ("perceval-uncommented", "perceval")
            }
        for name, run in {"pmo-sync": ours, **others}.items():
            yield (
                f"  {latency:>2}  {name:<22} {run['requests']:>9.0f} {run['cpu']:>6.2f} {run['wall']:>8.2f} "
                f"{run['peak_mb']:>8.0f}   {run['wall'] / ours['wall']:>10.2f}"
            )
    yield bar("Perceval's wall clock / ours at 50 ms", others["perceval"]["wall"] / ours["wall"], 5, at_least=True)
