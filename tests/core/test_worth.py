"""What rules were worth: who is flagged, who is late, by which date, and how early; the record of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync import worth
from pmo_sync.assessed import NO_BASELINE, Forecast, Reason, RuleWorth, Share, Subject
from pmo_sync.forecast import variants
from pmo_sync.policy import MOST_REASONS, RULES, MilestoneFacts, judged, milestone_verdict
from pmo_sync.record import Record
from pmo_sync.worth import Look

TODAY = date(2026, 6, 28)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def look(weeks: int, *flags: str, name: str = "m", due: int = -1) -> Look:
    """So many weeks before today, with a due date so many days from today."""
    return Look(name, TODAY - weeks * WEEK, TODAY + due * DAY, frozenset(flags))


def of(rule: str, looks: list[Look], finished: dict[str, date | None]) -> RuleWorth:
    return next(one for one in worth.worth(looks, finished, TODAY) if one.rule == rule)


def test_a_milestone_counts_once_by_its_first_flag() -> None:
    looks = [look(8), look(6, "slip"), look(5), look(4, "slip"), look(3, "slip", "drift")]
    late, in_time = {"m": TODAY}, {"m": TODAY - DAY}
    assert of("slip", looks, late) == ("slip", 1, 1, 1, 1, 41.0)
    assert of("slip", looks, in_time) == ("slip", 1, 0, 1, 0, None)
    assert of("drift", looks, late).lead_days == 20
    assert of("pace_short", looks, late) == ("pace_short", 1, 1, 0, 0, None)


def test_late_is_late_by_the_date_known_at_the_flag() -> None:
    """The date was moved after the first look, and the milestone ended between the two."""
    looks = [look(8, due=-30), look(6, "slip", due=-1), look(5, "drift", due=-1)]
    finished = {"m": TODAY - 10 * DAY}
    assert of("slip", looks, finished)[1:5] == (1, 0, 1, 0)
    assert of("pace_short", looks, finished)[1:5] == (1, 1, 0, 0), "never flagged: by the first date"


def test_who_is_open_is_late_once_the_date_is_over_and_not_before() -> None:
    assert of("slip", [look(4, "slip", due=0)], {"m": None})[1:5] == (1, 1, 1, 1)
    assert of("slip", [look(4, "slip", due=1)], {"m": None}).judged == 0
    assert of("slip", [look(4, "slip", due=1)], {"m": TODAY - DAY}).judged == 0, "who was early waits like everybody"


def test_a_flag_on_the_day_or_half_a_year_before_is_no_warning() -> None:
    finished: dict[str, date | None] = {"m": TODAY}
    for weeks, is_seen in ((0, False), (1, True), (26, True), (27, False)):
        got = of("slip", [Look("m", TODAY - weeks * WEEK, TODAY, frozenset({"slip"}))], finished)
        assert (got.flagged == 1) is is_seen, weeks


def test_who_is_gone_is_not_judged() -> None:
    assert of("slip", [look(4, "slip")], {}).judged == 0


subjects = st.sampled_from("abcd")
looks = st.builds(
    look, st.integers(0, 30), st.sampled_from(["slip", "drift"]), name=subjects, due=st.integers(-60, 20)
) | st.builds(look, st.integers(0, 30), name=subjects, due=st.integers(-60, 20))
endings = st.dictionaries(subjects, st.none() | st.integers(-70, 0).map(lambda days: TODAY + days * DAY))


@given(st.lists(looks, max_size=25, unique_by=lambda one: (one.subject, one.day)), endings)
def test_against_a_slow_loop(some: list[Look], finished: dict[str, date | None]) -> None:
    for rule in ("slip", "drift"):
        judged_, late, flagged, leads = 0, 0, 0, []
        for subject, ended in finished.items():
            mine = [one for one in some if one.subject == subject and 0 < (one.due_on - one.day).days <= 182]
            mine.sort(key=lambda one: one.day)
            ones = [one for one in mine if rule in one.flags]
            counts = (ones or mine)[:1]
            if not counts or counts[0].due_on > TODAY:
                continue
            is_late = ended is None or ended > counts[0].due_on
            judged_, late, flagged = judged_ + 1, late + is_late, flagged + bool(ones)
            leads += [(counts[0].due_on - counts[0].day).days] if ones and is_late else []
        assert of(rule, some, finished) == (rule, judged_, late, flagged, len(leads), median(leads) if leads else None)


@given(st.lists(looks, max_size=25, unique_by=lambda one: (one.subject, one.day)), endings)
def test_what_holds_of_all_rules(some: list[Look], finished: dict[str, date | None]) -> None:
    for one in worth.worth(some, finished, TODAY):
        assert one.hits <= min(one.flagged, one.late) <= max(one.flagged, one.late) <= one.judged
        for share in (one.precision, one.recall, one.base):
            assert 0 <= share.interval[0] <= share.interval[1] <= 1
    assert worth.worth(some[::-1], finished, TODAY) == worth.worth(some, finished, TODAY)


def test_flags_are_what_a_verdict_says() -> None:
    reasons = [Reason("p_hit_low"), Reason("slip"), Reason("wide")]
    assert worth.flags("red", reasons, 0.4) == {"p_hit_low", "slip", "red", "amber_or_red", worth.HALF}
    assert worth.flags("amber", reasons, 0.5) == {"p_hit_low", "slip", "amber_or_red"}
    assert worth.flags("green", [Reason("on_track")], 0.9) == frozenset()
    assert worth.flags("grey", [Reason("few_done")], None) == frozenset()


def facts() -> MilestoneFacts:
    """A milestone of which every rule but one warns."""
    due_on = TODAY + 30 * DAY
    subject = Subject(
        "milestone:m", "milestone", "M", "project:a", "", "open", None, due_on, None, True, False, NO_BASELINE
    )
    one = Forecast(subject.id, "m", 20, (2,) * 12, due_on, due_on, None, 0.3, due_on, 5.0, 2.0, 2)
    return MilestoneFacts(subject, TODAY, one, 9.0, 3, 1, 8, "green", slip_days=20, scope_added=30, scope_growth=1.5)


def test_a_worth_knows_every_reason_a_page_only_the_first() -> None:
    rag, reasons = judged(facts())
    assert {one.code for one in reasons} == set(RULES) - {"reported_worse"}
    verdict = milestone_verdict(facts())
    assert (verdict.rag, verdict.reasons) == (rag, tuple(reasons[:MOST_REASONS]))
    assert len(reasons) > MOST_REASONS


def test_the_record_tells_the_last_backtest_of_the_time(tmp_path: Path) -> None:
    record, as_of = Record(tmp_path), datetime(2026, 6, 29, tzinfo=UTC)
    assert worth.kept(record, as_of).as_of is None
    rules = worth.worth([look(4, "slip")], {"m": None}, TODAY)
    dates = {0.85: Share(8, 10, 7), 0.5: Share(4, 9, 7)}
    for number, moment in enumerate((as_of, as_of + WEEK)):
        about = {
            "run_id": str(number),
            "as_of": moment,
            "kept_at": moment,
            "config_digest": "d",
            "method": variants.METHOD,
        }
        with record.run(str(number)) as run:
            strange = rules[0]._replace(rule="a rule of another version")
            run.write("rule_worth", worth.rule_rows([*rules[number:], strange], about))
            run.write("dates_held", worth.date_rows(dates, about))
    first, last = (worth.kept(record, moment) for moment in (as_of, as_of + 9 * WEEK))
    assert (first.as_of, first.rules) == (as_of, tuple(rules))
    assert (last.as_of, last.rules) == (as_of + WEEK, tuple(rules[1:]))
    assert last.dates == ((0.5, Share(4, 9, 7)), (0.85, Share(8, 10, 7)))
    assert worth.kept(record, as_of - DAY).as_of is None, "a report of the past is made as it was"
    with record.run("9") as run:
        run.write("rule_worth", worth.rule_rows(rules, {**about, "run_id": "9", "method": "an older one"}))
    assert worth.kept(record, as_of + 9 * WEEK) == last


@pytest.mark.parametrize("rule", worth.EVERY)
def test_every_rule_has_a_name(rule: str) -> None:
    from reports.wording import Words

    assert all(Words(language, "UTC").rule(rule) for language in ("en", "id"))
