"""Charts draw what they say, alike on every machine."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pmo_sync.assessed import Share
from reports import charts, drawing, svg, theme
from reports.calibration import calibration
from reports.document import Chart
from reports.wording import Words
from tests.reports import sample


@pytest.fixture(scope="module")
def made() -> dict[str, Chart]:
    assessed = sample.assessed()
    words = Words("en", assessed.zone, assessed.today)
    one = assessed.subjects["milestone:10"]
    drawn = (
        drawing.burn_up(one, assessed.burnup[one.id], assessed.forecasts[one.id], assessed.today, words),
        drawing.cumulative_flow(assessed.cumulative_flow["project:pay"], words),
        drawing.milestone_slip([one, assessed.subjects["milestone:11"]], assessed.due_dates, words),
        calibration(assessed.replay.dates, words),
    )
    return {chart.name: chart for chart in drawn if chart}


def _pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the filtered bytes of an 8-bit PNG: enough to count what is drawn."""
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    data, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + size]
        at += size + 12
    return width, height, zlib.decompress(data)


def test_the_title_states_the_finding(made) -> None:
    assert made["burn-up"].title == "Go-live 1.0 will probably miss 15 Dec: likely finish 13 Jan – Feb 2027"  # noqa: RUF001
    assert made["cumulative-flow"].title == "Work in progress rose from 11 to 16 items since 25 Oct"
    assert made["milestone-slip"].title == "Go-live 1.0 moved 28 days later since 30 Aug 2026"
    assert made["calibration"].title == "Replayed 85 % dates held 70 of 86 times (81%)"
    for chart in made.values():
        assert chart.title in chart.alt
        assert chart.table.rows
        assert chart.table.caption


def test_each_is_drawn_twice_as_sharp(made) -> None:
    for chart in made.values():
        width, height, _ = _pixels(charts.png(chart.spec))
        box = ET.fromstring(charts.svg(chart.spec))
        assert (width, height) == (2 * int(box.attrib["width"]), 2 * int(box.attrib["height"]))
        assert width <= 2 * 760


def test_a_scope_that_shrank_stays_inside_the_chart() -> None:
    assessed = sample.assessed()
    one, words = assessed.subjects["milestone:10"], Words("en", assessed.zone, assessed.today)
    frame = assessed.burnup[one.id]
    early = len(frame) // 2
    for before, now, most_done in ((200.0, 40.0, 30.0), (200.0, 0.0, 150.0)):
        shrunk = frame.assign(
            scope=[before] * early + [now] * (len(frame) - early),
            done=[min(most_done, 2.0 * day) for day in range(len(frame))],
        )
        chart = drawing.burn_up(one, shrunk, assessed.forecasts[one.id], assessed.today, words)
        assert chart
        width, height, _ = _pixels(charts.png(chart.spec))
        assert (width, height) <= (2 * 760, 2 * 380)
        assert height <= 2 * 380


@pytest.mark.parametrize(("done", "below"), [(44.0, True), (20.0, False)])
def test_labels_of_lines_that_meet_stand_on_two_sides(done: float, below: bool) -> None:
    assessed = sample.assessed()
    one, words = assessed.subjects["milestone:10"], Words("en", assessed.zone, assessed.today)
    frame = assessed.burnup[one.id].assign(scope=46.0, done=done)
    chart = drawing.burn_up(one, frame, assessed.forecasts[one.id], assessed.today, words)
    assert chart
    told = [(layer["data"]["values"][0].get("text"), layer["mark"].get("dy")) for layer in chart.spec["layer"] if layer["data"].get("values")]  # fmt: skip
    marks = {text: dy for text, dy in told if text}
    assert (marks[f"Done {done:.0f}"] > 0, marks["Scope 46"] < 0) == (below, True)


def test_the_same_specification_gives_the_same_bytes(made) -> None:
    spec = made["burn-up"].spec
    assert charts.png(spec) == charts.png(spec)
    assert charts.digest(spec) == charts.digest(dict(reversed(spec.items())))
    assert charts.digest(spec) != charts.digest({**spec, "width": 1})


def test_text_is_drawn_on_a_machine_without_fonts(made, tmp_path: Path) -> None:
    """The renderer's own font: the same picture where fontconfig finds nothing, and letters leave ink."""
    empty = tmp_path / "fonts.conf"
    empty.write_text("<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig></fontconfig>")
    program = "import json,sys\nfrom reports import charts\nspec=json.load(sys.stdin)\nsys.stdout.buffer.write(charts.png(spec))"
    environment = {**os.environ, "FONTCONFIG_FILE": str(empty), "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    import json

    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(made["burn-up"].spec).encode(), capture_output=True,
        check=True, env=environment, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout == charts.png(made["burn-up"].spec)
    written = {"data": {"values": [{"t": "Milestone"}]}, "mark": {"type": "text", "fontSize": 30, "font": theme.FONT},
               "encoding": {"text": {"field": "t"}}, "width": 300, "height": 60}  # fmt: skip
    blank = {**written, "mark": {**written["mark"], "opacity": 0}}
    assert len(zlib.compress(_pixels(charts.png(written))[2])) > 3 * len(zlib.compress(_pixels(charts.png(blank))[2]))


def test_days_do_not_move_with_the_time_zone_of_the_machine(made) -> None:
    program = "import json,sys\nfrom reports import charts\nsys.stdout.write(charts.svg(json.load(sys.stdin)))"
    import json

    drawn = [
        subprocess.run([sys.executable, "-c", program], input=json.dumps(made["burn-up"].spec), capture_output=True,
                       text=True, check=True, env={**os.environ, "TZ": zone}, cwd=Path(__file__).parents[2]).stdout
        for zone in ("Pacific/Auckland", "America/Los_Angeles")
    ]  # fmt: skip
    assert drawn[0] == drawn[1]
    assert "1 Dec 26" in drawn[0]


def test_axes_speak_the_readers_language() -> None:
    assessed = sample.assessed()
    one = assessed.subjects["milestone:10"]
    for language, month in (("en", "Aug"), ("id", "Agu")):
        words = Words(language, "UTC", assessed.today)
        chart = drawing.burn_up(one, assessed.burnup[one.id], assessed.forecasts[one.id], assessed.today, words)
        assert chart
        assert f"1 {month} 26" in charts.svg(chart.spec)


def test_an_inline_chart_holds_listed_elements_only(made) -> None:
    for chart in made.values():
        root = ET.fromstring(svg.inline(charts.svg(chart.spec), "one", 'a "label" <b>'))
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"] == 'a "label" <b>'
        for element in root.iter():
            assert element.tag in svg.ELEMENTS
            assert set(element.attrib) - {"role", "aria-label", "focusable"} <= svg.ATTRIBUTES
        assert f"var(--ink, {theme.colour('ink')})" in ET.tostring(root, encoding="unicode") or chart.name == "burn-up"


def test_an_inline_chart_loses_everything_else() -> None:
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10" onload="x()"><script>x()</script>'
        '<style>*{}</style><image href="http://evil.example/x.png"/><a href="javascript:x()"><text>kept?</text></a>'
        '<clipPath id="c"/><g clip-path="url(#c)" style="x" fill="url(http://evil.example/)"><text>A&amp;B</text></g></svg>'
    )
    made = svg.inline(text, "p1", "label")
    assert made == (
        '<svg width="10" viewBox="0 0 10 10" role="img" aria-label="label" focusable="false"><clipPath id="p1-c" />'
        '<g clip-path="url(#p1-c)"><text>A&amp;B</text></g></svg>'
    )


def test_a_fan_beyond_a_year_does_not_squash_the_past() -> None:
    assessed = sample.assessed()
    one = assessed.subjects["milestone:51"]
    import dataclasses

    far = dataclasses.replace(assessed.forecasts[one.id], p85_on=assessed.today + timedelta(days=4000))
    words = Words("en", "UTC", assessed.today)
    chart = drawing.burn_up(one, assessed.burnup[one.id], far, assessed.today, words)
    assert chart
    assert max(chart.spec["encoding"]["x"]["scale"]["domain"]) < "2028-06"
    assert "Q4 2037" in chart.title


def test_a_due_date_counts_from_our_first_look() -> None:
    """Before it only the likely finish is drawn, and no title speaks of that time."""
    assessed = sample.assessed()
    one = assessed.subjects["milestone:10"]
    frame = assessed.due_dates[one.id].copy()
    frame["due_on"] = frame["due_on"].astype(object)
    frame.loc[0, "due_on"] = None
    frame.loc[1:, "due_on"] = one.due_on
    chart = drawing.milestone_slip([one], {one.id: frame}, Words("en", "UTC", assessed.today))
    assert chart
    assert chart.title == "No milestone date moved later since 27 Sept 2026"
    drawn = chart.spec["layer"][0]["data"]["values"]
    assert [row["kind"] for row in drawn if row["day"] == "2026-08-30"] == ["likely"]
    assert [row["kind"] for row in drawn if row["day"] == "2026-09-27"] == ["due", "likely"]
    assert chart.table.rows[0][1][0].text == "27 Sept 2026"
    frame["due_on"] = None
    assert drawing.milestone_slip([one], {one.id: frame}, Words("en", "UTC")) is None


def test_a_calibration_of_few_dates_says_so() -> None:
    """A quantile without a date that is over has no point; a share of too few is no number."""
    words = Words("en", "UTC")
    chart = calibration([(0.5, Share(0, 0)), (0.85, Share(40, 45, 19))], words)
    assert chart
    assert chart.title == "45 replayed 85 % dates are over, 20 are needed to say whether they hold"
    assert [row[2][0].text for row in chart.table.rows] == ["too few to say"]
    points = chart.spec["layer"][2]["data"]["values"]
    assert [one["said"] for one in points] == [0.85]
    low, high = Share(40, 45, 19).interval
    assert (points[0]["low"], points[0]["high"]) == (low, high)
    assert calibration([(0.85, Share(0, 0))], words) is None


def test_nothing_to_draw_is_no_chart() -> None:
    assessed = sample.assessed()
    words = Words("en", "UTC")
    one = assessed.subjects["milestone:10"]
    assert drawing.burn_up(one, assessed.burnup[one.id].iloc[:0], None, assessed.today, words) is None
    assert drawing.cumulative_flow(assessed.cumulative_flow["project:pay"].iloc[:0], words) is None
    assert drawing.milestone_slip([one], {}, words) is None


def test_the_palette_holds_its_contrast() -> None:
    """WCAG AA: 4.5 for words, 3 for lines and marks, in both lights."""
    for name, least in (("ink", 4.5), ("muted", 4.5), ("due", 4.5), ("done", 4.5), ("forecast", 4.5), ("scope", 4.5)):
        pair, paper = theme.PALETTE[name], theme.PALETTE["paper"]
        assert _contrast(pair.light, paper.light) >= least, name
        assert _contrast(pair.dark, paper.dark) >= least, name


def _contrast(one: str, two: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)
