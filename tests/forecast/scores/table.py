"""The score of every method on the public completion dates, as lines to read and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from pmo_sync.forecast.origins import HORIZONS, Vector
from tests.forecast.scores import baselines, ours, pooled, variants
from tests.forecast.scores.data import company
from tests.forecast.scores.measures import Score, beside, difference, interval, interval_beside, scores
from tests.forecast.scores.protocol import Board

PLAIN: Final = "B4 weekly, 12 weeks"
OURS: Final = "F2 left out"
FORMER: Final = "F2 left out, as it was"
METHODS: Final[Mapping[str, Callable[[Board], Vector]]] = {
    "B2 linear": baselines.linear,
    "B3 daily, 30 days": partial(baselines.daily, days=30),
    "B3 daily, 60 days": partial(baselines.daily, days=60),
    "B3 daily, 90 days": partial(baselines.daily, days=90),
    PLAIN: baselines.weekly,
    "M1 table, left out": pooled.table,
    "M2 pooled": partial(pooled.pooled, alike=False),
    "M3 class and own": partial(pooled.pooled, alike=True),
    "F1 in order of time": ours.in_order_of_time,
    "F0 left out, frozen": partial(ours.left_out, learns=False),
    OURS: ours.left_out,
    "F2 left out, each project alone": partial(ours.left_out, alone=True),
}
# what a project must have finished for the product to say a date: gates.py
GATE_ITEMS, GATE_EMPTY = 25, 4
_ROW: Final = "{:<46} {:>5} {:>5} {:>10} {:>5} {:>7} {:>12} {:>6} {:>6} {:>7} {:>6} {:>6}"


def measured(board: Board, *, with_variants: bool) -> dict[str, Any]:
    """All figures."""
    days = {name: method(board) for name, method in METHODS.items()}
    picks: Mapping[str, str] = {}
    if with_variants:
        made = variants.every(board)
        days[FORMER] = made["as it was"]
        days["F2 left out, chosen without each company"], picks = variants.chosen(board, days[PLAIN], made)
        days |= {f"  {name}": some for name, some in made.items() if name != "as it was"}
    found = {name: scores(board, some) for name, some in days.items()}
    plain, dated = found[PLAIN], _dated(board)
    return {
        "forecasts": {weeks: int((board.is_judged & (board.weeks == weeks)).sum()) for weeks in HORIZONS},
        "open_at_the_end": float(np.isinf(board.took[board.is_judged]).mean()),
        "methods": {
            name: {
                str(weeks): _figures(one[weeks], plain[weeks]) for weeks in HORIZONS
            } | {"bars_missed": variants.bars_missed(one, plain)}
            for name, one in found.items()
        },
        "where_the_product_says_a_date": {
            str(weeks): _figures(one, base)
            for (weeks, one), base in zip(
                scores(dated, days[OURS]).items(), scores(dated, days[PLAIN]).values(), strict=True
            )
        },
        "worst_projects": {str(weeks): _worst(board, found[OURS][weeks], weeks) for weeks in HORIZONS},
        "chosen": dict(picks),
        "against_what_it_was": {
            name: {weeks: gap.round(2).tolist() for weeks, gap in difference(one, found[FORMER], plain).items()}
            for name, one in found.items()
            if FORMER in found and name.startswith(("F2", "  ")) and name != FORMER
        },
    }  # fmt: skip


def _dated(board: Board) -> Board:
    return board.judged(
        (board.last.sum(axis=1) >= GATE_ITEMS) & ((board.last == 0).sum(axis=1) <= GATE_EMPTY)
        & (board.silent < 14)
    )  # fmt: skip


def _figures(one: Score, plain: Score) -> dict[str, Any]:
    """Means over projects with their 95 % intervals, and what they are made of."""
    columns = {
        "p50": one.p50,
        "p85": one.p85,
        "p95": one.p95,
        "mdape": one.off,
        "brier": one.brier,
        "pinball": one.loss,
    }
    return {
        **{name: float(values.mean()) for name, values in columns.items()},
        "intervals": {name: interval(values) for name, values in columns.items()},
        "pinball_percent": beside(one, plain),
        "pinball_percent_interval": interval_beside(one, plain),
        "worst_tenth": one.worst_tenth,
        "wins": int((one.loss < plain.loss).sum()),
        "projects": len(one.projects),
        "width": one.width,
    }


def _worst(board: Board, one: Score, weeks: int) -> list[dict[str, Any]]:
    """The two projects whose P85 dates held least, and what became of their plans."""
    found = []
    for at in np.argsort(one.p85, kind="stable")[:2]:
        rows = board.is_judged & (board.weeks == weeks) & (board.owner == board.names.index(one.projects[at]))
        took = board.took[rows] / board.plan[rows]
        found.append(
            {
                "project": one.projects[at], "company": company(one.projects[at]), "forecasts": int(rows.sum()),
                "p85": float(one.p85[at]), "p95": float(one.p95[at]), "median_plans": float(np.median(took)),
                "over_three_plans": float((took > 3).mean()),
            }
        )  # fmt: skip
    return found


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The same, to be read."""
    for weeks, count in found["forecasts"].items():
        yield f"\n{weeks} weeks: {count} forecasts; pinball and wins beside {PLAIN}"
        heads = ("P50", "P85", "", "P95", "pinball", "", "MdAPE", "Brier", "worst", "wins", "P85 at")
        yield _ROW.format("", *heads)
        for name, one in found["methods"].items():
            yield _line(name, one[str(weeks)])
        yield _line("F2 where the product says a date", found["where_the_product_says_a_date"][str(weeks)])
        for one in found["worst_projects"][str(weeks)]:
            yield (
                f"  worst: {one['project']}, {one['forecasts']} forecasts, P85 {one['p85']:.2f}, P95 {one['p95']:.2f}; "
                f"took {one['median_plans']:.1f} plans (median), more than 3 in {100 * one['over_three_plans']:.0f} %"
            )
    yield "\nbars missed"
    for name, one in found["methods"].items():
        if name.startswith("F"):
            yield f"  {name}: {'; '.join(one['bars_missed']) or 'none'}"
    if found["chosen"]:
        yield f"\nchosen for each company without it: {found['chosen']}"
        yield f"pinball beside {FORMER}, points of the plain method's, with 95 % intervals"
        for name, gaps in found["against_what_it_was"].items():
            told = ", ".join(
                f"{weeks} wk {one:+.1f} [{low:+.1f} {high:+.1f}]" for weeks, (one, low, high) in gaps.items()
            )
            yield f"  {name.strip():<56} {told}"


def _line(name: str, one: Mapping[str, Any]) -> str:
    low, high = one["intervals"]["p85"]
    best, least = one["pinball_percent_interval"]
    return _ROW.format(
        name, f"{one['p50']:.2f}", f"{one['p85']:.3f}", f"{low:.2f}-{high:.2f}", f"{one['p95']:.3f}",
        f"{one['pinball_percent']:+.1f}%", f"{best:+.0f}..{least:+.0f}%", f"{one['mdape']:.3f}", f"{one['brier']:.3f}",
        f"{one['worst_tenth']:.2f}", f"{one['wins']}/{one['projects']}", f"{one['width']:.2f}",
    )  # fmt: skip
