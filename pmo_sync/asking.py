"""What `init` asks its user, or takes from its options: part of the command line. The secret itself is never asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from pmo_sync.config import Language
    from pmo_sync.pipeline.init import Asked

_NAMED: Final = re.compile(r"(?:([A-Za-z0-9_-]+)=)?(.+)", re.DOTALL)
_ZONES: Final = "zoneinfo/"


def asked(jira: Sequence[str], gitlab: Sequence[str], about: Mapping[str, Sequence[str]]) -> tuple[list[Asked], bool]:
    """The trackers, and whether somebody had to be asked. ``about`` are the options that say NAME=VALUE of a tracker.

    Raises UsageError where the options do not fit together.
    """
    from pmo_sync.pipeline.init import Asked

    if not jira and not gitlab:
        if any(about.values()):
            options = ", ".join(option for option, given in about.items() if given)
            raise click.UsageError(f"{options}: of which tracker? Name it: --jira [NAME=]URL or --gitlab [NAME=]URL")
        return _prompted(), True
    told = {option: _pairs(option, given) for option, given in about.items()}
    found: list[Asked] = []
    for kind, given in (("jira", jira), ("gitlab", gitlab)):
        for one in given:
            name, url = _named(one)
            name = name or _free(kind, [tracker.name for tracker in found])
            said = {option: values.pop(name, "") for option, values in told.items()}
            bundle = said["--ca-bundle"] and str(Path(said["--ca-bundle"]).expanduser().absolute())
            found.append(
                Asked(
                    name, kind, url, said["--token-env"] or _variable(name), user=said["--user"],
                    api_base=said["--api-base"], proxy=said["--proxy"], ca_bundle=bundle,
                )
            )  # fmt: skip
    for option, rest in told.items():
        for name in rest:
            raise click.UsageError(
                f"{option}: no tracker is called {name!r}; there are {', '.join(one.name for one in found)}"
            )
    return found, False


def _named(given: str) -> tuple[str, str]:
    found = _NAMED.fullmatch(given)
    return (found[1] or "", found[2]) if found else ("", given)


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for one in given:
        name, is_pair, value = one.partition("=")
        if not is_pair or not name or not value:
            raise click.UsageError(f"{option} {one}: must be NAME=VALUE, with the NAME of a tracker")
        pairs[name] = value
    return pairs


def _free(kind: str, taken: Sequence[str]) -> str:
    """``jira``, then ``jira-2``."""
    names = [kind, *(f"{kind}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _variable(name: str) -> str:
    return f"{re.sub('[^A-Za-z0-9]', '_', name).upper()}_TOKEN"


def _prompted() -> list[Asked]:
    from pmo_sync.pipeline.init import Asked

    found: list[Asked] = []
    try:
        while not found or click.confirm("Another tracker?", default=False):
            kind = click.prompt("Kind of tracker", type=click.Choice(["jira", "gitlab"]))
            url = click.prompt("Its address, such as https://example.atlassian.net").strip().rstrip("/")
            name = click.prompt("A short name for it", default=_free(kind, [one.name for one in found]))
            user = ""
            if kind == "jira":
                is_cloud = (urlsplit(url).hostname or "").endswith(".atlassian.net")
                what = (
                    "The account's e-mail address" if is_cloud else "User (Jira Cloud only; otherwise leave it empty)"
                )
                user = click.prompt(what, default=None if is_cloud else "", show_default=False)
            variable = click.prompt(
                "Environment variable that holds its token (not the token)", default=_variable(name)
            )
            found.append(Asked(name, kind, url, variable, user))
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError(
            "nobody is here to ask; name the trackers: --jira [NAME=]URL, --gitlab [NAME=]URL"
        ) from None
    return found


def default_zone(environ: Mapping[str, str]) -> str:
    """The zone of this machine by its name, UTC where it does not tell."""
    named = environ.get("TZ", "").removeprefix(":")
    if "/" in named and not named.startswith("/"):
        return named
    linked = str(Path("/etc/localtime").resolve())
    return linked.partition(_ZONES)[2] or "UTC"


def default_language(environ: Mapping[str, str]) -> Language:
    """Bahasa Indonesia where this machine speaks it, else English."""
    said = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return "id" if said.lower().startswith(("id_", "id.", "in_")) or said.lower() == "id" else "en"
