"""A header names exactly those who use the indicator: a number nobody reads is not worth its query.

What a page uses it cannot do without: it reads differently when the indicator's numbers, the items behind them and the
list that shares its text are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmo_sync import assess, forecast, indicators, policy
from pmo_sync.assessed import Assessed
from reports import compose_all
from reports.document import Document
from tests.reports import sample

# where the rows of a list of findings end up
LISTS = {"waits": "waits", "decisions": "decisions", "doubtful": "doubts"}


def without(indicator: str, whole: Assessed) -> Assessed:
    """The period as if nobody had made the indicator."""
    listed = LISTS.get(indicators.definitions()[indicator].findings)
    return replace(
        whole,
        **({listed: ()} if listed else {}),
        **{
            name: {key: value for key, value in getattr(whole, name).items() if key[1] != indicator}
            for name in ("readings", "before", "evidence")
        },
    )


def pages(whole: Assessed) -> dict[str, list[Document]]:
    """By consumer."""
    documents = compose_all(whole, "en")
    return {"project": [one for one in documents if one.slot != "portfolio"], "portfolio": documents[-1:]}


def on_page(indicator: str, consumer: str) -> bool:
    return pages(sample.assessed())[consumer] != pages(without(indicator, sample.assessed()))[consumer]


class Asked(dict[Any, Any]):
    """Readings that remember which indicators somebody asked for."""

    def __init__(self, readings: Mapping[Any, Any]) -> None:
        super().__init__(readings)
        self.ids: set[str] = set()

    def get(self, key: Any, default: Any = None) -> Any:
        self.ids.add(key[1])
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.ids.add(key[1])  # type: ignore[index]
        return super().__contains__(key)


def judged(whole: Assessed) -> tuple[set[str], Any, Any]:
    """Whose numbers the policy asks for, and what it says with and without the waits between projects."""
    asked = Asked(whole.readings)
    wait = max(whole.waits, key=lambda one: one.late_days)
    cut = assess.Cut(
        whole.as_of, whole.today, whole.subjects, asked, whole.forecasts, {}, {}, ((wait, ("milestone:20",)),)
    )
    said, alone = (assess._verdicts(one, {}, {}, {}) for one in (cut, replace(cut, waits=())))
    period = policy.Period(whole.subjects, said, whole.forecasts, asked)
    policy.changes(period, period)
    return asked.ids, said, alone


def in_policy(indicator: str, _: str) -> bool:
    asked, said, alone = judged(sample.assessed())
    return indicator in asked or (indicators.definitions()[indicator].findings == "waits" and said != alone)


def in_forecast(indicator: str, _: str) -> bool:
    return f'indicators/{indicator}"' in Path(str(forecast.__file__)).read_text(encoding="utf-8")


USES: Mapping[str, Callable[[str, str], bool]] = {
    "portfolio": on_page, "project": on_page, "policy": in_policy, "forecast": in_forecast,
}  # fmt: skip


@pytest.mark.parametrize("indicator", sorted(indicators.definitions()))
def test_the_header_names_who_uses_it(indicator: str) -> None:
    using = {consumer for consumer, uses in USES.items() if uses(indicator, consumer)}
    assert using == set(indicators.definitions()[indicator].used_by)


def test_every_list_an_indicator_shares_is_read() -> None:
    assert {one.findings for one in indicators.definitions().values()} - {""} == set(LISTS)
