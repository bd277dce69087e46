"""What 19 public Jira projects (TAWOS, 9,402 forecasts) tell about durations, for a portfolio without a record.

Made by ``python -m tests.forecast.scores FOLDER prior``; the order is that of ``origins.features``.
"""

from __future__ import annotations

from typing import Final

BETA: Final = (
    0.065, -0.00154, -0.1397, -0.08555, -0.1025, 0.02276, -0.0218, -0.02897, 0.07684, 0.01081, -0.006163,
    -0.01493, 0.08951,
)  # fmt: skip
GAMMA: Final = (-1.278, -0.03721, 0.05627, 0.1669, 0.1368, 0.06848)
# residuals r at 41 equal steps of probability
RESIDUALS: Final = (
    -4.161, -3.009, -2.526, -2.217, -1.937, -1.729, -1.544, -1.402, -1.259, -1.145, -1.028, -0.8943, -0.7848,
    -0.6639, -0.5689, -0.4784, -0.3842, -0.2811, -0.1919, -0.09635, -0.006496, 0.08861, 0.1833, 0.2816, 0.366,
    0.4631, 0.576, 0.6869, 0.8031, 0.9517, 1.083, 1.206, 1.35, 1.505, 1.668, 1.915, 2.117, 2.407, 2.775, 3.386,
    5.938,
)  # fmt: skip
