"""The texts of ``pmo_sync/sql``: queries are files, found by their names."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

READING: Final = "-- reading\n"  # in an indicator: between its evidence and its numbers
LIST: Final = "-- list\n"  # in findings: between what an indicator shares and the rows that reports list


def sql(name: str) -> str:
    """The text of ``sql/<name>.sql``."""
    return files("pmo_sync").joinpath(f"sql/{name}.sql").read_text(encoding="utf-8")


def sql_before(name: str, mark: str) -> str:
    """The part of ``sql/<name>.sql`` up to the line ``mark``: the CTEs that another query goes on from. Raises ValueError."""
    before, found, _ = sql(name).partition(mark)
    if not found:
        message = f"sql/{name}.sql: needs a line {mark.strip()!r} between its CTEs and the final select"
        raise ValueError(message)
    return before


def sql_folder(name: str) -> Iterator[str]:
    """The texts of a folder of ``sql``, in the order of their names."""
    folder = files("pmo_sync").joinpath(f"sql/{name}")
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".sql"))
    return (folder.joinpath(one).read_text(encoding="utf-8") for one in names)
