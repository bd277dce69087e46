"""``make bench``: speed and memory as ratios in one run. Prints a table and writes it to the folder given."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import pulls
from tests.benchmarks.beside_pandas import BESIDE


def start_up() -> Iterator[str]:
    def seconds(*command: str) -> float:
        times = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    ours, click = seconds("-m", "pmo_sync", "--help"), seconds("-c", "import click")
    what = "pmo-sync --help minus import click, seconds"
    yield pulls.bar(what, ours - click, 0.25, f"{ours:.2f} against {click:.2f}")


def analysis() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.portfolio"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {line[:24].strip(): line[24:].strip() for line in text.splitlines()}
    seconds = float(found["derive and indicators"].replace(",", ""))
    yield pulls.bar(f"derive and all indicators of {found['issues']} issues, seconds", seconds, 60, "stretch 20")
    yield f"  intervals of history {found['intervals']}; of it derive, seconds {found['derive']}"
    forecasts, parts = (float(found[one].replace(",", "")) for one in ("forecasts", "attribution"))
    what = f"forecasts of {found['milestones forecast']} milestones, and why {found['forecasts attributed']} moved, seconds"
    yield pulls.bar(what, forecasts + parts, 20, f"{forecasts:.1f} + {parts:.1f}")
    yield pulls.bar("  peak memory, MB", float(found["peak MB"].replace(",", "")), 3000)
    for name in BESIDE:
        ours, pandas = (float(found[f"{name} {whose}"].replace(",", "")) for whose in ("ours", "pandas"))
        yield f"  {name} beside pandas: {ours:.2f} s, pandas {pandas:.2f} s, {pandas / ours:.1f} times as long"


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "bench-out")
    out.mkdir(exist_ok=True)
    lines: list[str] = []
    for part in (start_up, pulls.beside_perceval, pulls.compared, analysis):
        for line in part():
            print(line, flush=True)
            lines.append(line)
    (out / "bench.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
