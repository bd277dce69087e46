"""The backtest over a store: what it finds, what it keeps and only then, and that the forecast follows a choice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_sync import pipeline, tables, worth
from pmo_sync.assessed import ENOUGH
from pmo_sync.clock import SystemClock
from pmo_sync.config import Config
from pmo_sync.forecast import replay, variants
from pmo_sync.pipeline.backtest_lines import rule_lines
from pmo_sync.pipeline.workspace import DATABASE
from pmo_sync.record import Record
from pmo_sync.result import Result
from pmo_sync.store import Store
from pmo_sync.worth import EVERY
from tests.forecast import past
from tests.store import history

WEEKS = 10


class Noon(SystemClock):
    """The noon after the last closed day of the past."""

    def now(self) -> datetime:
        return datetime(2026, 6, 29, 12, tzinfo=UTC)


class Later(SystemClock):
    """A week after."""

    def now(self) -> datetime:
        return Noon().now() + timedelta(weeks=1)


class Silence:
    """Nobody listens."""

    def say(self, line: str) -> None:
        """Nothing."""

    progress = say


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("backtest")
    made = history.configure(state_dir=folder / "state", html_dir=folder / "reports")
    (folder / "state").mkdir()
    with Store.open(made.state_dir / DATABASE) as store:
        history.fill(store, past.case(5, every=3, size=12))
    return made


@pytest.fixture(scope="module")
def found(config: Config) -> Iterator[Result]:
    before = sorted(config.state_dir.rglob("*"))
    yield pipeline.backtest(config, Noon(), Silence(), weeks=WEEKS)
    assert not (config.state_dir / "record" / "choice").exists()
    assert [one for one in before if not one.exists()] == []


def test_every_number_is_of_the_forecasts_it_lists(found: Result, config: Config) -> None:
    rows = found.data["forecasts"]
    assert len(rows) > 10
    assert sum(one["made"] for one in found.data["horizons"]) == len(rows)
    today = found.data["as_of"]
    over = [row for row in rows if row["p85_on"] and row["p85_on"] <= today]
    held = sum(bool(row["finished_on"]) and row["finished_on"] <= row["p85_on"] for row in over)
    [p85] = [one["share"] for one in found.data["dates"] if one["quantile"] == 0.85]
    assert (p85["held"], p85["of"], p85["milestones"]) == (held, len(over), len({row["subject"] for row in over}))
    ours = found.data["methods"][0]
    judged = [row for row in rows if row["due_on"] and row["due_on"] <= today]
    assert ours["chances"] == len(judged) > 0
    misses = [
        (row["p_hit"]["ours"] - float(bool(row["finished_on"]) and row["finished_on"] <= row["due_on"])) ** 2
        for row in judged
    ]
    assert ours["brier"] == pytest.approx(sum(misses) / len(misses))
    assert [one["method"] for one in found.data["methods"]] == list(replay.METHODS)
    assert [one["rule"] for one in found.data["rules"]] == list(EVERY)
    flagged = {one["rule"]: one for one in found.data["rules"]}
    assert flagged["p_hit_low"]["flagged"] >= flagged["chance_below_half"]["flagged"] > 0
    assert flagged["amber_or_red"]["flagged"] >= flagged["red"]["flagged"] > 0


def test_the_first_forecasts_are_those_a_report_of_the_day_makes(found: Result, config: Config) -> None:
    day = found.data["forecasts"][0]["as_of"]
    rows = [row for row in found.data["forecasts"] if row["as_of"] == day]
    for row in rows:
        told = pipeline.explain(config, Noon(), row["subject"], "forecast", on=day).data["forecast"]
        assert (told["p50_on"], told["p85_on"], told["p95_on"]) == (row["p50_on"], row["p85_on"], row["p95_on"])
        assert told["p_hit"] == row["p_hit"]["ours"]


def test_it_says_what_may_be_said_of_it(found: Result) -> None:
    text = "\n".join(found.text)
    assert "replayed, not published" in text
    assert "nothing was written" in text
    assert "Traceback" not in text
    assert max(map(len, found.text)) < 160
    few = [one for one in found.data["rules"] if 0 < one["flagged"] < ENOUGH]
    assert text.count("too few to say") >= len(few) > 0


def test_nothing_is_kept_unless_it_is_told_to(found: Result, config: Config) -> None:
    assert found.data["kept"] is False
    record = Record(config.state_dir / "record")
    assert not any(record.rows(dataset) for dataset in ("rule_worth", "dates_held", "choice"))


@pytest.fixture
def own(config: Config, tmp_path: Path) -> Config:
    """A copy of the state, to write into."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / DATABASE).write_bytes((config.state_dir / DATABASE).read_bytes())
    return replace(config, state_dir=tmp_path / "state", html_dir=tmp_path / "reports")


def test_what_is_kept_is_told_by_pages_and_the_catalogue(own: Config, tmp_path: Path) -> None:
    assert all(one["worth"] is None for one in pipeline.definitions(own).data["rules"])
    assert "no record yet" in "\n".join(pipeline.definitions(own).text)
    kept = pipeline.backtest(own, Noon(), Silence(), weeks=WEEKS, keep=True, out=tmp_path / "out")
    assert "kept in the record" in kept.text[-2]
    rules = {one["rule"]: one for one in pipeline.definitions(own).data["rules"]}
    assert list(rules) == list(EVERY)
    for one in kept.data["rules"]:
        assert rules[one["rule"]]["worth"]["flagged"] == one["flagged"]
    record = Record(own.state_dir / "record")
    assert {(row["chosen"], row["before"]) for row in record.rows("choice")} == {("standard", "standard")}
    assert {row["method"] for row in record.rows("rule_worth")} == {variants.METHOD}
    pipeline.report(own, Noon(), Silence())
    for page in (own.html_dir / "portfolio.html", tmp_path / "out" / "backtest.html"):
        text = re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8"))
        assert "chance below its limit" in text
        assert "dates are forecast in the standard way" in text
    assert worth.kept(record, Noon().now() - timedelta(days=2)).as_of is None, "a report of the past is made as it was"


def test_a_choice_changes_the_forecast_and_says_so_everywhere(
    own: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As if there were proof: every milestone does better with the variant that comes first."""
    subject = "milestone:acme:m:A24"  # open
    before, then = forecast(own, subject, Later()), forecast(own, subject)
    monkeypatch.setattr(variants.Compared, "is_better", property(lambda one: one.variant == variants.PRIOR))
    kept = pipeline.backtest(own, Noon(), Silence(), weeks=WEEKS, keep=True)
    assert kept.data["variant"] == "prior"
    assert "prior is better beyond chance, so it takes the place of standard" in "\n".join(kept.text)
    monkeypatch.undo()
    assert forecast(own, subject) == then, "a report of a day before stays as it was"
    after = forecast(own, subject, Later())
    assert (before["forecast"]["method"].partition("/")[0], after["forecast"]["method"].partition("/")[0]) == (
        variants.METHOD,
        f"{variants.METHOD}-prior",
    )
    assert after["forecast"]["p85_on"] != before["forecast"]["p85_on"]
    [proof] = [one for one in kept.data["variants"] if one["variant"] == "prior"]
    assert (after["choice"]["low"], after["choice"]["high"]) == (proof["low"], proof["high"])
    text = "\n".join(pipeline.explain(own, Later(), subject, "forecast", on=None).text)
    assert "variant    prior, not standard, by the backtest as of 2026-06-28" in text
    pipeline.report(own, Later(), Silence())
    for page in own.html_dir.glob("*.html"):
        assert "by what public projects tell alone" in page.read_text(encoding="utf-8"), page.name
    pipeline.state_export(own, Noon(), tmp_path / "record.tar")
    other = replace(own, state_dir=tmp_path / "other")
    pipeline.state_restore(other, Noon(), tmp_path / "record.tar")
    assert (
        variants.variant(variants.in_force(Record(other.state_dir / "record").rows("choice"), Noon().now())) == "prior"
    )
    again = pipeline.backtest(own, Later(), Silence(), weeks=2)
    assert {one["before"] for one in again.data["variants"]} == {"prior"}, "what is in force is what others must beat"
    row = again.data["forecasts"][0]
    assert row["p85"]["ours"] == row["p85"]["prior"] != row["p85"]["standard"]


def forecast(config: Config, subject: str, clock: SystemClock | None = None) -> dict[str, Any]:
    return pipeline.explain(config, clock or Noon(), subject, "forecast", on=None).data


def test_an_empty_store_says_what_is_missing(tmp_path: Path) -> None:
    config = history.configure(state_dir=tmp_path, html_dir=tmp_path)
    with Store.open(tmp_path / DATABASE) as store:
        history.fill(store, history.parse("PAY-1  2026-01-05 todo"))
    told = pipeline.backtest(config, Noon(), Silence())
    assert "nothing to replay: no commitment was open" in told.text[0]
    assert told.data["forecasts"] == []


def test_rules_without_a_milestone_to_judge_have_no_record() -> None:
    assert rule_lines(worth.worth([], {}, date(2026, 6, 28))) == [
        "warnings have no record: of no milestone whose due date was known by then the date is over"
    ]


def test_a_day_that_is_not_over_is_refused(config: Config) -> None:
    with pytest.raises(Exception, match="not over yet"):
        pipeline.backtest(config, Noon(), Silence(), on=date(2026, 6, 29))
    assert tables.end_of(date(2026, 6, 28), config.zone) < Noon().now()
