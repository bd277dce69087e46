"""A milestone of one tracker that waits for one of another: its date, the way there, and the reason for its colour."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pmo_sync import assess
from pmo_sync.record import Record
from pmo_sync.store import Store
from reports import project
from reports.wording import Words
from reports.writers.gitlab_markdown import write
from tests.e2e.office import office

TODAY = date(2026, 11, 15)


def test_a_milestone_blocked_across_trackers_has_the_date_and_the_reason_of_what_it_waits_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with office(tmp_path / "company", quick=False) as made:
        assert made.run("pull", "--quiet") == 0
        config = made.config
        with Store.open(config.state_dir / "pmo-sync.duckdb", read_only=True) as store:
            judged = assess.assess(store, config, TODAY, (), Record(tmp_path / "record"))
        names = {one.name: id_ for id_, one in judged.subjects.items()}
        payments, erp, onboarding = (
            names[one] for one in ("Payments 2027.01", "ERP wave 2026.12", "Onboarding 2026.12")
        )
        capsys.readouterr()
        assert made.run("explain", payments, "forecast") == 0
        explained = capsys.readouterr().out
    assert [one.partition(":")[2].partition(":")[0] for one in (payments, erp, onboarding)] == ["cloud", "dc", "cloud"]

    forecasts = judged.forecasts
    one = forecasts[payments]
    assert one.chain is not None
    assert [step.subject for step in one.chain.steps] == [erp, onboarding]
    told = [(step.blocked and step.blocked.key, step.blocker and step.blocker.key) for step in one.chain.steps]
    assert [[key.partition("-")[0] for key in pair if key] for pair in told] == [["PAY", "ERP"], ["ERP", "KYC"]]
    assert one.p85_on is not None
    assert one.p85_on >= max(step.p85_on for step in one.chain.steps if step.p85_on)
    assert one.chain.p85_on is not None
    assert one.chain.p85_on < one.due_on < one.p85_on  # type: ignore[operator]

    assert "  method     regression-3/fixed/joint\n" in explained
    for step, (blocked, blocker) in zip(one.chain.steps, told, strict=True):
        assert step.project is not None
        where = f"{judged.subjects[step.project].name}, {judged.subjects[step.subject or ''].name}"
        assert f"  decided by {blocked} waits for {blocker} ({where}): P85 {step.p85_on}\n" in explained

    verdict = judged.verdicts[payments]
    words = Words("en", config.zone.key, TODAY)
    assert verdict.rag == "red"
    assert one.chain.p_hit is not None
    assert one.chain.p_hit > 0.9
    without = f"waits for Onboarding 2026.12; without it {words.percent(one.chain.p_hit)}"
    assert words.reasons(verdict.reasons[:2]) == f"3% chance to make 22 Jan 2027; {without}"
    assert "waits_on_late" not in [reason.code for reason in verdict.reasons]
    page = write(project.compose(judged, "project:instant-payments", words), {}).text
    alone = f"its own work alone by {words.finish(one.chain.p85_on, TODAY)}"
    [line] = [text for text in page.splitlines() if alone in text]
    places = [line.index(text) for text in (*[key or "" for pair in told for key in pair], "Onboarding 2026.12")]
    assert places == sorted(places)
