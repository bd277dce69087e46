"""Where a project's reading stands, as JSON text. Pure.

The watermark is the *server's* time, read before the first question of a pass: whatever changes while the pass runs
is newer and comes with the next one. Every pass looks back a little (clocks of the nodes of one server differ, and
indexes lag), and twice a day a whole day: Cloud's search index has been seen hours behind.

What was read by other fields than those that the configuration or the site now says is read again, all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

OVERLAP: Final = timedelta(minutes=15)
DEEP_OVERLAP: Final = timedelta(hours=24)
DEEP_EVERY: Final = timedelta(hours=12)


class Position(NamedTuple):
    """How far a pass has come: rows read in the order of keys, and the native id of the last issue."""

    row: int = 0
    after: str = ""


START: Final = Position()


@dataclass(frozen=True, slots=True)
class Cursor:
    """``complete`` is the watermark of the last finished pass; ``started`` is set while a pass is under way."""

    complete: datetime | None = None
    deep: datetime | None = None  # the last pass that looked back a day (or read everything)
    epoch: bool | None = None  # whether this server takes milliseconds in JQL; None: not known yet
    started: datetime | None = None
    since: datetime | None = None  # the running pass reads what changed since; None: everything
    is_deep: bool = False
    position: Position = START
    fields: Mapping[str, tuple[str, ...]] | None = None  # ours -> the tracker's, by which it was read; None: not known

    @classmethod
    def parse(cls, text: str | None) -> Cursor | None:
        """The cursor behind a text; None if there is none or it is not ours: then everything is read."""
        try:
            return _DECODER.decode(text) if text else None
        except (msgspec.DecodeError, ValueError):
            return None

    def text(self) -> str:
        """As it is stored."""
        return msgspec.json.encode(self).decode()

    def set_back(self, moment: datetime) -> Cursor:
        """As if the last pass had ended at ``moment``; one that reads everything goes on."""
        if self.started is not None and self.since is None:
            return self
        return Cursor(complete=moment, deep=moment, epoch=self.epoch, fields=self.fields)

    def is_by(self, fields: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether it was read by these fields, as far as it tells. That one is chosen no more rewrites nothing."""
        known = self.fields
        return known is None or all(known.get(ours) == ids for ours, ids in fields.items())

    def begin(self, now: datetime, *, epoch: bool | None) -> Cursor:
        """A new pass at the server's time ``now``."""
        is_deep = self.deep is None or self.complete is None or now - self.deep >= DEEP_EVERY
        back = DEEP_OVERLAP if is_deep else OVERLAP
        return replace(
            self,
            epoch=epoch,
            started=now,
            since=None if self.complete is None else self.complete - back,
            is_deep=is_deep,
            position=START,
        )

    def at(self, position: Position) -> Cursor:
        """The same pass, further on."""
        return replace(self, position=position)

    def done(self) -> Cursor:
        """The pass is complete."""
        deep = self.started if self.is_deep else self.deep
        return Cursor(complete=self.started, deep=deep, epoch=self.epoch, fields=self.fields)


_DECODER: Final = msgspec.json.Decoder(Cursor)


def quoted(text: str) -> str:
    """A JQL string: keys such as ``IF`` and ``AND`` are words of the language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def oldest(since: datetime, *, epoch: bool) -> datetime:
    """No row of a pass was changed before this, unless the server ignores what it was asked.

    An index may know a row's second or minute only. A text is read in the account's zone, or in the server's, which may
    be anywhere: then a day and its zones pass.
    """
    return since - (timedelta(minutes=1) if epoch else timedelta(hours=28))


def jql(project: str, since: datetime | None, *, epoch: bool, zone: str) -> str:
    """The question of a pass: no upper bound, in the order of keys so that rows keep their places.

    With ``epoch`` the bound is in milliseconds, which no zone can shift. Without, JQL knows minutes of the account's
    own ``zone`` only: an hour more is looked back, because one hour a year comes twice.
    """
    if since is None:
        return f"project = {quoted(project)} ORDER BY key ASC"
    if epoch:
        bound: Any = int(since.timestamp() * 1000)
    else:
        local = (since - timedelta(hours=1)).astimezone(ZoneInfo(zone))
        bound = f'"{local:%Y-%m-%d %H:%M}"'
    return f"project = {quoted(project)} AND updated >= {bound} ORDER BY key ASC"
