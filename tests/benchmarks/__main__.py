"""``make bench``: speed and memory as ratios in one run. Prints a table and writes it to the folder given."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ISSUES = 5_000
RUNS = 3


@contextmanager
def served(issues: int, latency_ms: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.jira_static", str(issues), str(latency_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def measure(kind: str, url: str, folder: Path, issues: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.client", kind, url, str(folder), str(issues)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def median(runs: list[dict[str, Any]], what: str) -> float:
    return statistics.median(run[what] for run in runs)


def pulls() -> list[str]:
    lines = []
    with served(ISSUES, 0) as url:
        bare = [measure("bare", url, Path(), ISSUES) for _ in range(RUNS)]
        cold, again = [], []
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as folder:
                cold.append(measure("pull", url, Path(folder), ISSUES))
                again.append(measure("again", url, Path(folder), ISSUES))
    fixed = 12  # identity, fields, probe of the clock, catalogue, census
    least = ISSUES / 100 + fixed
    lines.append(
        f"cold pull of {ISSUES} issues, CPU / bare fetch and parse     {median(cold, 'cpu') / median(bare, 'cpu'):6.2f}   bar 3, stretch 2"
    )
    lines.append(
        f"  requests / least requests ({least:.0f})                      {median(cold, 'requests') / least:6.2f}   bar 1.05"
    )
    lines.append(
        f"sync where nothing changed, requests / cold pull        {median(again, 'requests') / median(cold, 'requests'):6.2f}   ({median(again, 'requests'):.0f} requests)"
    )
    with served(ISSUES, 50) as url, tempfile.TemporaryDirectory() as folder:
        slow_bare, slow_cold = measure("bare", url, Path(), ISSUES), measure("pull", url, Path(folder), ISSUES)
    lines.append(
        f"  throughput at 50 ms latency / bare client             {slow_bare['wall'] / slow_cold['wall']:6.2f}   bar 0.90"
    )
    with served(4 * ISSUES, 0) as url, tempfile.TemporaryDirectory() as folder:
        large = measure("pull", url, Path(folder), 4 * ISSUES)
    lines.append(
        f"  memory with four times the issues / once              {large['rss_mb'] / median(cold, 'rss_mb'):6.2f}   ({median(cold, 'rss_mb'):.0f} MB)"
    )
    return lines


def start_up() -> list[str]:
    def seconds(*command: str) -> float:
        times = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    ours, click = seconds("-m", "pmo_sync", "--help"), seconds("-c", "import click")
    return [
        f"pmo-sync --help minus import click, seconds             {ours - click:6.2f}   bar 0.25 ({ours:.2f} against {click:.2f})"
    ]


def analysis() -> list[str]:
    command = [sys.executable, "-m", "tests.benchmarks.portfolio"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {line[:24].strip(): line[24:].strip() for line in text.splitlines()}
    return [
        f"derive and all indicators of {found['issues']} issues, s  {found['derive and indicators']:>8}   bar 60, stretch 20",
        f"  intervals of history                                {found['intervals']}",
        f"  of it derive, seconds                               {found['derive']:>8}",
        f"  peak memory, MB                                     {found['peak MB']:>8}   bar 3000",
    ]


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "bench-out")
    out.mkdir(exist_ok=True)
    lines: list[str] = []
    for part in (start_up, pulls, analysis):
        for line in part():
            print(line, flush=True)
            lines.append(line)
    (out / "bench.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
