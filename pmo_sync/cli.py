"""The command line: parse, call, print. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout
from datetime import date
from functools import update_wrapper
from io import StringIO
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pmo_sync.clock import Clock, SystemClock
from pmo_sync.errors import Exit, PmoSyncError
from pmo_sync.result import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status

    from pmo_sync.config import Config
    from pmo_sync.result import Result

log: Final = logging.getLogger("pmo_sync")
log.addHandler(logging.NullHandler())  # the library logs, the command line prints: never both to the terminal
log.propagate = False
DEFAULT_CONFIG: Final = "pmo-sync.toml"


class _Entry(logging.Formatter):
    """One entry of the log: what it quotes cannot pass for another entry."""

    def format(self, record: logging.LogRecord) -> str:
        """Further lines, such as those of a traceback, are indented."""
        return "\n    ".join(printable(line) for line in super().format(record).splitlines())


class Invocation:
    """What one command was told: configuration, clock, how to print."""

    def __init__(self, config: Path, as_json: bool, quiet: bool, verbose: bool, clock: Clock) -> None:
        self.config_file = config
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.clock = clock
        self._status: Status | None = None

    def load(self) -> Config:
        """The configuration."""
        import connectors
        from pmo_sync.config import load

        return load(self.config_file, os.environ, connectors.names())

    @contextmanager
    def logged(self) -> Iterator[Config]:
        """The configuration, and a rotating log in its state folder for as long as the block."""
        config = self.load()
        folder = config.state_dir / "log"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handler = RotatingFileHandler(folder / "pmo-sync.log", maxBytes=2_000_000, backupCount=5, encoding="utf-8")
        except OSError as error:
            raise PmoSyncError(
                f"{error.filename or folder} cannot be written ({error.strerror}); name another folder as state_dir of "
                "[pmo], or give this user the right to write there"
            ) from error
        handler.setFormatter(_Entry("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.DEBUG if self.verbose else logging.INFO)
        try:
            yield config
        except PmoSyncError as error:
            log.error("%s", error)  # noqa: TRY400 - known, so no traceback
            raise
        except Exception:
            log.exception("unexpected")
            raise
        finally:
            self._stop_status()
            log.removeHandler(handler)
            handler.close()

    def say(self, line: str) -> None:
        """One line of what has happened: to the log, and to people unless they asked for quiet or JSON."""
        log.info("%s", line)
        if self.is_silent:
            return
        self._stop_status()
        _print(printable(line))

    def progress(self, line: str) -> None:
        """What is happening now: one line that changes on a terminal, plain lines elsewhere."""
        log.debug("%s", line)
        if self.is_silent:
            return
        line = printable(line)
        if not sys.stdout.isatty():
            _print(line)
            return
        from rich.console import Console
        from rich.markup import escape

        if self._status is None:
            self._status = Console().status(escape(line))
            self._status.start()
        self._status.update(escape(line))

    @property
    def is_silent(self) -> bool:
        """Only the result is wanted."""
        return self.quiet or self.as_json

    def _stop_status(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def finish(self, result: Result) -> None:
        """Print the result as JSON or as lines, and leave with its exit code."""
        if self.as_json:
            data = {**result.data, "exit": int(result.exit)}
            text = json.dumps(data, default=str, ensure_ascii=False, indent=1)
            _print("".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text))
        else:
            for line in result.text:
                _print(printable(line))
        if result.exit:
            raise SystemExit(int(result.exit))


def _print(text: str) -> None:
    """Where nobody reads any more (``| head``) the rest is not printed; the work goes on."""
    try:
        click.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
        function(Invocation(file, as_json, quiet, verbose, clock), **options)

    return update_wrapper(run, function)


folder = click.Path(path_type=Path, file_okay=False)
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
@click.option("--out", type=folder, default=Path("demo-out"), help="Folder for state and reports.")
@click.option("--quick", is_flag=True, help="A smaller company.")
@click.option("--seed", type=int, default=7, help="Another company.")
@click.option("--keep-serving", is_flag=True, help="Leave the simulated servers running until Ctrl-C.")
@common
def demo(invocation: Invocation, out: Path, quick: bool, seed: int, keep_serving: bool) -> None:
    """The whole job against a simulated company: no credentials, nothing leaves this machine."""
    from pmo_sync.demo.tour import tour

    with redirect_stdout(StringIO()) if invocation.is_silent else nullcontext():  # what the commands inside would print
        result = tour(out, seed, quick=quick, keep_serving=keep_serving, say=invocation.say, runner=run_in_process)
    invocation.finish(result)


@cli.command()
@click.option("--jira", multiple=True, metavar="[NAME=]URL", help="A Jira, Cloud or Data Center; may be repeated.")
@click.option("--gitlab", multiple=True, metavar="[NAME=]URL", help="A GitLab; may be repeated.")
@click.option("--user", "users", multiple=True, metavar="NAME=USER", help="Jira Cloud: whose token it is.")
@click.option(
    "--token-env", "variables", multiple=True, metavar="NAME=VARIABLE",
    help="The environment variable that holds NAME's token. Default: NAME_TOKEN.",
)  # fmt: skip
@click.option("--api-base", "bases", multiple=True, metavar="NAME=URL", help="Where NAME's API is, if not at its URL.")
@click.option("--proxy", "proxies", multiple=True, metavar="NAME=URL", help="The proxy that leads to NAME.")
@click.option(
    "--ca-bundle", "bundles", multiple=True, metavar="NAME=FILE", help="PEM file of the authority NAME's certificate is of."
)  # fmt: skip
@click.option("--name", default="PMO", show_default=True, help="The PMO's name.")
@click.option("--zone", help="The PMO's time zone, such as Asia/Jakarta. Default: this machine's.")
@click.option("--language", type=click.Choice(["en", "id"]), help="Of the reports. Default: this machine's, or en.")
@click.option("--force", is_flag=True, help="Write over an existing configuration.")
@common
def init(invocation: Invocation, **options: Any) -> None:
    """Look at the trackers and write a configuration to start from. Without --jira or --gitlab it asks."""
    from pmo_sync.asking import asked, default_language, default_zone
    from pmo_sync.pipeline import init as first
    from pmo_sync.pipeline.init import Pmo

    about = {
        "--user": options["users"], "--token-env": options["variables"], "--api-base": options["bases"],
        "--proxy": options["proxies"], "--ca-bundle": options["bundles"],
    }  # fmt: skip
    trackers, was_asked = asked(options["jira"], options["gitlab"], about)
    name, zone = options["name"], options["zone"] or default_zone(os.environ)
    language = options["language"] or default_language(os.environ)
    if was_asked:
        name = click.prompt("Name of the PMO", default=name)
        zone = click.prompt("Time zone of the PMO", default=zone)
        language = click.prompt("Language of the reports", default=language, type=click.Choice(["en", "id"]))
    result = first(
        invocation.config_file, Pmo(name, zone, language), trackers,
        environ=os.environ, clock=invocation.clock, voice=invocation, force=options["force"],
    )  # fmt: skip
    invocation.finish(result)


@cli.command()
@click.option("--example", is_flag=True, help="Print a configuration to start from, with every option explained.")
@common
def check(invocation: Invocation, example: bool) -> None:
    """Can we read and write what the configuration names? Changes nothing."""
    if example:
        from pmo_sync.config import example as text

        click.echo(text(), nl=False)
        return
    from pmo_sync import pipeline

    result = pipeline.check(invocation.load(), invocation.clock)
    invocation.finish(result)


@cli.command()
@click.option("--source", "sources", multiple=True, help="Only this source; may be repeated.")
@click.option("--project", "projects", multiple=True, metavar="KEY", help="Only this project; may be repeated.")
@click.option("--full", is_flag=True, help="Read everything again instead of only what changed.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Read again what changed since the beginning of this day."
)
@click.option("--allow-shrink", is_flag=True, help="Take out what is gone, however much it is.")
@click.option("--record", "recording", type=folder, metavar="DIR", help="Keep the trackers' answers in a new folder.")
@click.option("--replay", type=folder, metavar="DIR", help="Read a recording; no tracker is asked.")
@common
def pull(invocation: Invocation, recording: Path | None, replay: Path | None, **options: Any) -> None:
    """Read the trackers into the store."""
    from pmo_sync import pipeline
    from pmo_sync.http.tape import opened

    if recording and replay:
        raise click.UsageError("--record and --replay exclude each other")
    if options["full"] and options["since"]:
        raise click.UsageError("--full and --since exclude each other: a full pull reads everything")
    options["since"] = _day(options["since"])
    with invocation.logged() as config, opened(recording, replay) as tape:
        result = pipeline.pull(config, invocation.clock, invocation, tape=tape, **options)
    invocation.finish(result)


@cli.command()
@as_of_option
@common
def report(invocation: Invocation, on: Any) -> None:
    """Write the local HTML report."""
    from pmo_sync import pipeline

    with invocation.logged() as config:
        result = pipeline.report(config, invocation.clock, invocation, on=_day(on))
    invocation.finish(result)


@cli.command()
@as_of_option
@click.option("--dry-run", is_flag=True, help="Show what would be written, as a diff; write nothing.")
@click.option(
    "--adopt",
    multiple=True,
    metavar="PLACE:SLOT",
    help="Overwrite this one although somebody edited it; may be repeated.",
)
@common
def publish(invocation: Invocation, on: Any, dry_run: bool, adopt: tuple[str, ...]) -> None:
    """Write the reports to their places."""
    from pmo_sync import pipeline

    with invocation.logged() as config:
        result = pipeline.publish(config, invocation.clock, invocation, on=_day(on), dry_run=dry_run, adopt=adopt)
    invocation.finish(result)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Pull and report, but write nothing to any place.")
@common
def sync(invocation: Invocation, dry_run: bool) -> None:
    """Pull, report, publish: what a scheduler calls."""
    from pmo_sync import pipeline

    with invocation.logged() as config:
        result = pipeline.sync(config, invocation.clock, invocation, dry_run=dry_run)
    invocation.finish(result)


@cli.command()
@click.option("--definitions", "--catalogue", is_flag=True, help="What they mean, instead of numbers.")
@click.option("--subject", "subjects", multiple=True, help="Only this subject, such as project:pay.")
@as_of_option
@common
def indicators(invocation: Invocation, definitions: bool, subjects: tuple[str, ...], on: Any) -> None:
    """The numbers of every subject, or what they mean, with what each warning was worth on your own history."""
    from pmo_sync import pipeline

    if definitions:
        result = pipeline.definitions(invocation.load() if invocation.config_file.exists() else None)
    else:
        result = pipeline.indicators(invocation.load(), invocation.clock, on=_day(on), subjects=subjects)
    invocation.finish(result)


@cli.command()
@click.argument("subject")
@click.argument("indicator")
@as_of_option
@common
def explain(invocation: Invocation, subject: str, indicator: str, on: Any) -> None:
    """One number: its definition, its value, the issues behind it. Also SUBJECT forecast, and SUBJECT status."""
    from pmo_sync import pipeline

    result = pipeline.explain(invocation.load(), invocation.clock, subject, indicator, on=_day(on))
    invocation.finish(result)


@cli.command()
@as_of_option
@click.option("--weeks", type=click.IntRange(1, 1040), default=104, show_default=True, help="How far to look back.")
@click.option(
    "--keep", is_flag=True, help="Put it into the record: reports tell it, and the forecast may change for it."
)
@click.option("--out", type=folder, help="Write it as a page into this folder.")
@common
def backtest(invocation: Invocation, on: Any, weeks: int, keep: bool, out: Path | None) -> None:
    """Would our dates have held, our warnings been right? The past week ends of your own history, judged again."""
    from pmo_sync import pipeline

    if keep and on:
        raise click.UsageError("--keep and --as-of exclude each other: what is kept is what is known now")
    result = pipeline.backtest(
        invocation.load(), invocation.clock, invocation, on=_day(on), weeks=weeks, keep=keep, out=out
    )
    invocation.finish(result)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_of_option
@common
def export(invocation: Invocation, file: Path, on: Any) -> None:
    """All readings as a file: .xlsx, .csv, .json or .parquet."""
    from pmo_sync import pipeline

    result = pipeline.export(invocation.load(), invocation.clock, file, on=_day(on))
    invocation.finish(result)


@cli.group()
def state() -> None:
    """What nobody can fetch again: look at it, move it."""


@state.command("show")
@common
def state_show(invocation: Invocation) -> None:
    """Runs, sizes, where everything is."""
    from pmo_sync import pipeline

    result = pipeline.state_show(invocation.load(), invocation.clock)
    invocation.finish(result)


@state.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common
def state_export(invocation: Invocation, file: Path) -> None:
    """Write the record to one file."""
    from pmo_sync import pipeline

    result = pipeline.state_export(invocation.load(), invocation.clock, file)
    invocation.finish(result)


@state.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@common
def state_restore(invocation: Invocation, file: Path) -> None:
    """Take the runs of one file into the record; the database is built anew by the next pull."""
    from pmo_sync import pipeline

    result = pipeline.state_restore(invocation.load(), invocation.clock, file)
    invocation.finish(result)


@cli.group()
def people() -> None:
    """What is kept about people: tell it, forget it."""


@people.command("export")
@click.option("--person", "people", multiple=True, metavar="PERSON", help="Pseudonym or name; may be repeated.")
@common
def people_export(invocation: Invocation, people: tuple[str, ...]) -> None:
    """All that is kept about a person, for who asks; without --person, who they are."""
    from pmo_sync import pipeline

    result = pipeline.people_export(invocation.load(), invocation.clock, people=people)
    invocation.finish(result)


@people.command("erase")
@click.argument("people", nargs=-1, required=True, metavar="PERSON...")
@common
def people_erase(invocation: Invocation, people: tuple[str, ...]) -> None:
    """Forget people, by pseudonym or name, for good: no pull brings them back."""
    from pmo_sync import pipeline

    result = pipeline.people_erase(invocation.load(), invocation.clock, people)  # not logged: the log would name them
    invocation.finish(result)


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
        for line in str(error).splitlines():
            click.echo(f"pmo-sync: {printable(line)}", err=True)
        sys.exit(Exit.KNOWN_ERROR)
    except Exception as error:  # noqa: BLE001 - the last net: whatever this is, it is our bug
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
    try:
        with _exit_codes():
            cli.main(prog_name="pmo-sync", standalone_mode=False)
    except SystemExit as leaving:
        if leaving.code in (Exit.INTERRUPTED, Exit.BUG):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(leaving.code))  # a thread may wait for a server for many minutes: it dies with us
        raise
