"""Lists read by time, while what they hold changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.gitlab.windows import windows

START = datetime(2026, 1, 1, tzinfo=UTC)


def row(number: Any, minute: int = 0) -> dict[str, Any]:
    return {"id": number, "updated_at": (START + timedelta(minutes=minute)).isoformat(), "minute": minute}


def test_a_row_that_changes_while_it_is_listed_is_handed_on_once_as_it_is_then() -> None:
    """Sixty rows of one moment take two pages; one of the second changes when that was just read."""
    asked: list[datetime | None] = []

    def listing(since: datetime | None) -> Iterator[dict[str, Any]]:
        asked.append(since)
        before = [row(number) for number in range(60)]
        rows = before if len(asked) < 3 else [one for one in before if one["id"] != 55]
        rows += [row(55, 5)] if len(asked) > 1 else []
        yield from (one for one in rows if since is None or datetime.fromisoformat(one["updated_at"]) >= since)

    found = [window for window, _ in windows(listing, "updated_at", None, lambda: 50)]
    for window in found:
        assert len({one["id"] for one in window}) == len(window)
    last = {one["id"]: one["minute"] for window in found for one in window}
    assert last == {number: 5 if number == 55 else 0 for number in range(60)}


def test_rows_without_an_id_are_all_handed_on() -> None:
    odd = [{"iid": 1}, {"iid": 2}, {"id": None, "iid": 3}]
    ((window, _),) = windows(lambda _: iter(odd), "updated_at", None, lambda: 50)
    assert window == odd
