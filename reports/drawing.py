"""Three charts of a project: burn-up with its forecast, cumulative flow, and how milestone dates moved.

Each is a `Chart`: a specification, a title that states the finding, the same in words with its numbers, and a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from pmo_sync.assessed import Forecast, Subject
from reports import theme
from reports.document import Chart, Column, Line, Table, Text, printable
from reports.wording import NOTHING, Words

if TYPE_CHECKING:
    import pandas as pd

WIDTH: Final = 560  # points, without axes
HEIGHT: Final = 260
APART: Final = 0.1  # of the height of a burn-up: labels of nearer lines would lie over each other
MOST_LINES: Final = 5  # milestones in one slip chart: more cannot be told apart
_FARTHEST: Final = timedelta(weeks=52)  # a fan beyond this would squash the past


def burn_up(
    subject: Subject, frame: pd.DataFrame, forecast: Forecast | None, today: date, words: Words
) -> Chart | None:
    """Scope and done per day, and the fan from today to the likely dates. None without days."""
    days = [(_day(row.day), _number(row.scope), _number(row.done)) for row in frame.itertuples()]
    if not days:
        return None
    _, scope, done = days[-1]
    layers: list[dict[str, Any]] = []
    likely = _dates(forecast)
    if likely:
        layers += _fan(*likely, today, scope, done, words)
    top = 1.25 * max(1, *(max(one, two) for _, one, two in days))  # nothing may be drawn outside the chart
    is_close = abs(scope - done) < APART * top  # then one label stands above the lines and one below
    history = [{"day": day.isoformat(), "scope": one, "done": two} for day, one, two in days]
    layers += [
        _line(history, "scope", "scope", interpolate="step-after"),
        _line(history, "done", "done"),
        _label(today, scope, words.say("Scope {items}", items=scope), "scope", dy=-9, align="right", dx=-5),
        _label(
            today, done, words.say("Done {items}", items=done), "done", dy=14 if is_close else -9, align="right", dx=-8
        ),
    ]
    due = subject.due_on if subject.due_on and days[0][0] <= subject.due_on <= today + _FARTHEST else None
    is_past = due is not None and due <= today
    layers += _rule(today, words.say("Today"), "muted", top, left=not is_past)
    if due is not None:
        layers += _rule(due, words.say("Due {day}", day=words.short_day(due)), "due", top, left=is_past)
    title = _burn_up_title(subject, forecast, scope, done, today, words)
    columns = (Column(words.say("Day")), Column(words.say("Scope"), "right"), Column(words.say("Done"), "right"))
    rows = [_row(words.day(day), words.number(one), words.number(two)) for day, one, two in _thin(days)]
    alt = words.say("Burn-up. {title}. Scope {scope} items, done {done}.", title=title, scope=scope, done=done)
    ends = [today, *([due] if due else []), *(_end(one, today) for one in likely or ())]
    room = (max(ends) - days[0][0]) * 0.2  # for the words beside the fan
    domain = [days[0][0].isoformat(), (max(ends) + room).isoformat()]
    y = {"type": "quantitative", "scale": {"domain": [0, top], "nice": False}, "axis": _y_axis(words)}
    spec = _spec(words, layers, x={"scale": {"type": "utc", "domain": domain}}, y=y)
    return Chart("burn-up", title, alt, spec, Table(columns, tuple(rows), words.say("Data behind the chart")))


def _burn_up_title(
    subject: Subject, forecast: Forecast | None, scope: float, done: float, today: date, words: Words
) -> str:
    name = printable(subject.name, 70)
    likely = _dates(forecast)
    if likely is None:
        return words.say("{name}: {done} of {scope} items done, no forecast yet", name=name, done=done, scope=scope)
    span = finish_range(forecast, today, words)
    if subject.due_on is None:
        return words.say("{name}: likely finish {span}", name=name, span=span)
    due = words.short_day(subject.due_on)
    if subject.due_on <= today:
        return words.say("{name} is past its date {due}: likely finish {span}", name=name, due=due, span=span)
    p50, p85 = likely
    if p85 <= subject.due_on:
        return words.say("{name} will probably make {due}: likely finish {span}", name=name, due=due, span=span)
    if p50 <= subject.due_on:
        return words.say("{name} may miss {due}: likely finish {span}", name=name, due=due, span=span)
    return words.say("{name} will probably miss {due}: likely finish {span}", name=name, due=due, span=span)


def finish_range(forecast: Forecast | None, today: date, words: Words) -> str:
    """P50 to P85, no sharper than a forecast of that distance is; a dash where a gate refused."""
    likely = _dates(forecast)
    if likely is None:
        return NOTHING
    first, last = (words.finish(one, today) for one in likely)
    year = last.rpartition(" ")[2]
    if year.isdigit() and first != last and first.endswith(f" {year}"):
        first = first.removesuffix(f" {year}")  # the year is said once
    return last if first == last else f"{first} – {last}"  # noqa: RUF001 - a dash between dates


def _dates(forecast: Forecast | None) -> tuple[date, date] | None:
    """P50 and P85; None where a gate refused."""
    if forecast is None or forecast.refused or forecast.p50_on is None or forecast.p85_on is None:
        return None
    return forecast.p50_on, forecast.p85_on


def _end(day: date, today: date) -> date:
    return min(day, today + _FARTHEST)


def _fan(p50: date, p85: date, today: date, scope: float, done: float, words: Words) -> list[dict[str, Any]]:
    early, late = _end(p50, today), _end(p85, today)
    band = [
        {"day": today.isoformat(), "low": done, "high": done},
        {"day": early.isoformat(), "low": _along(today, p85, early, done, scope), "high": scope},
        {"day": late.isoformat(), "low": _along(today, p85, late, done, scope), "high": scope},
    ]
    middle = [{"day": today.isoformat(), "done": done}, {"day": early.isoformat(), "done": scope}]
    area = {
        "data": {"values": band},
        "mark": {"type": "area", "color": theme.colour("forecast"), "opacity": 0.22},
        "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
    }
    made = [area, _line(middle, "done", "forecast", strokeDash=[5, 4])]
    for end, when, chance, drop in ((early, p50, 0.5, 8), (late, p85, 0.85, 23)):
        label = words.say("{chance:percent}: {day}", chance=chance, day=words.finish(when, today))
        made.append(_label(late, scope, label, "forecast", dy=drop, dx=8, align="left"))
        made.append(_point(end, scope, "forecast"))
    return made


def _along(start: date, end: date, day: date, low: float, high: float) -> float:
    span = (end - start).days
    return high if span <= 0 else low + (high - low) * min(1.0, (day - start).days / span)


def cumulative_flow(frame: pd.DataFrame, words: Words) -> Chart | None:
    """Items per category and day, stacked: done below, to do on top. None without days."""
    order = ("todo", "doing", "done")  # as stacked, from above
    names = {"todo": words.say("To do"), "doing": words.say("In progress"), "done": words.say("Done")}
    counts: dict[date, dict[str, float]] = {}
    for row in frame.itertuples():
        category = "todo" if row.category == "unmapped" else str(row.category)
        if category in names:
            here = counts.setdefault(_day(row.day), dict.fromkeys(order, 0.0))
            here[category] += _number(row.items)
    if not counts:
        return None
    values = [
        {"day": day.isoformat(), "category": names[one], "rank": order.index(one), "items": here[one]}
        for day, here in sorted(counts.items())
        for one in order
    ]
    colours = [theme.colour(one) for one in order]
    color = {
        "field": "category",
        "type": "nominal",
        "scale": {"domain": [names[one] for one in order], "range": colours},
        "legend": _legend(),
    }
    y = {
        "field": "items",
        "type": "quantitative",
        "stack": "zero",
        "axis": {"title": words.say("items"), "format": ",d"},
    }
    layer = {
        "data": {"values": values},
        "mark": {"type": "area", "interpolate": "step-after"},
        "encoding": {"y": y, "color": color, "order": {"field": "rank", "sort": "descending"}},
    }
    last = max(counts)
    then = max((day for day in counts if day <= last - timedelta(days=28)), default=min(counts))
    before, now = counts[then]["doing"], counts[last]["doing"]
    title = _flow_title(before, now, then, words)
    columns = (Column(words.say("Day")), *(Column(names[one], "right") for one in reversed(order)))
    rows = [
        _row(words.day(day), *(words.number(here[one]) for one in reversed(order)))
        for day, here in _thin(sorted(counts.items()))
    ]
    alt = words.say(
        "Cumulative flow. {title}. To do {todo}, in progress {doing}, done {done}.", title=title, **counts[last]
    )
    return Chart(
        "cumulative-flow",
        title,
        alt,
        _spec(words, [layer]),
        Table(columns, tuple(rows), words.say("Data behind the chart")),
    )


def _flow_title(before: float, now: float, then: date, words: Words) -> str:
    day = words.short_day(then)
    if now > before:
        return words.say(
            "Work in progress rose from {before} to {now} items since {day}", before=before, now=now, day=day
        )
    if now < before:
        return words.say(
            "Work in progress fell from {before} to {now} items since {day}", before=before, now=now, day=day
        )
    return words.say("Work in progress stands at {now} items, as on {day}", now=now, day=day)


def milestone_slip(milestones: Sequence[Subject], due_dates: Mapping[str, pd.DataFrame], words: Words) -> Chart | None:
    """How the dates of the nearest milestones moved, from report to report: flat is kept, up is a slip.

    Solid is the due date, dashed the likely finish (P50), which may be older: a due date counts from our first look
    at it. None where no date was seen yet.
    """
    seen: dict[str, list[tuple[date, date | None, date | None]]] = {}
    for one in milestones:
        frame = due_dates.get(one.id)
        rows = [] if frame is None else [_look(row) for row in frame.itertuples()]
        if any(due is not None for _, due, _ in rows) and len(seen) < MOST_LINES:
            seen[one.id] = rows
    if not seen:
        return None
    dated = {id_: [(day, due) for day, due, _ in rows if due is not None] for id_, rows in seen.items()}
    names = _unique({one.id: printable(one.name, 40) for one in milestones if one.id in seen})
    values = [
        {"day": day.isoformat(), "on": on.isoformat(), "kind": kind, "name": names[id_]}
        for id_, rows in seen.items()
        for day, due, likely in rows
        for kind, on in (("due", due), ("likely", likely))
        if on is not None
    ]
    colours = [theme.colour(one) for one in theme.SERIES[: len(names)]]
    encoding = {
        "y": {
            "field": "on",
            "type": "temporal",
            "scale": {"type": "utc", "zero": False},
            "axis": {"title": words.say("milestone date"), "format": "%-d %b %y", "tickCount": 6, "grid": True},
        },
        "color": {
            "field": "name",
            "type": "nominal",
            "scale": {"domain": list(names.values()), "range": colours},
            "legend": _legend(),
        },
    }
    dates, forecasts = {"filter": "datum.kind === 'due'"}, {"filter": "datum.kind === 'likely'"}
    solid = {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5, "point": {"size": 36, "filled": True}}
    dashed = {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1.5}
    layers = [
        {"data": {"values": values}, "transform": [forecasts], "mark": dashed, "encoding": encoding},
        {"data": {"values": values}, "transform": [dates], "mark": solid, "encoding": encoding},
    ]
    title = _slip_title(dated, names, words)
    columns = (Column(words.say("Milestone")), Column(words.say("First seen")), Column(words.say("Date then")),
               Column(words.say("Date now")), Column(words.say("Likely finish")))  # fmt: skip
    table = [
        _row(
            names[id_],
            words.day(ones[0][0]),
            words.day(ones[0][1]),
            words.day(ones[-1][1]),
            words.value(seen[id_][-1][2], "finish"),
        )
        for id_, ones in dated.items()
    ]
    alt = words.say("Milestone trend. {title}. Solid: due date; dashed: likely finish.", title=title)
    return Chart(
        "milestone-slip",
        title,
        alt,
        _spec(words, layers, x={"axis": _x_axis(words.say("reported on"))}),
        Table(columns, tuple(table), words.say("Data behind the chart")),
    )


def _slip_title(dated: Mapping[str, Sequence[tuple[date, date]]], names: Mapping[str, str], words: Words) -> str:
    moved = {id_: (rows[-1][1] - rows[0][1]).days for id_, rows in dated.items()}
    worst = max(moved, key=lambda id_: moved[id_])
    if moved[worst] > 0:
        since = words.day(dated[worst][0][0])
        return words.count(
            "{name} moved {days} day later since {since}",
            "{name} moved {days} days later since {since}",
            moved[worst], name=names[worst], days=moved[worst], since=since,
        )  # fmt: skip
    since = words.day(min(rows[0][0] for rows in dated.values()))
    return words.say("No milestone date moved later since {since}", since=since)


def _look(row: Any) -> tuple[date, date | None, date | None]:
    """When we looked, the due date we saw, the likely finish we computed."""
    due, likely = (_day(one) if _is_day(one) else None for one in (row.due_on, getattr(row, "p50_on", None)))
    return _day(row.seen_on), due, likely


def _unique(names: dict[str, str]) -> dict[str, str]:
    """Two milestones of one name stay two lines."""
    told: dict[str, str] = {}
    for id_, name in names.items():
        same = sum(one == name or one.startswith(f"{name} (") for one in told.values())
        told[id_] = f"{name} ({same + 1})" if same else name
    return told


def _spec(words: Words, layers: Sequence[Mapping[str, Any]], **axes: Mapping[str, Any]) -> dict[str, Any]:
    """The layers over one axis of days."""
    x = {"field": "day", "type": "temporal", "scale": {"type": "utc"}, "axis": _x_axis()}
    return {
        "usermeta": {"locale": str(words.locale)},
        "width": WIDTH,
        "height": HEIGHT,
        "config": theme.config(),
        "encoding": {**axes, "x": {**x, **axes.get("x", {})}},
        "layer": list(layers),
    }


def _x_axis(title: str | None = None) -> dict[str, Any]:
    return {"title": title, "format": "%-d %b %y", "tickCount": 7}


def _y_axis(words: Words) -> dict[str, Any]:
    return {"title": words.say("items"), "format": ",d", "tickCount": 5}


def _legend() -> dict[str, Any]:
    return {"orient": "top", "title": None, "labelLimit": 260, "symbolType": "square", "columns": 3}


def _line(values: list[dict[str, Any]], field: str, name: str, **mark: Any) -> dict[str, Any]:
    return {
        "data": {"values": values},
        "mark": {"type": "line", "color": theme.colour(name), "strokeWidth": 2.5, **mark},
        "encoding": {"y": {"field": field, "type": "quantitative"}},
    }


def _label(day: date, height: float, text: str, name: str, **mark: Any) -> dict[str, Any]:
    return {
        "data": {"values": [{"day": day.isoformat(), "height": height, "text": text}]},
        "mark": {"type": "text", "color": theme.colour(name), "fontWeight": "bold", "fontSize": 12, **mark},
        "encoding": {"y": {"field": "height", "type": "quantitative"}, "text": {"field": "text"}},
    }


def _point(day: date, height: float, name: str) -> dict[str, Any]:
    return {
        "data": {"values": [{"day": day.isoformat(), "height": height}]},
        "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1, "color": theme.colour(name)},
        "encoding": {"y": {"field": "height", "type": "quantitative"}},
    }


def _rule(day: date, text: str, name: str, top: float, *, left: bool) -> list[dict[str, Any]]:
    rule = {
        "data": {"values": [{"day": day.isoformat()}]},
        "mark": {"type": "rule", "color": theme.colour(name), "strokeWidth": 1.2, "strokeDash": [2, 3]},
    }
    side = {"align": "right", "dx": -5} if left else {"align": "left", "dx": 5}
    return [rule, _label(day, top, text, name, dy=7, **side)]


def _row(*cells: str) -> tuple[Line, ...]:
    return tuple((Text(cell),) for cell in cells)


def _thin(rows: Iterable[tuple[Any, ...]], most: int = 12) -> list[tuple[Any, ...]]:
    """At most ``most`` rows, the last one always: the table behind a chart is read, not measured."""
    every = list(rows)
    step = max(1, -(-len(every) // most))
    return every[::-1][::step][::-1]


def _day(value: Any) -> date:
    """A day of a frame: date, datetime or Timestamp."""
    return date.fromisoformat(str(value)[:10])


def _number(value: Any) -> float:
    return float(value)


def _is_day(value: Any) -> bool:
    return value is not None and str(value)[:10] not in ("NaT", "nan", "None", "<NA>")
