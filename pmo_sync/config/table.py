"""Reading one TOML table: a wrong value becomes a problem and a default, never an exception."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pmo_sync.config.records import Secret

_MISSING: Final = object()
_WORDS: Final = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "a table", date: "a day such as 2026-12-24"}  # fmt: skip
_SECRETS: Final = ("env", "file", "command", "keyring")


class Table:
    """Reads one TOML table; remembers what was wrong and what nobody asked for.

    ``where`` is the table's prefix in problems (``pmo.``); relative paths start in the folder of ``file``.
    """

    def __init__(self, data: Mapping[str, Any], where: str, problems: list[str], file: Path) -> None:
        self.data = data
        self.where = where
        self.problems = problems
        self.file = file
        self._asked: set[str] = set()

    def wrong(self, key: str, what: str) -> None:
        self.problems.append(f"{self.file.name}: {self.where}{key}: {what}")

    def get(self, key: str, kind: type[Any] | tuple[type[Any], ...], default: Any = _MISSING) -> Any:
        self._asked.add(key)
        value = self.data.get(key, _MISSING)
        if value is _MISSING:
            if default is _MISSING:
                self.wrong(key, "missing")
                return None
            return default
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            self.wrong(key, f"must be {' or '.join(_WORDS[one] for one in wanted)}, is {value!r}")
            return None if default is _MISSING else default
        return value

    def text(self, key: str, default: Any = _MISSING) -> Any:
        value = self.get(key, str, default)
        if value == "" and default != "":
            self.wrong(key, "is empty")
        return value

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        value: int = self.get(key, int, default)
        return int(self._between(key, value, default, low, high))

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value: float = self.get(key, (int, float), default)
        return float(self._between(key, value, default, low, high))

    def _between(self, key: str, value: float, default: float, low: float, high: float) -> float:
        if low <= value <= high:
            return value
        self.wrong(key, f"must be between {low:g} and {high:g}, is {value}")
        return default

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        value = self.get(key, list, list(default))
        if not all(isinstance(one, str) and one for one in value):
            self.wrong(key, "must be a list of texts")
            return tuple(default)
        return tuple(value)

    def choice(self, key: str, allowed: Sequence[str], default: Any = _MISSING) -> Any:
        value = self.get(key, str, default)
        if value is not None and value not in allowed:
            self.wrong(key, f"must be one of {', '.join(allowed)}, is {value!r}")
            return None if default is _MISSING else default
        return value

    def choices(self, key: str, allowed: Sequence[str], default: Sequence[str]) -> tuple[Any, ...]:
        values = self.texts(key, default)
        for value in values:
            if value not in allowed:
                self.wrong(key, f"must be from {', '.join(allowed)}, has {value!r}")
        return tuple(value for value in values if value in allowed)

    def words(self, key: str) -> dict[str, str]:
        value = self.get(key, dict, {})
        bad = [name for name, one in value.items() if not isinstance(one, str)]
        for name in bad:
            self.wrong(f"{key}.{name}", "must be a text")
        return {name: one for name, one in value.items() if name not in bad}

    def day(self, key: str) -> date | None:
        value: date | None = self.get(key, date)
        if isinstance(value, datetime):
            self.wrong(key, "must be a day such as 2026-12-24, without an hour")
            return None
        return value

    def days(self, key: str) -> tuple[date, ...]:
        value = self.get(key, list, [])
        if not all(isinstance(day, date) and not isinstance(day, datetime) for day in value):
            self.wrong(key, "must be a list of dates such as 2026-12-24")
            return ()
        return tuple(value)

    def path(self, key: str, default: Any = _MISSING) -> Path | None:
        value = self.text(key, default)
        return None if value is None else self._resolve(key, value)

    def paths(self, key: str) -> tuple[Path, ...]:
        return tuple(self._resolve(key, one) for one in self.texts(key))

    def _resolve(self, key: str, value: str) -> Path:
        try:
            return self.file.parent / Path(value).expanduser()
        except RuntimeError:  # ~somebody who is not here
            self.wrong(key, f"no home folder for {value!r}")
            return self.file.parent / value

    def url(self, key: str, default: Any = _MISSING) -> str:
        value = str(self.text(key, default) or "").rstrip("/")
        if not value or value == default:  # reported already, or fine
            return value
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if "@" in value.removeprefix("https://").removeprefix("http://").partition("/")[0]:
            self.wrong(key, "must not hold a user or password; say user = ... and token = ...")  # nor do we repeat it
        elif not good:
            self.wrong(key, f"must be an address that starts with https://, is {value!r}")
        return value

    def zone(self, key: str, default: str) -> ZoneInfo:
        value = self.text(key, default)
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.wrong(key, f"unknown time zone {value!r}; use a name like Asia/Jakarta")
            return ZoneInfo("UTC")

    def secret(self, key: str, environ: Mapping[str, str]) -> Secret | None:
        self._asked.add(key)
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in _SECRETS:
            self.wrong(
                key, 'must be a reference such as { env = "NAME" } (env, file, command or keyring), not the secret'
            )
            return None
        how, where = next(iter(value.items()))
        if not isinstance(where, str) or not where:
            self.wrong(f"{key}.{how}", "must be a text")
            return None
        return Secret(how, str(self._resolve(key, where)) if how == "file" else where, environ)

    def table(self, key: str) -> Table:
        """The table ``[key]``; empty where there is none."""
        return Table(self.get(key, dict, {}), f"{self.where}{key}.", self.problems, self.file)

    def tables(self, key: str) -> list[Table]:
        """The tables of ``[[key]]``."""
        self._asked.add(key)
        found = self.data.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.wrong(key, f"must be a list of tables: [[{key}]], or {key} = [{{ ... }}]")
            return []
        return [
            Table(one, f"{self.where}{key}[{one.get('id', number)}].", self.problems, self.file)
            for number, one in enumerate(found, 1)
        ]

    def named(self, key: str) -> dict[str, Table]:
        """The tables of ``[key.NAME]``."""
        found = self.get(key, dict, {})
        made = {}
        for name, one in found.items():
            if isinstance(one, dict):
                made[name] = Table(one, f"{self.where}{key}.{name}.", self.problems, self.file)
            else:
                self.wrong(f"{key}.{name}", f"must be written as [{key}.{name}]")
        return made

    def finish(self) -> None:
        """Report what nobody asked for: usually a slip of the pen."""
        for key in self.data:
            if key not in self._asked:
                self.wrong(key, "unknown option")
