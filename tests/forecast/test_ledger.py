"""What the ledger keeps, and what "held x of y" counts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_sync.assessed import Forecast, Reason
from pmo_sync.forecast import ledger
from pmo_sync.record import DATASETS
from tests.indicators.world import AS_OF, Item, Milestone, Tables, World

DAY = timedelta(days=1)
NOW = AS_OF.replace(tzinfo=UTC)
TODAY = AS_OF.date() - DAY


def forecast(subject: str, p85_on: date | None, gates: tuple[Reason, ...] = ()) -> Forecast:
    return Forecast(
        subject=subject, method="m", remaining=4, weekly_counts=(1, 2), p50_on=p85_on, p85_on=p85_on, p95_on=None,
        p_hit=0.5, due_on=date(2026, 5, 1), required_pace=1.5, actual_pace=1.0, best_pace=2, gates=gates,
        refused=p85_on is None, fan=(), config_digest="d",
    )  # fmt: skip


def rows(*some: Forecast, as_of: datetime, published_at: datetime | None = None) -> list[dict[str, Any]]:
    assessed: Any = SimpleNamespace(as_of=as_of, forecasts={one.subject: one for one in some})
    return ledger.ledger_rows(assessed, "run-1", published_at or as_of)


def store(**finished: int) -> Tables:
    """Milestones whose only item was done so many days before today; 0: today. Others are still open."""
    items = []
    for number, name in enumerate("abcdefgh", 1):
        start = AS_OF - 400 * DAY
        moves = ((start, "todo"),)
        if name in finished:
            moves = (*moves, (AS_OF - (finished[name] + 0.5) * DAY, "done"))
        items.append(Item(number, "a", moves, stays=((name, start, None),)))
    return Tables(World(tuple(items), tuple(Milestone(name, "a", ()) for name in "abcdefgh")))


def test_rows_hold_the_forecast_and_its_inputs_and_fit_the_record() -> None:
    gates = (Reason("dormant", {"days": 20, "since": date(2026, 2, 9)}),)
    made = rows(forecast("milestone:b", TODAY), forecast("milestone:a", None, gates), as_of=NOW)
    table = pa.Table.from_pylist(made, DATASETS["ledger"])
    assert set(made[0]) == set(DATASETS["ledger"].names)
    refused, given_ = table.to_pylist()
    assert (refused["subject"], refused["refused"]) == ("milestone:a", True)
    assert [json.loads(gate) for gate in refused["gates"]] == [["dormant", {"days": 20, "since": "2026-02-09"}]]
    assert given_["weekly_counts"] == [1, 2]
    assert given_["p85_on"] == TODAY


def test_a_forecast_is_judged_when_its_day_has_come() -> None:
    made = [
        *rows(*(forecast(f"milestone:{name}", TODAY - 3 * DAY) for name in "abc"), as_of=NOW - 60 * DAY),
        *rows(forecast("milestone:d", TODAY + DAY), forecast("milestone:e", None), as_of=NOW - 60 * DAY),
    ]
    found = ledger.held(made, store(a=3, b=2, d=9), NOW)
    assert found == (1, 3)  # a held, b came a day late, c is open; the day of d has not come


def test_the_day_itself_counts() -> None:
    made = rows(forecast("milestone:a", TODAY), forecast("milestone:b", TODAY), as_of=NOW - 60 * DAY)
    assert ledger.held(made, store(a=0), NOW) == (1, 2)


def test_one_forecast_in_28_days_counts_and_the_first_run_of_a_moment() -> None:
    start = NOW - 100 * DAY
    weekly = [
        row
        for n in range(9)
        for row in rows(forecast("milestone:a", TODAY - 10 * DAY), as_of=start + 7 * n * DAY)
    ]  # fmt: skip
    again = rows(forecast("milestone:a", TODAY + 99 * DAY), as_of=start, published_at=start + 6 * DAY)
    assert ledger.held(again + weekly, store(a=12), NOW) == (3, 3)


def test_nothing_published_needs_no_tables() -> None:
    nothing: Any = None
    assert ledger.held([], nothing, NOW) == (0, 0)
    assert ledger.held(rows(forecast("milestone:a", TODAY), as_of=NOW + DAY), nothing, NOW) == (0, 0)


def test_what_is_published_for_a_moment_long_past_is_no_forecast() -> None:
    past = NOW - 60 * DAY
    late = rows(forecast("milestone:a", TODAY), as_of=past, published_at=past + 9 * DAY)
    prompt = rows(forecast("milestone:b", TODAY), as_of=past, published_at=past + 7 * DAY)
    assert ledger.held(late + prompt, store(a=3, b=3), NOW) == (1, 1)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 200), st.integers(1, 90)), max_size=20))
@settings(max_examples=40)
def test_held_never_exceeds_resolved_and_order_does_not_matter(made: list[tuple[str, int, int]]) -> None:
    ledgered = [
        row
        for n, (name, ago, ahead) in enumerate(made)
        for row in rows(
            forecast(f"milestone:{name}", TODAY + (ahead - ago) * DAY),
            as_of=NOW - ago * DAY,
            published_at=NOW - ago * DAY + timedelta(minutes=n),
        )
    ]
    tables = store(a=20)
    forth, back = ledger.held(ledgered, tables, NOW), ledger.held(ledgered[::-1], tables, NOW)
    assert forth == back
    assert forth.held <= forth.resolved <= len(made)


def test_a_milestone_is_finished_on_the_day_of_its_last_item() -> None:
    def item(number: int, milestone: str, *moves: tuple[int, str]) -> Item:
        at = tuple((AS_OF - ago * DAY, category) for ago, category in moves)
        return Item(number, "a", at, stays=((milestone, at[0][0], None),))

    world = World(
        (
            item(1, "done", (30, "todo"), (9, "done")),
            item(2, "done", (30, "todo"), (5, "done")),
            item(3, "done", (30, "todo"), (2, "canceled")),
            item(4, "open", (30, "todo"), (9, "done")),
            item(5, "open", (30, "todo")),
        ),
        (Milestone("done", "a", ()), Milestone("open", "a", ())),
    )
    assert ledger.finished(Tables(world)) == {"milestone:done": (AS_OF - 5 * DAY).date()}
