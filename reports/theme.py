"""One look for charts and pages: a palette that holds for colour-blind readers, in paper and in dark.

Every colour has a name; pages take the dark twin by CSS variable, so an inline chart turns dark with its page.
Text on each surface has a contrast of 4.5 or more; status is always glyph and word besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pmo_sync.assessed import Rag


class Colour(NamedTuple):
    """The same role on a light and on a dark page."""

    light: str
    dark: str


PALETTE: Final[Mapping[str, Colour]] = {
    "ink": Colour("#172b3a", "#e6edf3"),
    "muted": Colour("#51626f", "#9fb0bd"),
    "line": Colour("#d9e0e6", "#2f3d49"),
    "paper": Colour("#ffffff", "#17212a"),
    "done": Colour("#0f6e84", "#4fb6cc"),
    "doing": Colour("#e0a526", "#d9a441"),
    "todo": Colour("#b9c6d0", "#4d5f6d"),
    "scope": Colour("#3d4f5d", "#c3d0da"),
    "forecast": Colour("#6a4fb3", "#a893e6"),
    "due": Colour("#b3261e", "#ff8a80"),
    "fourth": Colour("#8a5a00", "#e8b04a"),
}
SERIES: Final = ("done", "forecast", "due", "fourth", "muted", "scope", "doing")

# A place may drop colour, a printer will: glyph and word carry the status.
GLYPHS: Final[Mapping[Rag, str]] = {"green": "●", "amber": "▲", "red": "■", "grey": "◌"}
ARROWS: Final = {"up": "↑", "down": "↓", "same": "→", "": ""}
FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"  # the first one comes with the renderer


def colour(name: str) -> str:
    """The light colour of that name: what a chart's specification holds."""
    return PALETTE[name].light


def config() -> dict[str, Any]:
    """The Vega-Lite configuration of every chart."""
    return {
        "background": colour("paper"),
        "font": FONT,
        "padding": {"left": 4, "right": 8, "top": 4, "bottom": 4},
        "view": {"stroke": None},
        "axis": {
            "labelColor": colour("muted"),
            "titleColor": colour("muted"),
            "titleFontWeight": "normal",
            "labelFontSize": 12,
            "titleFontSize": 12,
            "domainColor": colour("line"),
            "tickColor": colour("line"),
            "gridColor": colour("line"),
            "gridOpacity": 0.7,
        },
        "axisX": {"grid": False, "labelOverlap": True, "labelPadding": 4},
        "axisY": {"domain": False, "ticks": False, "labelPadding": 6, "tickMinStep": 1},
        "legend": {"labelColor": colour("ink"), "labelFontSize": 12, "symbolSize": 110, "offset": 8},
        "text": {"color": colour("ink"), "fontSize": 12},
        "title": {
            "color": colour("ink"),
            "fontSize": 15,
            "anchor": "start",
            "offset": 12,
            "subtitleColor": colour("muted"),
        },
    }
