"""The guided tour behind ``pmo-sync demo``: the program's own commands, run against the simulated company.

It calls nothing but the command line, as a user would, and then counts what reached the servers.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pmo_sync.clock import Clock, FixedClock
from pmo_sync.demo import Running, start
from pmo_sync.demo.portfolio import generate
from pmo_sync.demo.servers.confluence import BOT, BehindTheScenes
from pmo_sync.errors import Exit, PmoSyncError
from pmo_sync.result import Result

Runner = Callable[[list[str], Clock, Mapping[str, str]], int]  # arguments, clock, environment -> exit code
MARKER: Final = ".pmo-sync-demo"


def tour(
    out: Path, seed: int, *, quick: bool, keep_serving: bool, say: Callable[[str], None], runner: Runner
) -> Result:
    """Sync, publish again, let a week pass, sync.

    ``out`` receives configuration, state and reports; an earlier tour's is replaced, anything else is refused.
    """
    _clear(out)
    company = generate(seed, quick=quick)
    with start(company, out) as running:
        config = out / "pmo-sync.toml"
        config.write_text(running.config_text(), encoding="utf-8")

        def run(title: str, *arguments: str) -> int:
            say("")
            say(f"== {title}: pmo-sync {' '.join(arguments)}  ({company.now:%A %d %B %Y})")
            before = len(running.writes())
            code = runner([*arguments, "--config", str(config)], FixedClock(company.now), running.tokens)
            written = len(running.writes()) - before
            say(f"-- {written} writes reached the servers, exit {code}")
            steps.append({"step": title, "exit": code, "writes": written})
            return written

        steps: list[dict[str, Any]] = []
        run("everything is connected", "check")
        run("first sync", "sync")
        again = run("publishing again changes nothing", "publish")
        running.advance(1)
        run("a week later", "sync")
        report = out / "reports" / "portfolio.html"
        lines = [
            "",
            f"HTML report     {report.resolve()}",
            *_places(running),
            f"Configuration   {config.resolve()}",
        ]
        worst = max(step["exit"] for step in steps)
        if again:
            worst = int(Exit.FINISHED_WITH_FAILURES)
            lines.append(f"Publishing again wrote {again} times; it should have written nothing")
        if keep_serving:
            _serve(running, lines, say)
        return Result({"steps": steps, "report": str(report), "places": running.urls}, lines, Exit(worst))


def _places(running: Running) -> list[str]:
    made = []
    for name, server in running.servers.items():
        if isinstance(server, BehindTheScenes):
            ours = sorted(page.title for page in server.pages() if page.author == BOT.name)
            made.append(f"{name:<15} {len(ours)} pages, first: {ours[0] if ours else '-'}")
    return made


def _serve(running: Running, lines: list[str], say: Callable[[str], None]) -> None:
    for line in lines:
        say(line)
    say("Serving until Ctrl-C: " + ", ".join(f"{name} {url}" for name, url in running.urls.items()))
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        say("stopped")


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        msg = f"{out} is not empty and not from an earlier demo; name another folder with --out"
        raise PmoSyncError(msg)
    try:
        if out.exists():
            shutil.rmtree(out)
        out.mkdir(parents=True)
        (out / MARKER).touch()
    except OSError as error:
        raise PmoSyncError(f"{out} cannot be made anew ({error}); name another folder with --out") from error
