"""What the Monday page says, and that it says it whatever is missing."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import timedelta
from urllib.parse import quote

import pytest

from pmo_sync.assessed import Assessed, Decision, IssueRef, Part, Reason, Replay, Subject, Trust, Verdict
from pmo_sync.policy import Thresholds
from reports import backtest, compose_all, portfolio, project
from reports.document import (
    Block,
    Columns,
    Document,
    Expand,
    Figures,
    Heading,
    Items,
    Link,
    Note,
    Paragraph,
    Properties,
    Table,
)
from reports.method import definitions
from reports.publishers.confluence import LARGEST
from reports.wording import Words
from reports.writers import gitlab_markdown, html, jira_markup, storage
from tests.reports import sample

WORDS = Words("en", "Asia/Jakarta", sample.TODAY)


def _flat(blocks: tuple[Block, ...]) -> list[Block]:
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, Columns):
            for column in block.columns:
                found += _flat(column)
        else:
            found.append(block)
            if isinstance(block, (Expand, Note)):
                found += _flat(block.blocks)
    return found


def _page(assessed: Assessed) -> Document:
    return portfolio.compose(assessed, WORDS)


def _section(document: Document, start: str) -> list[Block]:
    blocks = _flat(document.blocks)
    first = next(n for n, one in enumerate(blocks) if isinstance(one, Heading) and one.text.startswith(start))
    rest = blocks[first + 1 :]
    end = next((n for n, one in enumerate(rest) if isinstance(one, (Heading, Expand))), len(rest))
    return rest[:end]


def _text(document: Document) -> str:
    """Without the escapes of markdown."""
    return gitlab_markdown.write(document, {}).text.replace("\\", "").replace(gitlab_markdown.JOINER, "")


def _cells(table: Block) -> list[list[str]]:
    assert isinstance(table, Table)
    return [
        ["".join(getattr(one, "text", "") or getattr(one, "label", "") for one in cell) for cell in row]
        for row in table.rows
    ]


def test_the_blocks_stand_in_the_order_of_monday() -> None:
    headings = [one.text for one in _flat(_page(sample.assessed()).blocks) if isinstance(one, Heading)]
    starts = ("Changed", "Next 6", "Decide", "Waiting", "Capacity", "Can this page", "All projects")
    assert len(headings) == len(starts)
    assert all(one.startswith(start) for one, start in zip(headings, starts, strict=True))


def test_the_header_says_when_and_how_much_is_known() -> None:
    first = _page(sample.assessed()).blocks[0]
    assert isinstance(first, Paragraph)
    assert "".join(one.text for one in first.line) == (
        "Week 47 · data as of Mon 23 Nov 2026, 00:00 WIB · 2 of 3 sources fresh · changes since 15 Nov 2026"
    )


def test_the_counts_add_up_and_say_how_they_moved() -> None:
    figures = next(one for one in _page(sample.assessed()).blocks if isinstance(one, Figures)).figures
    assert [one.value for one in figures[:4]] == ["5", "3", "2", "2"]
    assert [one.note for one in figures[:4]] == [f"{one} since 15 Nov" for one in ("−2", "±0", "+1", "+1")]  # noqa: RUF001
    near = [row for row in sample.MILESTONES if row[8] is not None and row[3] is not None and 0 < row[3] <= 90]
    assert figures[4].value == f"{sum(1 - row[8] for row in near):.1f}"


def test_a_first_report_has_no_deltas() -> None:
    assessed = dataclasses.replace(sample.assessed(), verdicts_before={})
    figures = next(one for one in _page(assessed).blocks if isinstance(one, Figures)).figures
    assert [one.note for one in figures[:4]] == ["", "", "", ""]


def test_no_red_milestone_hides_behind_a_green_one() -> None:
    base = sample.assessed()
    more: dict[str, Subject] = {}
    verdicts = dict(base.verdicts)
    for number in range(9):
        one = dataclasses.replace(
            base.subjects["milestone:100"], id=f"milestone:x{number}", name=f"Early {number}",
            due_on=sample.TODAY + timedelta(days=1),
        )  # fmt: skip
        more[one.id] = one
        verdicts[one.id] = Verdict(one.id, "green", ())
    page = _page(dataclasses.replace(base, subjects={**base.subjects, **more}, verdicts=verdicts))
    blocks = _section(page, "Next 6")
    rows = _cells(blocks[0])
    assert len(rows) == 7
    assert {row[2] for row in rows} >= {"Off track", "At risk"}
    assert sum(row[2] == "Off track" for row in rows) == 4
    assert "… +12 more" in _text(page)


def test_each_block_is_short() -> None:
    page = _page(sample.assessed())
    for start, most in (("Changed", 5), ("Next 6", 7), ("Decide", 4), ("Waiting", 4), ("Capacity", 4), ("Can this", 7)):
        first = _section(page, start)[0]
        assert isinstance(first, (Table, Items))
        assert len(first.rows if isinstance(first, Table) else first.lines) <= most


def test_news_are_told_once_per_project_the_largest_first() -> None:
    lines = _section(_page(sample.assessed()), "Changed")[0].lines
    assert [next(one.text for one in line if isinstance(one, Link)) for line in lines] == [
        "Payments Gateway", "Gudang Data Terpadu", "Fraud Detection", "CRM Renewal", "Pembaruan Jaringan Cabang",
    ]  # fmt: skip
    assert lines[0][-1].text == (
        ": from at risk to off track (31% chance to make 15 Dec)"
        " · Go-live 1.0: likely finish 24 days later, 13 Jan 2027; main cause: 23 items came in (+13 days)"
        " · chance to make 15 Dec went from 71% to 31% · +1 more"
    )


def test_a_main_cause_moved_the_forecast_in_the_direction_it_went() -> None:
    base = sample.assessed()
    moved = {"milestone:10": (Part("scope_out", -40, -40, 9, 7), Part("pace", 64, 60, -49))}
    line = _section(_page(dataclasses.replace(base, moved=moved)), "Changed")[0].lines[0]
    assert "13 Jan 2027; main cause: the pace of the last 12 weeks (+64 days) · chance" in line[-1].text


def test_capacity_is_work_due_against_work_usually_done() -> None:
    rows = _cells(_section(_page(sample.assessed()), "Capacity")[0])
    # 46 + 9 items due within 28 days, 4.2 a week on average
    assert rows[0] == ["Payments Gateway", "55", "17", "328%"]


def test_weeks_of_holidays_ahead_are_no_capacity() -> None:
    base = sample.assessed()
    half = {id_: one._replace(next_weeks=2.0) for id_, one in base.calendars.items()}
    rows = _cells(_section(_page(dataclasses.replace(base, calendars=half)), "Capacity")[0])
    assert rows[0] == ["Payments Gateway", "55", "8", "655%"]


def test_days_off_are_named_on_the_page_of_who_has_them() -> None:
    base = sample.assessed()
    texts = []
    for subject in ("portfolio", "project:doc"):
        lines = definitions(base, subject, WORDS)[0].lines  # type: ignore[union-attr]
        texts.append(next(line[1].text for line in lines if line[0].text == "Working days"))
    assert "Monday to Friday; days off of these in the last 12 weeks: none; in the next 12: 24 Dec, 25 Dec," in texts[0]
    assert (
        "Sunday to Thursday; days off of these in the last 12 weeks: 30 Sept; in the next 12: 24 Dec, 31 Dec."
        in texts[1]
    )


def test_a_project_without_a_pace_is_said_to_have_none() -> None:
    base = sample.assessed()
    subjects = {
        **base.subjects,
        "milestone:90": dataclasses.replace(base.subjects["milestone:90"], due_on=sample.TODAY + timedelta(days=9)),
    }
    text = _text(_page(dataclasses.replace(base, subjects=subjects)))
    assert "1 project has work due and no known pace yet." in text


def test_a_pace_of_nothing_is_known() -> None:
    base = sample.assessed()
    key = ("project:pay", "FL-1", "mean")
    page = _page(dataclasses.replace(base, readings={**base.readings, key: base.readings[key]._replace(value=0.0)}))
    assert _cells(_section(page, "Capacity")[0])[0] == ["Payments Gateway", "55", "0", "at a standstill"]
    assert "no known pace yet" not in _text(page)


def test_a_project_is_shown_with_the_milestone_its_status_is_from() -> None:
    """Payments is off track by its must-win Go-live, though the pilot is due earlier."""
    rows = {row[0]: row for row in _cells(_section(_page(sample.assessed()), "All projects")[0])}
    assert rows["Payments Gateway"][5:9] == ["Go-live 1.0", "15 Dec", "13 Jan – Feb 2027", "+28 days"]  # noqa: RUF001
    assert rows["Pembaruan Jaringan Cabang"][5:7] == ["Cabang Jawa Timur", "–"]  # noqa: RUF001
    base = sample.assessed()
    later = {id_: dataclasses.replace(one, is_must_win=False) for id_, one in base.subjects.items()}
    verdicts = {**base.verdicts, "milestone:11": Verdict("milestone:11", "green", ())}
    page = _page(dataclasses.replace(base, subjects=later, verdicts=verdicts))
    rows = {row[0]: row for row in _cells(_section(page, "All projects")[0])}
    assert rows["Payments Gateway"][5] == "Go-live 1.0"
    page = _page(dataclasses.replace(base, subjects=later))
    rows = {row[0]: row for row in _cells(_section(page, "All projects")[0])}
    assert rows["Payments Gateway"][5] == "Pilot with partners"  # both are off track: the nearest


def test_the_items_of_a_project_that_wait_for_one_item_are_one_row() -> None:
    base = sample.assessed()
    first = base.waits[0]
    second = first._replace(blocked=first.blocked._replace(key="PAY-641"), milestones=1)
    rows = _cells(_section(_page(dataclasses.replace(base, waits=(second, *base.waits))), "Waiting")[0])
    assert len(rows) == 4
    assert rows[0] == ["Payments Gateway · 2 items", "Core Ledger Migration · CORE-812", "9 days", "2"]
    assert [row[1] for row in rows].count("Core Ledger Migration · CORE-812") == 1


@pytest.mark.parametrize(
    ("state", "read", "message", "told"),
    [
        (
            "stale",
            True,
            "401",
            "legacy-jira could not be read this time: its numbers are of Sat 21 Nov 2026, 06:05 WIB.",
        ),
        ("failed", True, "", "legacy-jira could not be read this time: its numbers are of Sat 21 Nov 2026, 06:05 WIB."),
        ("stale", True, "", "legacy-jira was last read on Sat 21 Nov 2026, 06:05 WIB: nothing newer of it is here."),
        ("failed", False, "401", "legacy-jira has never been read to its end: what is here of it is a part."),
        ("failed", None, "401", "legacy-jira has never been read: nothing on this page is from it."),
    ],
)
def test_a_source_not_tried_is_told_apart_from_one_that_failed(state, read, message, told) -> None:
    base = sample.assessed()
    one = base.trust.sources[1]
    one = dataclasses.replace(one, state=state, message=message, last_success_at=one.last_success_at if read else None)
    one = dataclasses.replace(one, our_count=0 if read is None else one.our_count)
    page = _page(dataclasses.replace(base, trust=dataclasses.replace(base.trust, sources=(one,))))
    note = next(block for block in page.blocks if isinstance(block, Note))
    assert [block.line[0].text for block in note.blocks] == [told]


def test_work_of_the_same_team_is_told_where_nothing_is_worse() -> None:
    base = sample.assessed()
    queue = Reason("queue", {"ahead": 4, "pace_of": "team"})
    forecasts = {id_: dataclasses.replace(one, gates=(*one.gates, queue)) for id_, one in base.forecasts.items()}
    pilot = base.verdicts["milestone:11"]
    alone = {**base.verdicts, "milestone:11": dataclasses.replace(pilot, reasons=pilot.reasons[:1])}
    page = _page(dataclasses.replace(base, forecasts=forecasts, verdicts=alone))
    rows = {row[1]: row for row in _cells(_section(page, "Next 6")[0])}
    assert rows["Payments Gateway · Pilot with partners"][7] == "4 items of the same team are due before"
    assert rows["Payments Gateway · Go-live 1.0 ★"][7].startswith("needs 14 a week")
    own = _cells(
        _section(project.compose(dataclasses.replace(base, forecasts=forecasts), "project:hr", WORDS), "Mile")[0]
    )
    assert own[0][8] == "96% chance to make its date; 4 items of the same team are due before"


def test_a_date_that_other_projects_decide_is_told_with_the_way_there() -> None:
    base = sample.assessed()
    page = _text(project.compose(base, "project:data", WORDS))
    assert "its part in another project (Aplikasi Mobile Nasabah, 85 % by 21 Jan 2027)" in page
    decided = "Dates that other projects decide"
    assert decided in page
    assert decided not in _text(project.compose(base, "project:crm", WORDS))  # its own work decides


def test_far_dates_are_cut_short_for_machines_too() -> None:
    base = sample.assessed()
    far = dataclasses.replace(
        base.forecasts["milestone:11"],
        p50_on=sample.TODAY + timedelta(weeks=18),
        p85_on=sample.TODAY + timedelta(weeks=29),
    )
    subjects = {**base.subjects, "project:pay": dataclasses.replace(base.subjects["project:pay"], sponsor_role="COO")}
    made = dataclasses.replace(base, forecasts={**base.forecasts, "milestone:11": far}, subjects=subjects)
    rows = _properties(project.compose(made, "project:pay", WORDS))
    assert (rows["Finish with 50 % chance"], rows["Finish with 85 % chance"]) == ("2027-03", "2027-Q2")
    assert rows["Sponsor"] == "COO"
    plain = _properties(project.compose(base, "project:pay", WORDS))
    assert plain["Finish with 85 % chance"] == "2026-12-09"
    assert "Sponsor" not in plain


def _properties(document: Document) -> dict[str, str]:
    block = next(one for one in document.blocks if isinstance(one, Properties))
    return {name: "".join(getattr(one, "text", "") for one in line) for name, line in block.rows}


@pytest.mark.parametrize("language", ["en", "id"])
def test_the_rule_on_the_page_is_the_rule_that_judged(language: str) -> None:
    """Every threshold a milestone or a roll-up is judged by is named, by its value."""
    words = Words(language, "UTC")
    texts = {line[0].text: line[1].text for line in definitions(sample.assessed(), "portfolio", words)[0].lines}
    limits = Thresholds()
    red, amber = texts[words.label("red")], texts[words.label("amber")]
    for text, shares, days in (
        (red, (limits.red_p_hit, limits.red_blocked_share, limits.amber_p_hit), (limits.blocked_days,)),
        (amber, (limits.amber_p_hit, limits.amber_slip_share, limits.amber_scope_share),
         (limits.amber_slip_days, limits.amber_drift_days, limits.blocked_days)),
        (texts[words.say("Programme")], (limits.red_share, limits.amber_share), ()),
    ):  # fmt: skip
        assert all(words.percent(one) in text for one in shares), text
        assert all(f" {one} " in text for one in days), text


def test_too_few_outcomes_are_no_hit_rate() -> None:
    trust = dataclasses.replace(sample.assessed().trust, p85_held=3, p85_resolved=4)
    text = _text(_page(dataclasses.replace(sample.assessed(), trust=trust)))
    assert "4 outcomes known, 20 needed" in text
    assert "75%" not in text


def test_grey_says_why_and_what_to_do() -> None:
    text = _text(_page(sample.assessed()))
    assert "7 items finished in 12 weeks, 25 needed for a forecast" in text
    assert "to do: finish more items, or split large ones" in text
    page = _text(project.compose(sample.assessed(), "project:doc", WORDS))
    assert "To see a status: finish more items, or split large ones." in page
    assert "To see a status: close items when they are done, every week." in page


def test_a_refused_forecast_shows_no_date() -> None:
    page = project.compose(sample.assessed(), "project:doc", WORDS)
    row = _cells(_section(page, "Milestones")[0])[0]
    assert row[5] == "–"  # noqa: RUF001
    assert row[7] == "–"  # noqa: RUF001


def test_every_red_row_leads_to_its_evidence() -> None:
    """On the Monday page to the project's page and the milestone's own, there to the issues behind the number."""
    table = _section(_page(sample.assessed()), "Next 6")[0]
    for row in table.rows:
        links = [one for cell in row for one in cell if isinstance(one, Link)]
        assert any(one.slot for one in links)
        assert any(one.url for one in links)
    blocked = _section(project.compose(sample.assessed(), "project:pay", WORDS), "Blocked")[0]
    assert [one.url for one in blocked.rows[0][0] if isinstance(one, Link)] == ["https://jira.example/browse/PAY-812"]


def test_children_come_first_and_link_to_nobody() -> None:
    documents = compose_all(sample.assessed(), "en")
    assert [one.slot for one in documents][-1] == "portfolio"
    assert len({one.slot for one in documents}) == len(documents) == 13
    for one in documents[:-1]:
        assert one.parent == "portfolio"
        assert [link.slot for link in _links(one) if link.slot] == []
    slots = {one.slot for one in documents}
    assert {link.slot for link in _links(documents[-1]) if link.slot} == slots - {"portfolio"}


def _links(document: Document) -> list[Link]:
    found = []
    for block in _flat(document.blocks):
        lines = [block.line] if isinstance(block, Paragraph) else []
        lines += list(block.lines) if isinstance(block, Items) else []
        lines += [cell for row in block.rows for cell in row] if isinstance(block, Table) else []
        found += [one for line in lines for one in line if isinstance(one, Link)]
    return found


def test_of_very_many_projects_confluence_shows_the_worst_and_says_so() -> None:
    name = "项目" * 60
    assessed = sample.grown(500, name, f"https://gitlab.example/{'group/' * 40}-/milestones/10")
    page = portfolio.compose(assessed, WORDS, portfolio.MOST_PROJECTS)
    links = {
        f"project/{id_.removeprefix('project:')}": f"https://wiki.example/1/{quote(name)}" for id_ in assessed.subjects
    }
    assert len(storage.write(page, links).text.encode()) < 0.8 * LARGEST
    rows = _cells(_section(page, "All projects")[0])
    assert {row[2] for row in rows} == {"Off track"}
    assert f"and {500 - len(rows)} more projects, none worse" in _text(page)
    whole = _page(assessed)
    assert len(_cells(_section(whole, "All projects")[0])) == 500
    assert "none worse" not in _text(whole)


@pytest.mark.parametrize("language", ["en", "id"])
def test_an_empty_portfolio_is_a_page_too(language: str) -> None:
    (page,) = compose_all(sample.empty(), language)
    for write in (html.write, storage.write, gitlab_markdown.write, jira_markup.write):
        assert len(write(page, {}).text) > 500


def test_a_project_nobody_judged_is_grey() -> None:
    base = sample.assessed()
    bare = dataclasses.replace(
        base, verdicts={}, verdicts_before={}, forecasts={}, readings={}, before={}, burnup={}, cumulative_flow={},
        due_dates={}, evidence={}, trust=Trust(()),
    )  # fmt: skip
    figures = next(one for one in _page(bare).blocks if isinstance(one, Figures)).figures
    assert [one.value for one in figures] == ["0", "0", "0", "12", "–"]  # noqa: RUF001
    assert "not enough data; to do: let the team finish more work" in _text(project.compose(bare, "project:pay", WORDS))


def test_a_decision_of_nobodys_project_is_still_shown() -> None:
    base = sample.assessed()
    lost = Decision(IssueRef("X-1", "Lost", "https://jira.example/X-1", False), "gone", 99, None)
    rows = _cells(_section(_page(dataclasses.replace(base, decisions=(lost, *base.decisions))), "Decide")[0])
    assert rows[0] == ["X-1 Lost", "–", "99", "–"]  # noqa: RUF001


def test_the_summary_is_one_sentence() -> None:
    for one in compose_all(sample.assessed(), "id"):
        shown = _text(dataclasses.replace(one, blocks=(Paragraph(one.summary),)))
        _, line = shown.strip().split("\n\n")
        assert line
        assert "\n" not in line
    assert line.startswith("12 proyek: 5 sesuai rencana, 3 berisiko, 2 menyimpang, 2")


def test_a_comment_stays_below_jiras_limit() -> None:
    base = sample.assessed()
    many = tuple(
        dataclasses.replace(base.subjects["project:pay"], id=f"project:{n}", name=f"Project {n} " + "y" * 60)
        for n in range(600)
    )
    page = _page(dataclasses.replace(base, subjects={**base.subjects, **{one.id: one for one in many}}))
    text = jira_markup.write(page, {}).text
    assert 25_000 < len(text) < 30_000
    assert text.endswith("…\n")


def test_reports_are_cheap_to_import() -> None:
    """Neither the renderer nor pandas on ``import reports``: the command line pays only for what it does."""
    program = "import sys, reports; print([m for m in ('vl_convert', 'pandas', 'babel', 'jinja2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_token_that_ends_soon_is_told_where_the_data_is_judged() -> None:
    assert "its token is valid until 4 Dec 2026 only" in _text(_page(sample.assessed()))


def test_a_date_of_a_day_before_it_was_told_says_since_when_it_is_known() -> None:
    made = sample.assessed()
    late = {
        id_: dataclasses.replace(one, known_since=made.as_of + timedelta(days=3)) if one.kind == "milestone" else one
        for id_, one in made.subjects.items()
    }
    assert "as known since" not in _text(_page(made))
    assert "as known since 25 Nov 2026" in _text(_page(dataclasses.replace(made, subjects=late)))


def test_what_has_no_record_says_so() -> None:
    made = sample.assessed()
    nothing = [one._replace(judged=0, late=0, flagged=0, hits=0) for one in made.replay.rules]
    for replay, text in (
        (Replay(), "No record yet: run `pmo-sync backtest --keep`."),
        (
            dataclasses.replace(made.replay, rules=tuple(nothing)),
            "Warnings have no record: no milestone whose date was known by then is over.",
        ),
        (dataclasses.replace(made.replay, dates=()), "No replayed date is over yet."),
    ):
        fold = backtest.section(replay, Words("en", "UTC"))
        assert text in [one.text for block in fold.blocks if isinstance(block, Paragraph) for one in block.line]
