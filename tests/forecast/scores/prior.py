"""The lines of ``pmo_sync/forecast/prior.py``, from all projects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pmo_sync.forecast.origins import History
from tests.forecast.scores.ours import refit


def lines(histories: Mapping[str, History]) -> Iterator[str]:
    """To be pasted; ``ruff format`` does the rest."""
    made = refit([histories[name] for name in sorted(histories)])
    for name, values in (("BETA", made.fitted.beta), ("GAMMA", made.fitted.gamma), ("RESIDUALS", made.residuals)):
        yield f"{name}: Final = ({', '.join(f'{value:.4g}' for value in values)})"
