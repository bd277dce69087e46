"""What people decided: how it is read, from when on it holds, and that it stands beside what is computed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pmo_sync.assess import assess
from pmo_sync.assessed import Assessed, SourceTrust
from pmo_sync.config import Baseline, Config, Override, Scope
from pmo_sync.errors import ConfigError
from pmo_sync.record import Record
from pmo_sync.store import Store
from reports import compose_all
from reports.writers import html
from tests.core.test_config import SOURCE, read
from tests.store import history

BASELINE = """
[[baseline]]
id = "B-1"
project = "pay"
milestone = "R4"
due_on = 2026-12-15
decided_on = 2026-03-02
role = "Steering committee"
reason = "Commit gate"
"""
OVERRIDE = """
[[override]]
id = "O-1"
project = "pay"
status = "green"
decided_on = 2026-11-20
expires_on = 2026-12-10
role = "Head of Payments"
reason = "Accepted in writing"
"""
PAY = '[[project]]\nid = "pay"\nname = "Payments"\nscopes = [{ source = "s", project = "PAY" }]\n'


def test_decisions_are_read_from_the_file_and_from_those_it_includes(tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "2026.toml").write_text(BASELINE, encoding="utf-8")
    config = read(tmp_path, 'include = ["decisions/*.toml"]\n' + SOURCE + PAY + OVERRIDE)
    assert config.baselines == (
        Baseline("B-1", "pay", "R4", date(2026, 12, 15), date(2026, 3, 2), "Steering committee", "Commit gate"),
    )
    assert [(one.id, one.milestone, one.status) for one in config.overrides] == [("O-1", None, "green")]
    assert config.digest == read(tmp_path, SOURCE + PAY).digest, "no earlier number is judged otherwise"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BASELINE.replace('role = "Steering committee"\n', ""), "baseline[B-1].role: missing"),
        (BASELINE.replace("2026-12-15", '"2026-12-15"'), "baseline[B-1].due_on: must be a day such as 2026-12-24"),
        (BASELINE.replace("2026-12-15", "2026-12-15T10:00:00"), "baseline[B-1].due_on: must be a day such as"),
        (BASELINE.replace('"pay"', '"crm"'), "baseline[B-1].project: no [[project]] with id 'crm'"),
        (BASELINE + OVERRIDE.replace("O-1", "B-1"), "override[B-1].id: used twice"),
        (OVERRIDE.replace("2026-12-10", "2027-02-10"), "override[O-1].expires_on: must be within 30 days"),
        (OVERRIDE.replace("2026-12-10", "2026-11-10"), "override[O-1].expires_on: must be within 30 days"),
        (OVERRIDE.replace('"green"', '"grey"'), "override[O-1].status: must be one of green, amber, red"),
        (OVERRIDE + 'by = "Ani"\n', "override[O-1].by: unknown option"),
    ],
)
def test_a_wrong_decision_is_told_with_what_to_do(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, SOURCE + PAY + text)
    assert problem in str(caught.value)


LINES = """
PAY-1  kind=Epic level=1 title=Big_one 2026-01-05 todo due_on=2026-09-01
PAY-2  2026-01-05 todo parent=PAY-1 +milestone:v1  2026-02-02 doing
PAY-3  2026-01-05 todo +milestone:v1
PAY-4  2026-05-04 todo +milestone:v1
@v1    kind=version project=PAY  2026-01-05 due_on=2026-08-01 state=open  2026-06-01 due_on=2026-10-01
"""
V1, EPIC = "milestone:acme:m:v1", "epic:acme:PAY-1"


def approved(id_: str, due_on: date, decided_on: date, milestone: str = "V1") -> Baseline:
    return Baseline(id_, "pay", milestone, due_on, decided_on, "Board", "Gate")


def declared(until: date, milestone: str | None = None, id_: str = "O", project: str = "pay") -> Override:
    return Override(id_, project, milestone, "green", date(2026, 6, 8), until, "Sponsor <b>", "It *will* hold")


def assessed(tmp_path: Path, *decisions: Baseline | Override, today: date = date(2026, 6, 28)) -> Assessed:
    config: Config = replace(
        history.configure(history.pmo_project("pay", Scope("acme", "PAY"))),
        baselines=tuple(one for one in decisions if isinstance(one, Baseline)),
        overrides=tuple(one for one in decisions if isinstance(one, Override)),
    )
    with Store.open(tmp_path / "x.duckdb", memory=True) as store:
        history.fill(store, history.parse(LINES))
        trust = SourceTrust("acme", "fresh", None, "", None, 0)
        return assess(store, config, today, [trust], Record(tmp_path / "record"))


FIRST = approved("B-1", date(2026, 8, 15), date(2026, 3, 2))
SECOND = approved("B-2", date(2026, 9, 20), date(2026, 6, 15))


def test_without_an_approval_the_first_date_seen_is_the_baseline(tmp_path: Path) -> None:
    made = assessed(tmp_path)
    assert made.subjects[V1].baseline[:3] == (date(2026, 8, 1), date(2026, 8, 1), 0)
    assert (made.value(V1, "SC-2", "days"), made.value(V1, "SC-2", "since_approval")) == (61, None)
    assert made.trust.without_baseline == 2


def test_the_first_approval_stays_and_the_last_is_what_a_slip_is_judged_by(tmp_path: Path) -> None:
    made = assessed(tmp_path, SECOND, FIRST)
    assert made.subjects[V1].baseline == (date(2026, 9, 20), date(2026, 8, 15), 2, "Board", "Gate")
    page = next(html.write(one, {}).text for one in compose_all(made, "en") if one.slot == "project/pay")
    assert "20 Sept approved by Board (Gate)" in page
    assert (made.value(V1, "SC-2", "days"), made.value(V1, "SC-2", "since_approval")) == (47, 11)
    assert made.trust.without_baseline == 1, "the epic"


def test_a_decision_holds_from_its_day_on(tmp_path: Path) -> None:
    before = assessed(tmp_path, FIRST, SECOND, today=date(2026, 6, 14))
    assert before.subjects[V1].baseline[:3] == (date(2026, 8, 15), date(2026, 8, 15), 1)
    assert assessed(tmp_path, SECOND, today=date(2026, 6, 14)).subjects[V1].baseline.approvals == 0
    assert assessed(tmp_path, SECOND, today=date(2026, 6, 15)).subjects[V1].baseline.approvals == 1


def test_scope_is_counted_from_the_approval_however_few_items_there_are(tmp_path: Path) -> None:
    assert assessed(tmp_path).value(V1, "SP-1", "added") is None, "three items are no plan"
    assert assessed(tmp_path, FIRST).value(V1, "SP-1", "added") == 1
    assert assessed(tmp_path, FIRST, SECOND).value(V1, "SP-1", "added") == 0


@pytest.mark.parametrize("name", ["Big one", "pay-1"])
def test_an_epic_is_named_by_title_or_key(tmp_path: Path, name: str) -> None:
    made = assessed(tmp_path, approved("B-1", date(2026, 8, 1), date(2026, 3, 2), name))
    assert made.subjects[EPIC].baseline.approvals == 1


def test_a_declared_status_stands_beside_the_computed_one_until_it_expires(tmp_path: Path) -> None:
    plain, made = (
        assessed(tmp_path),
        assessed(tmp_path, declared(date(2026, 6, 28)), declared(date(2026, 7, 5), "v1", "P")),
    )
    verdict = made.verdicts["project:pay"]
    assert verdict.declared is not None
    assert (verdict.declared.rag, verdict.declared.expires_on) == ("green", date(2026, 6, 28))
    assert made.verdicts[V1].declared is not None
    assert {id_: replace(one, declared=None) for id_, one in made.verdicts.items()} == plain.verdicts
    page = next(html.write(one, {}).text for one in compose_all(made, "en") if one.slot == "project/pay")
    assert "Sponsor &lt;b&gt; declares" in page
    assert "declared until" in page
    late = assessed(tmp_path, declared(date(2026, 6, 27)))
    assert late.verdicts["project:pay"].declared is None
    early = assessed(tmp_path, declared(date(2026, 6, 28)), today=date(2026, 6, 7))
    assert early.verdicts["project:pay"].declared is None


def test_decisions_about_nothing_here_are_told(tmp_path: Path) -> None:
    strange = approved("B-9", date(2026, 8, 1), date(2026, 3, 2), "R17")
    later = approved("B-10", date(2026, 8, 1), date(2026, 8, 2), "R17")
    made = assessed(tmp_path, strange, later, declared(date(2026, 6, 28), None, "O-9", "crm"))
    assert made.trust.unmatched_decisions == ("B-9", "O-9")
    page = next(html.write(one, {}).text for one in compose_all(made, "en") if one.slot == "portfolio")
    assert "2 decisions name no milestone or project of today: B-9, O-9" in page
