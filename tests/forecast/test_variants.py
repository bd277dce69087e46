"""Variants differ in what they say they do, and nothing takes the standard's place without proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync.forecast import variants
from pmo_sync.forecast.basis import Speed
from pmo_sync.forecast.pool import Pool
from pmo_sync.forecast.variants import PRIOR, SHARED, STANDARD, STILL, VARIANTS
from pmo_sync.record import Record
from tests.forecast.test_attribute import CALENDAR
from tests.forecast.test_pool import dice_history

AS_OF = datetime(2026, 6, 29, tzinfo=UTC)
WEEK = timedelta(days=7)


def test_each_variant_is_the_standard_without_one_thing() -> None:
    mine = {f"project:{n}": dice_history(n) for n in range(3)}
    pool = Pool.of(mine)
    speed = Speed(pool, "project:1", mine["project:1"], 20.0, 1.5, CALENDAR)
    said = {one: speed._replace(variant=one).days(80) for one in VARIANTS}
    assert said[STILL] == pytest.approx([day / 1.5 for day in said[STANDARD]])
    assert said[SHARED] == speed._replace(pace_of="a stranger").days(80)
    assert said[PRIOR] == pytest.approx(
        [1.5 * day for day in Pool.of({}).days("project:1", mine["project:1"], 20.0, 80)]
    )
    assert len({tuple(one) for one in said.values()}) == len(VARIANTS)


def losses(better: float, milestones: int, noise: float = 0.05) -> dict[str, dict[str, list[float]]]:
    """Of each milestone two forecasts; PRIOR loses less by ``better``, the others are alike."""
    made: dict[str, dict[str, list[float]]] = {one: {} for one in VARIANTS}
    for n in range(milestones):
        for one in VARIANTS:
            less = better + noise * (-1) ** n if one == PRIOR else 0.0
            made[one][f"milestone:{n}"] = [0.5 - less, 0.7 - less]
    return made


@pytest.mark.parametrize(
    ("better", "milestones", "expected"),
    [(0.1, 60, PRIOR), (0.1, 49, STANDARD), (0.1, 50, PRIOR), (0.001, 60, STANDARD), (-0.1, 60, STANDARD), (0.0, 0, STANDARD)],
)  # fmt: skip
def test_only_proof_changes_anything(better: float, milestones: int, expected: str) -> None:
    compared = variants.compare(losses(better, milestones), STANDARD)
    assert variants.chosen(compared, STANDARD) == expected
    for one in compared:
        assert one.before == STANDARD
        assert one.milestones == milestones
        assert one.low <= one.difference <= one.high


def test_one_in_force_is_what_others_are_compared_with() -> None:
    compared = variants.compare(losses(0.1, 60), PRIOR)
    assert {one.variant for one in compared} == {STANDARD, SHARED, STILL}
    assert variants.chosen(compared, PRIOR) == PRIOR
    assert variants.chosen(variants.compare(losses(-0.1, 60), PRIOR), PRIOR) in {STANDARD, SHARED, STILL}


@given(st.lists(st.floats(-1, 1), min_size=50, max_size=60))
def test_of_two_alike_the_one_in_force_stays(values: list[float]) -> None:
    same = {f"milestone:{n}": [abs(one)] for n, one in enumerate(values)}
    assert variants.chosen(variants.compare(dict.fromkeys(VARIANTS, same), STANDARD), STANDARD) == STANDARD


def keep(
    record: Record, run_id: str, as_of: datetime, compared: list[variants.Compared], now: str, **more: Any
) -> None:
    about = {"run_id": run_id, "as_of": as_of, "kept_at": as_of, "config_digest": "d", **more}
    with record.run(run_id) as run:
        run.write("choice", [{**row, **more} for row in variants.choice_rows(compared, now, about)])


def test_the_last_choice_by_then_is_in_force_with_its_evidence(tmp_path: Path) -> None:
    record = Record(tmp_path)
    assert variants.in_force(record.rows("choice"), AS_OF) is None
    keep(record, "1", AS_OF, variants.compare(losses(0.0, 60), STANDARD), STANDARD)
    assert variants.in_force(record.rows("choice"), AS_OF) is None, "nothing was changed"
    compared = variants.compare(losses(0.1, 60), STANDARD)
    keep(record, "2", AS_OF + WEEK, compared, PRIOR)
    keep(record, "3", AS_OF + 2 * WEEK, variants.compare(losses(0.1, 70), PRIOR), PRIOR)
    rows = record.rows("choice")
    assert variants.in_force(rows, AS_OF) is None, "a report of the past is made as it was"
    [proof] = [one for one in compared if one.variant == PRIOR]
    for later in (1, 2, 9):
        got = variants.in_force(rows, AS_OF + later * WEEK)
        assert got == (PRIOR, STANDARD, AS_OF + WEEK, 60, proof.difference, proof.low, proof.high)
    assert variants.variant(got) == PRIOR
    keep(record, "4", AS_OF + 3 * WEEK, variants.compare(losses(-0.1, 70), PRIOR), STANDARD)
    got = variants.in_force(record.rows("choice"), AS_OF + 3 * WEEK)
    assert got is not None
    assert (got.variant, got.before) == (STANDARD, PRIOR)


def test_a_choice_ends_with_its_method(tmp_path: Path) -> None:
    record = Record(tmp_path)
    keep(record, "1", AS_OF, variants.compare(losses(0.1, 60), STANDARD), PRIOR, method="an older one")
    assert variants.in_force(record.rows("choice"), AS_OF) is None


def test_a_variant_of_another_version_is_not_in_force(tmp_path: Path) -> None:
    record = Record(tmp_path)
    keep(record, "1", AS_OF, [variants.Compared("odd", STANDARD, 60, -0.1, -0.2, -0.05)], "odd")
    keep(record, "2", AS_OF, [variants.Compared(PRIOR, "odd", 60, -0.1, -0.2, -0.05)], PRIOR)
    assert variants.in_force(record.rows("choice"), AS_OF) is None
