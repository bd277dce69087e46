"""Three indicators beside pandas code of equal function over the same derived tables, one after the other.

What pandas needs to have the tables in its memory is not counted against it, nor what `derive` takes. The results are
compared before the times are told.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Final

import pandas as pd

from pmo_sync import indicators, tables
from pmo_sync.config import Config
from pmo_sync.store import Store


def completion(work: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """PR-1."""
    made = (
        work.assign(done=work["done_at"].notna())
        .groupby("subject", observed=True)["done"]
        .agg(done="sum", total="count")
    )
    made["remaining"] = made["total"] - made["done"]
    made["share"] = made["done"] / made["total"]
    return made


def overdue(work: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """SC-1."""
    opened = work["done_at"].isna()
    flags = work.assign(opened=opened, late=opened & (work["due_on"] <= today))
    made = flags.groupby("subject", observed=True)[["late", "opened"]].sum()
    return pd.DataFrame({"count": made["late"], "share": made["late"] / made["opened"].where(made["opened"] > 0)})


def unestimated(work: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """SP-5."""
    opened = work[work["done_at"].isna()]
    made = opened.assign(none=opened["estimate"].isna()).groupby("subject", observed=True)["none"].mean()
    return pd.DataFrame({"share": made})


BESIDE: Final[dict[str, Callable[[pd.DataFrame, pd.Timestamp], pd.DataFrame]]] = {
    "PR-1": completion,
    "SC-1": overdue,
    "SP-5": unestimated,
}


def measure(file: Path, config: Config, as_of: datetime, today: date) -> dict[str, dict[str, float]]:
    """Seconds of each indicator: ours from the database, and pandas' from frames. Raises AssertionError where they differ."""
    found = {}
    with Store.open(file, read_only=True, threads=2) as store:
        tables.prepare(store, config, as_of, today)
        members = store.frame("SELECT subject, issue FROM membership").astype({"subject": "category"})
        items = store.frame("SELECT issue, done_at, removed_at, due_on, estimate FROM work_item")
        items["due_on"] = pd.to_datetime(items["due_on"])
        for name, reading in BESIDE.items():
            start = time.perf_counter()
            ours = indicators.compute(store, [name])
            between = time.perf_counter()
            work = members.merge(items[items["removed_at"].isna()], on="issue")
            theirs = reading(work, pd.Timestamp(today))
            end = time.perf_counter()
            same(ours, theirs)
            found[name] = {"ours": between - start, "pandas": end - between}
    return found


def same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    table = ours.pivot_table(index="subject", columns="part", values="value", dropna=False)
    theirs = theirs.set_axis(theirs.index.astype(str)).astype("float64").sort_index()
    pd.testing.assert_frame_equal(table[list(theirs.columns)], theirs, check_names=False, check_column_type=False)


if __name__ == "__main__":
    from tests.benchmarks import portfolio

    print(json.dumps(measure(Path(sys.argv[1]), portfolio.configuration(), portfolio.AS_OF, portfolio.TODAY)))
