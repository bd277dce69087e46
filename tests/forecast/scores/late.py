"""Late or not, on three other sets of public data: versions, sprints and issues with a due date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.forecast.scores import delays, sprints, versions
from tests.forecast.scores.ranking import Measured


def measured(folder: Path) -> dict[str, Any]:
    """All figures, from the folder of recorded data."""
    return {
        "versions": versions.figures(folder / "jira-history"),
        "sprints": sprints.figures(folder / "sprints-tse2017"),
        "delays": delays.figures(folder / "delays-emse2017"),
    }


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The same, to be read."""
    for name, figures in found.items():
        yield f"\n{name}"
        yield from _told(figures, "  ")


def _told(figures: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in figures.items():
        if isinstance(value, Mapping) and "value" not in value:
            yield f"{indent}{name}"
            yield from _told(value, indent + "  ")
        else:
            yield f"{indent}{name:<54} {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(Measured(**value))
    if isinstance(value, list):
        return (
            " | ".join(map(_shown, value)) if value and isinstance(value[0], Mapping) else " of ".join(map(str, value))
        )
    return f"{value:.3f}" if isinstance(value, float) else str(value)
