"""The command line: parse, call, print. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from datetime import date
from functools import update_wrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pmo_sync.clock import Clock, SystemClock
from pmo_sync.errors import Exit, PmoSyncError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pmo_sync.config import Config

log: Final = logging.getLogger("pmo_sync")
DEFAULT_CONFIG: Final = "pmo-sync.toml"


class Session:
    """What one invocation was told: configuration, clock, how to print."""

    def __init__(self, config: Path, as_json: bool, quiet: bool, verbose: bool, clock: Clock) -> None:
        self.config_file = config
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.clock = clock

    def load(self, *, logging_to_file: bool = False) -> Config:
        """The configuration; with ``logging_to_file`` the run is logged in the state folder."""
        import connectors
        from pmo_sync.config import load

        config = load(self.config_file, os.environ, connectors.names())
        if logging_to_file:
            folder = config.state_dir / "log"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handler = RotatingFileHandler(folder / "pmo-sync.log", maxBytes=2_000_000, backupCount=5, encoding="utf-8")
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            log.addHandler(handler)
            log.setLevel(logging.DEBUG if self.verbose else logging.INFO)
        return config

    def say(self, line: str) -> None:
        """One line of progress: to the terminal, or plainly where there is none; always to the log."""
        log.info("%s", line)
        if not self.quiet and not self.as_json:
            click.echo(line)

    def finish(self, result: dict[str, Any], lines: list[str], code: Exit = Exit.OK) -> None:
        """Print the outcome as JSON or as lines, and leave with ``code``."""
        if self.as_json:
            click.echo(json.dumps({**result, "exit": int(code)}, default=str, ensure_ascii=False, indent=1))
        else:
            for line in lines:
                click.echo(line)
        if code:
            raise SystemExit(int(code))


def common(function: Callable[..., None]) -> Callable[..., None]:
    """The options every command has."""

    @click.option(
        "--config", "config_file", type=click.Path(path_type=Path), help=f"Configuration. Default: {DEFAULT_CONFIG}"
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.option("--quiet", "-q", is_flag=True, help="Print only the result.")
    @click.option("--verbose", "-v", is_flag=True, help="Log more.")
    @click.pass_context
    def run(
        context: click.Context, /, config_file: Path | None, as_json: bool, quiet: bool, verbose: bool, **options: Any
    ) -> None:
        clock: Clock = context.obj or SystemClock()
        file = config_file or Path(os.environ.get("PMO_SYNC_CONFIG", DEFAULT_CONFIG))
        function(Session(file, as_json, quiet, verbose, clock), **options)

    return update_wrapper(run, function)


as_of_option = click.option(
    "--as-of",
    "on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last closed day, YYYY-MM-DD. Default: the last closed period.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pmo-sync")
def cli() -> None:
    """Progress, risk and calibrated forecasts across Jira and GitLab, published where your readers are."""


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-out"), help="Folder for state and reports.")
@click.option("--quick", is_flag=True, help="A smaller company.")
@click.option("--seed", type=int, default=7, help="Another company.")
@click.option("--keep-serving", is_flag=True, help="Leave the simulated servers running until Ctrl-C.")
@common
def demo(session: Session, out: Path, quick: bool, seed: int, keep_serving: bool) -> None:
    """The whole job against a simulated company: no credentials, nothing leaves this machine."""
    from pmo_sync.demo.tour import tour

    result, lines, code = tour(
        out, seed, quick=quick, keep_serving=keep_serving, say=session.say, runner=run_in_process
    )
    session.finish(result, lines, code)


@cli.command()
@common
def check(session: Session) -> None:
    """Can we read and write what the configuration names? Changes nothing."""
    from pmo_sync import pipeline

    result = pipeline.check(session.load(), session.clock)
    session.finish(result.as_json(), result.lines(), result.exit)


@cli.command()
@click.option("--source", "sources", multiple=True, help="Only this source; may be repeated.")
@click.option("--full", is_flag=True, help="Read everything again instead of only what changed.")
@common
def pull(session: Session, sources: tuple[str, ...], full: bool) -> None:
    """Read the trackers into the store."""
    from pmo_sync import pipeline

    config = session.load(logging_to_file=True)
    result = pipeline.pull(config, session.clock, session.say, sources=sources, full=full)
    session.finish(result.as_json(), result.lines(), result.exit)


@cli.command()
@as_of_option
@common
def report(session: Session, on: Any) -> None:
    """Write the local HTML report."""
    from pmo_sync import pipeline

    result = pipeline.report(session.load(logging_to_file=True), session.clock, session.say, on=_day(on))
    session.finish(result.as_json(), result.lines(), result.exit)


@cli.command()
@as_of_option
@click.option("--dry-run", is_flag=True, help="Show what would be written, as a diff; write nothing.")
@click.option("--adopt", multiple=True, metavar="SLOT", help="Overwrite this one although somebody edited it.")
@common
def publish(session: Session, on: Any, dry_run: bool, adopt: tuple[str, ...]) -> None:
    """Write the reports to their places."""
    from pmo_sync import pipeline

    config = session.load(logging_to_file=True)
    result = pipeline.publish(config, session.clock, session.say, on=_day(on), dry_run=dry_run, adopt=frozenset(adopt))
    session.finish(result.as_json(), result.lines(), result.exit)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Pull and report, but write nothing to any place.")
@common
def sync(session: Session, dry_run: bool) -> None:
    """Pull, report, publish: what a scheduler calls."""
    from pmo_sync import pipeline

    result = pipeline.sync(session.load(logging_to_file=True), session.clock, session.say, dry_run=dry_run)
    session.finish(result.as_json(), result.lines(), result.exit)


@cli.command()
@click.option("--catalogue", is_flag=True, help="Definitions instead of numbers.")
@click.option("--subject", "subjects", multiple=True, help="Only this subject, such as project:pay.")
@as_of_option
@common
def indicators(session: Session, catalogue: bool, subjects: tuple[str, ...], on: Any) -> None:
    """The numbers of every subject, or what they mean."""
    from pmo_sync import pipeline

    if catalogue:
        result = pipeline.catalogue()
    else:
        result = pipeline.indicators(session.load(), session.clock, on=_day(on), subjects=subjects)
    session.finish(result.as_json(), result.lines(), result.exit)


@cli.command()
@click.argument("subject")
@click.argument("indicator")
@as_of_option
@common
def explain(session: Session, subject: str, indicator: str, on: Any) -> None:
    """One number: its definition, its value, the issues behind it."""
    from pmo_sync import pipeline

    result = pipeline.explain(session.load(), session.clock, subject, indicator, on=_day(on))
    session.finish(result.as_json(), result.lines(), result.exit)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_of_option
@common
def export(session: Session, file: Path, on: Any) -> None:
    """All readings as a file: .xlsx, .csv, .json or .parquet."""
    from pmo_sync import pipeline

    result = pipeline.export(session.load(), session.clock, file, on=_day(on))
    session.finish(result.as_json(), result.lines(), result.exit)


@cli.group()
def state() -> None:
    """What nobody can fetch again: look at it, move it."""


@state.command("show")
@common
def state_show(session: Session) -> None:
    """Runs, sizes, where everything is."""
    from pmo_sync import pipeline

    result = pipeline.state_show(session.load(), session.clock)
    session.finish(result.as_json(), result.lines(), result.exit)


@state.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common
def state_export(session: Session, file: Path) -> None:
    """Write the record to one file."""
    from pmo_sync import pipeline

    result = pipeline.state_export(session.load(), session.clock, file)
    session.finish(result.as_json(), result.lines(), result.exit)


@state.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@common
def state_restore(session: Session, file: Path) -> None:
    """Take over the record from one file; refused where one exists."""
    from pmo_sync import pipeline

    result = pipeline.state_restore(session.load(), session.clock, file)
    session.finish(result.as_json(), result.lines(), result.exit)


def _day(on: Any) -> date | None:
    return None if on is None else on.date()


def run_in_process(arguments: list[str], clock: Clock, environ: Mapping[str, str]) -> int:
    """Run a command of this program at the clock's moment and return its exit code, as a shell would see it."""
    os.environ.update(environ)
    try:
        with _exit_codes():
            cli.main(arguments, prog_name="pmo-sync", standalone_mode=False, obj=clock)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return int(Exit.OK)


@contextmanager
def _exit_codes() -> Iterator[None]:
    """Known errors in one line, unknown ones into a file."""
    try:
        yield
    except click.exceptions.Abort:
        sys.exit(Exit.INTERRUPTED)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(Exit.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except PmoSyncError as error:
        log.error("%s", error)  # noqa: TRY400 - known, so no traceback
        for line in str(error).splitlines():
            click.echo(f"pmo-sync: {line}", err=True)
        sys.exit(Exit.KNOWN_ERROR)
    except BrokenPipeError:
        sys.exit(Exit.OK)
    except Exception as error:  # the last net: whatever this is, it is our bug
        log.exception("unexpected")
        where = _bug_report()
        click.echo(f"pmo-sync: unexpected {type(error).__name__}; this is a bug. Details: {where}", err=True)
        sys.exit(Exit.BUG)


def _bug_report() -> Path:
    import platform
    import tempfile
    from importlib.metadata import version

    with tempfile.NamedTemporaryFile(
        "w", prefix="pmo-sync-bug-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"pmo-sync {version('pmo-sync')}, Python {platform.python_version()}, {platform.platform()}\n")
        file.write(traceback.format_exc())
    return Path(file.name)


def main() -> None:
    """The console script."""
    with _exit_codes():
        cli.main(prog_name="pmo-sync", standalone_mode=False)
