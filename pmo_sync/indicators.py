"""The catalogue of indicators and their readings for every subject.

One file in ``sql/indicators`` is one indicator: a header (TOML in leading comments), the CTE
``evidence(subject, issue, measure)``, the line ``-- reading``, and a final select over the evidence that gives
``subject, part, value, sample``. The evidence of a number is the same text with another final select: value and
evidence cannot differ. ``measure`` is the item's part of the number; null: looked at, not counted.

Where a report also lists what is counted, the header names the list (``findings``): the indicator's text follows the
CTEs of ``sql/findings`` up to the line ``-- list``, so list and number cannot differ either.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

import pandas as pd
import pyarrow as pa

from pmo_sync.queries import LIST, READING, sql, sql_before, sql_folder

if TYPE_CHECKING:
    from pmo_sync.store import Store

Unit = Literal["items", "days", "working_days", "weeks", "share", "ratio", "items_per_week"]
Direction = Literal["higher", "lower", "none"]
Consumer = Literal["portfolio", "project", "policy", "forecast"]

DIGEST: Final = 20  # characters of a digest
READINGS: Final = ("subject", "indicator", "part", "value", "sample")
EVIDENCE: Final = ("subject", "indicator", "issue_id", "key", "title", "url", "is_confidential", "measure")


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator, as its file says."""

    id: str  # of the PMO's catalogue, FL-3
    name: str
    question: str  # what it answers
    unit: Unit  # of the evidence's measure
    units: Mapping[str, Unit]  # part -> unit of its value
    direction: Direction  # which way is better
    minimum_sample: int  # below it there is no value
    source: str  # of the definition
    gaming: str  # how it can be made to look better, and what shows that
    playbook: str  # card that says what to do
    used_by: tuple[Consumer, ...]
    query: str
    findings: str = ""  # the list whose CTEs it shares

    @property
    def readings(self) -> str:
        """SQL for ``subject, indicator, part, value, sample``; value null where the sample is too small."""
        return (
            f"SELECT subject, '{self.id}' AS indicator, part, "  # noqa: S608 - the text is our own package's
            f"CASE WHEN sample >= {self.minimum_sample} THEN CAST(value AS DOUBLE) END AS value, "
            f"CAST(sample AS BIGINT) AS sample FROM (\n{self.query}\n) AS readings"
        )

    @property
    def digest(self) -> str:
        """Of the definition: it changes with the text of the indicator, and with that of the tables it reads."""
        text = re.sub(r"--.*|\s+", " ", f"{self.readings};{self.evidence};{_tables()}")
        return hashlib.sha256(text.encode()).hexdigest()[:DIGEST]

    @property
    def evidence(self) -> str:
        """SQL for ``subject, issue, measure``: the items behind the numbers."""
        before, _, _ = self.query.partition(READING)
        return f"{before}SELECT subject, issue, measure FROM evidence WHERE measure IS NOT NULL"  # noqa: S608 - as above


@cache
def _tables() -> str:
    """What the tables that indicators read are made by."""
    return ";".join([sql("macros"), *sql_folder("derive")])


@cache
def definitions() -> Mapping[str, Indicator]:
    """Every indicator by its id, in the order of the ids. Raises ValueError when a file is malformed."""
    return MappingProxyType({one.id: one for one in map(parse, sql_folder("indicators"))})


def parse(text: str) -> Indicator:
    """One file's indicator. Raises ValueError when it has no ``-- reading`` line or a header we do not know."""
    header = list(takewhile(lambda line: line.startswith("-- "), text.splitlines()))
    words = tomllib.loads("\n".join(line.removeprefix("-- ") for line in header))
    own = "\n".join(text.splitlines()[len(header) :])
    try:
        query = (sql_before(f"findings/{words['findings']}", LIST) if "findings" in words else "") + own
        indicator = Indicator(**{**words, "used_by": tuple(words["used_by"])}, query=query)
    except (KeyError, TypeError, FileNotFoundError) as error:
        raise ValueError(f"{words.get('id', 'an indicator')}: header: {error}") from None
    if query.count(READING) != 1:
        raise ValueError(f"{indicator.id}: needs exactly one line '-- reading' between evidence and final select")
    if unknown := {indicator.unit, *indicator.units.values()} - set(get_args(Unit)):
        raise ValueError(f"{indicator.id}: unknown unit {', '.join(sorted(unknown))}")
    if indicator.direction not in get_args(Direction):
        raise ValueError(f"{indicator.id}: unknown direction {indicator.direction!r}")
    if not indicator.used_by or not set(indicator.used_by) <= set(get_args(Consumer)):
        raise ValueError(f"{indicator.id}: used_by must name who uses it, from {', '.join(get_args(Consumer))}")
    return indicator


def compute(store: Store, ids: Iterable[str] | None = None) -> pd.DataFrame:
    """The readings of every subject at the moment the tables are cut at: READINGS, ordered by the first three.

    ``value`` is NaN where the sample is below the indicator's minimum or the number does not exist (no pace, no
    estimate of a spread). Subjects without material have no row. Raises KeyError on an unknown id.
    """
    wanted = definitions() if ids is None else {one: definitions()[one] for one in ids}
    frames = [store.frame(indicator.readings) for indicator in wanted.values()]
    if not frames:
        return pd.DataFrame(columns=list(READINGS))
    readings = pd.concat(frames, ignore_index=True)[list(READINGS)]
    readings["value"] = readings["value"].astype("float64")
    return readings.sort_values(list(READINGS[:3]), ignore_index=True)


def evidence(store: Store, indicator_id: str, subjects: Sequence[str], limit: int) -> pd.DataFrame:
    """The items behind one number, EVIDENCE columns: per subject the ``limit`` largest parts, largest first.

    Confidential items are among them; whoever shows them hides key, title and address. Empty for an indicator whose
    material is not items (a milestone's dates). Raises KeyError on an unknown id.
    """
    query = f"""
        SELECT e.subject, '{indicator_id}' AS indicator, l.issue_id, l.key, l.title, l.url, l.is_confidential,
            CAST(e.measure AS DOUBLE) AS measure
        FROM ({definitions()[indicator_id].evidence}) AS e
        JOIN lifecycle AS l ON l.issue = e.issue
        WHERE list_contains(?, e.subject)
        QUALIFY row_number() OVER (PARTITION BY e.subject ORDER BY abs(e.measure) DESC, l.key, l.issue_id) <= ?
        ORDER BY e.subject, abs(e.measure) DESC, l.key, l.issue_id
    """  # noqa: S608 - an id of the catalogue, its text from our own package
    return store.frame(query, [list(subjects), limit])


def listed(store: Store, numbers: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Of each (subject, indicator) a digest of the list of all items behind it; none where no item is.

    Leaves the lists in the table ``listed`` of the connection, for ``issues``. Raises KeyError on an unknown indicator.
    """
    subjects, ids = ([one[place] for one in sorted(numbers)] for place in (0, 1))
    text = pa.string()
    store.put("wanted", pa.table({"subject": pa.array(subjects, text), "indicator": pa.array(ids, text)}))
    store.script(
        "CREATE OR REPLACE TEMP TABLE listed (subject VARCHAR, indicator VARCHAR, issues VARCHAR[], digest VARCHAR)"
    )
    for one in sorted(set(ids)):
        store.script(f"""
            INSERT INTO listed
            SELECT
                subject, '{one}', issues, left(sha256(array_to_string(issues, chr(10))), {DIGEST})
            FROM (
                SELECT e.subject, list(DISTINCT l.issue_id ORDER BY l.issue_id) AS issues
                FROM ({definitions()[one].evidence}) AS e
                JOIN lifecycle AS l ON l.issue = e.issue
                SEMI JOIN wanted AS w ON w.subject = e.subject AND w.indicator = '{one}'
                GROUP BY e.subject
            )
        """)  # noqa: S608 - an id of the catalogue, its text from our own package
    found = store.rows("SELECT subject, indicator, digest FROM listed ORDER BY ALL")
    return {(subject, indicator): digest for subject, indicator, digest in found}


def issues(store: Store, digests: Collection[str]) -> dict[str, list[str]]:
    """The ids of the lists with these digests, as the last ``listed`` found them."""
    query = (
        "SELECT digest, any_value(issues) FROM listed WHERE list_contains(?, digest) GROUP BY digest ORDER BY digest"
    )
    return dict(store.rows(query, [list(digests)]))


def series(store: Store, name: str, subjects: Sequence[str]) -> pd.DataFrame:
    """The points of a chart for some subjects: ``burnup``, ``cumulative_flow`` or ``due_dates``; their files say how.

    Days are the last of each period in the PMO's zone. Raises FileNotFoundError on an unknown name.
    """
    return store.frame(sql(f"series/{name}"), [list(subjects)])
