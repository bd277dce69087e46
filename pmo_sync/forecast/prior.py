"""What 19 public Jira projects (TAWOS, 6,275 forecasts) tell about durations, for a portfolio without a record.

Made by ``python -m tests.forecast.backtest FOLDER prior``; the order is that of ``origins.features``.
"""

from __future__ import annotations

from typing import Final

BETA: Final = (
    0.0653,
    -0.0024,
    -0.141,
    -0.0867,
    -0.1029,
    0.0223,
    -0.0223,
    -0.0305,
    0.0765,
    0.0113,
    -0.006,
    -0.0153,
    0.0875,
)
GAMMA: Final = (-1.2855, -0.0432, 0.0586, 0.164, 0.1372, 0.0696)
# residuals r at 41 equal steps of probability
RESIDUALS: Final = (
    -4.19, -3.027, -2.549, -2.23, -1.953, -1.743, -1.556, -1.407, -1.269, -1.159, -1.036, -0.903, -0.791, -0.67,
    -0.574, -0.481, -0.388, -0.286, -0.196, -0.098, -0.006, 0.088, 0.185, 0.281, 0.366, 0.468, 0.581, 0.692, 0.81,
    0.957, 1.089, 1.215, 1.356, 1.517, 1.679, 1.924, 2.131, 2.427, 2.785, 3.411, 5.753,
)  # fmt: skip
