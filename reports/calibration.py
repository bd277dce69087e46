"""The calibration plot: how often dates of each probability held, beside how often they should have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pmo_sync.assessed import ENOUGH, Share
from reports import theme
from reports.document import Chart, Column, Table, Text
from reports.wording import Words

WIDTH: Final = 420  # points, without axes
HEIGHT: Final = 300
PROMISED: Final = 0.85  # the one that pages show as safe


def calibration(dates: Sequence[tuple[float, Share]], words: Words) -> Chart | None:
    """A point for each quantile with its 95 % interval and its counts, and the line on which all would lie. None where
    no date's day is over yet.
    """
    known = [(q, one) for q, one in dates if one.of]
    if not known:
        return None
    values = []
    for q, one in known:
        low, high = one.interval
        counts = words.say("{held} of {of}", held=one.held, of=one.of)
        values.append({"said": q, "held": one.held / one.of, "low": low, "high": high, "counts": counts})
    title = _title(dict(known).get(PROMISED, Share(0, 0)), words)
    columns = (Column(words.say("Chance said")), Column(words.say("Held"), "right"), Column(words.say("Share"), "right"),
               Column(words.say("95 % interval"), "right"))  # fmt: skip
    rows = [[words.percent(q), words.say("{held} of {of}", held=one.held, of=one.of), *_share(one, words)] for q, one in known]  # fmt: skip
    told = "; ".join(f"{row[0]}: {row[1]}" for row in rows)
    return Chart(
        "calibration",
        title,
        words.say("Calibration of replayed dates. {title}. {told}.", title=title, told=told),
        _spec(values, words),
        Table(columns, tuple(tuple((Text(cell),) for cell in row) for row in rows), words.say("Data behind the chart")),
    )


def _title(promised: Share, words: Words) -> str:
    if not promised.is_enough:
        return words.count(
            "{of} replayed 85 % date is over, {enough} are needed to say whether they hold",
            "{of} replayed 85 % dates are over, {enough} are needed to say whether they hold",
            promised.of, of=promised.of, enough=ENOUGH,
        )  # fmt: skip
    return words.say(
        "Replayed 85 % dates held {held} of {of} times ({share:percent})",
        held=promised.held, of=promised.of, share=promised.held / promised.of,
    )  # fmt: skip


def _share(one: Share, words: Words) -> tuple[str, str]:
    low, high = one.interval
    between = words.say("{low:percent} to {high:percent}", low=low, high=high)
    return words.percent(one.held / one.of) if one.is_enough else words.say("too few to say"), between


def _spec(values: list[dict[str, Any]], words: Words) -> dict[str, Any]:
    def axis(title: str) -> dict[str, Any]:
        return {
            "title": title,
            "format": ".0%",
            "values": [0, 0.15, 0.5, 0.7, 0.85, 1.0],
            "labelOverlap": False,
            "tickMinStep": 0.01,
            "grid": True,
        }

    scale = {"domain": [0, 1.04], "nice": False}
    x = {"field": "said", "type": "quantitative", "scale": scale, "axis": axis(words.say("chance said"))}
    y = {"field": "held", "type": "quantitative", "scale": scale, "axis": axis(words.say("share that held"))}
    data = {"values": values}
    ideal = {
        "data": {"values": [{"said": 0, "held": 0}, {"said": 1, "held": 1}]},
        "mark": {"type": "line", "color": theme.colour("muted"), "strokeDash": [4, 4], "strokeWidth": 1.2},
        "encoding": {"x": x, "y": y},
    }
    bars = {
        "data": data,
        "mark": {"type": "rule", "color": theme.colour("forecast"), "strokeWidth": 2.5, "opacity": 0.45},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    points = {
        "data": data,
        "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, "color": theme.colour("forecast")},
        "encoding": {"x": x, "y": y},
    }
    counts = {
        "data": data,
        "mark": {"type": "text", "color": theme.colour("ink"), "fontSize": 12, "align": "left", "dx": 8, "dy": 4},
        "encoding": {"x": x, "y": y, "text": {"field": "counts"}},
    }
    return {
        "usermeta": {"locale": str(words.locale)},
        "width": WIDTH,
        "height": HEIGHT,
        "config": theme.config(),
        "layer": [ideal, bars, points, counts],
    }
