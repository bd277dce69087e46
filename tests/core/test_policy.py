"""The colour of a milestone, a project and a portfolio, case by case as the written rule has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync import policy
from pmo_sync.assessed import Baseline, Chain, Forecast, Rag, Reading, Reason, Step, Subject, Verdict
from pmo_sync.policy import MilestoneFacts, Period, hold, milestone_verdict, project_verdict, rollup_verdict

TODAY = date(2026, 11, 15)
MILESTONE = Subject(
    "milestone:a:1", "milestone", "R4", "project:pay", "", "open", date(2026, 8, 1), date(2026, 12, 15), None, True, False,
    Baseline(date(2026, 12, 15), date(2026, 12, 15)),
)  # fmt: skip
FORECAST = Forecast(
    "milestone:a:1", "test", remaining=20, weekly_counts=(5,) * 12, p50_on=date(2026, 12, 1), p85_on=date(2026, 12, 10),
    p95_on=date(2026, 12, 20), p_hit=0.9, due_on=date(2026, 12, 15), required_pace=4.7, actual_pace=5.0, best_pace=7,
)  # fmt: skip
REFUSED = replace(FORECAST, refused=True, gates=(Reason("few_done", {"have": 3, "need": 25}),))
EMPTY = replace(FORECAST, remaining=0, refused=True, gates=(Reason("no_items"),))
FACTS = MilestoneFacts(MILESTONE, TODAY, FORECAST, 0, 0, 0, 0, None)


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def due(**changes) -> Subject:
    return replace(MILESTONE, **changes)


@pytest.mark.parametrize(
    ("facts", "rag", "first"),
    [
        (FACTS, "green", "on_track"),
        (replace(FACTS, forecast=None), "grey", "no_items"),
        (replace(FACTS, forecast=EMPTY), "grey", "no_items"),
        (replace(FACTS, stale_source="gitlab"), "grey", "stale_source"),
        (replace(FACTS, forecast=replace(REFUSED, required_pace=9.0)), "red", "pace_short"),
        (replace(FACTS, reported="red"), "amber", "reported_worse"),
        (replace(FACTS, scope_added=4, scope_growth=1.0), "green", "on_track"),
        (replace(FACTS, scope_added=5, scope_growth=1.1), "amber", "scope_added"),
        (replace(FACTS, subject=due(due_on=None)), "grey", "no_due_date"),
        (replace(FACTS, forecast=replace(FORECAST, refused=True, gates=(Reason("few_done", {"have": 3, "need": 25}),))), "grey", "few_done"),
        (replace(FACTS, subject=due(due_on=TODAY)), "red", "past_due"),
        (replace(FACTS, subject=due(due_on=TODAY), forecast=replace(FORECAST, refused=True)), "red", "past_due"),
        (replace(FACTS, forecast=replace(FORECAST, remaining=0)), "green", "all_done"),
        (replace(FACTS, forecast=replace(FORECAST, p_hit=0.49)), "red", "p_hit_low"),
        (replace(FACTS, forecast=replace(FORECAST, p_hit=0.50)), "amber", "p_hit_low"),
        (replace(FACTS, forecast=replace(FORECAST, p_hit=0.80)), "green", "on_track"),
        (replace(FACTS, forecast=replace(FORECAST, required_pace=7.5)), "red", "pace_short"),
        (replace(FACTS, forecast=replace(FORECAST, required_pace=7.0)), "green", "on_track"),
        (replace(FACTS, blocked_count=1, blocked_days=5.0), "green", "on_track"),
        (replace(FACTS, blocked_count=3, blocked_days=6.0), "amber", "blocked_long"),
        (replace(FACTS, blocked_count=4, blocked_days=6.0), "amber", "blocked_long"),
        (replace(FACTS, blocked_count=4, blocked_days=6.0, forecast=replace(FORECAST, p_hit=0.7)), "red", "blocked_long"),
        (replace(FACTS, slip_days=15), "amber", "slip"),
        (replace(FACTS, slip_days=4), "green", "on_track"),
        (replace(FACTS, drift_days=7), "green", "on_track"),
        (replace(FACTS, drift_days=8), "amber", "drift"),  # 10 December and 8 days: past the 15th
        (replace(FACTS, drift_days=8, forecast=replace(FORECAST, p85_on=date(2026, 12, 7))), "green", "on_track"),
        (replace(FACTS, late_waits=1), "amber", "waits_on_late"),
    ],
)  # fmt: skip
def test_milestone(facts: MilestoneFacts, rag: str, first: str) -> None:
    verdict = milestone_verdict(facts)
    assert (verdict.rag, codes(verdict)[0]) == (rag, first)


def test_at_most_three_reasons() -> None:
    verdict = milestone_verdict(
        replace(
            FACTS,
            forecast=replace(FORECAST, p_hit=0.1, required_pace=9.0),
            blocked_count=5,
            blocked_days=9.0,
            drift_days=30,
            late_waits=2,
        )
    )
    assert codes(verdict) == ["p_hit_low", "pace_short", "blocked_long"]


def test_what_it_waits_for_is_told_once_where_its_own_work_would_be_better() -> None:
    step = Step("project:core", None, None, None, None)

    def judged(chance: float, alone: float, late: int = 2, steps: tuple[Step, ...] = (step,)) -> Verdict:
        made = replace(FORECAST, p_hit=chance, chain=Chain(steps, None, alone))
        return milestone_verdict(replace(FACTS, forecast=made, late_waits=late, decided_by="Ledger"))

    told = judged(0.3, 0.6)
    assert (told.rag, codes(told)) == ("red", ["p_hit_low", "waits_decide"])
    assert told.reasons[1].params == {"name": "Ledger", "p": 0.6}
    assert codes(judged(0.6, 0.9)) == ["p_hit_low", "waits_decide"]
    assert codes(judged(0.3, 0.4)) == ["p_hit_low", "waits_on_late"]  # its own work is late enough
    assert codes(judged(0.3, 0.9, steps=())) == ["p_hit_low", "waits_on_late"]
    assert codes(judged(0.85, 0.97)) == ["waits_on_late"]
    assert codes(judged(0.85, 0.97, late=0)) == ["on_track"]


@pytest.mark.parametrize("code", policy.UNKNOWN)
def test_what_nobody_can_tell_is_grey_and_hides_nothing_worse(code: str) -> None:
    def judged(**changes: object) -> Verdict:
        made = replace(FORECAST, gates=(Reason("thin_history"), Reason(code, {"name": "Core"})), **changes)  # type: ignore[arg-type]
        return milestone_verdict(replace(FACTS, forecast=made))

    assert (judged().rag, codes(judged())) == ("grey", [code])
    assert judged(p_hit=0.7).rag == "amber"
    assert judged(p_hit=0.2).rag == "red"


def test_a_circle_of_waiting_is_at_risk() -> None:
    circle = replace(FORECAST, gates=(Reason("waits_circle", {"count": 2, "keys": "A-1, B-1"}),))
    assert milestone_verdict(replace(FACTS, forecast=circle)).rag == "amber"


def test_watermelon_is_said() -> None:
    verdict = milestone_verdict(replace(FACTS, late_waits=1, reported="green"))
    assert "reported_better" in codes(verdict)


colours = st.sampled_from(["green", "amber", "red", "grey"])


@given(colours, colours)
def test_worse_at_once_better_only_after_two_periods(now: str, before: str) -> None:
    held = hold({"m": Verdict("m", now, ())}, {"m": Verdict("m", before, ())})["m"]
    order = {"green": 0, "amber": 1, "red": 2}
    if "grey" in (now, before):
        assert held.rag == now
    else:
        assert order[held.rag] == max(order[now], order[before])
        assert (held.held_from is not None) == (order[before] > order[now])


def test_project_is_as_good_as_its_worst_critical_milestone() -> None:
    must_win = replace(MILESTONE, id="m1", is_must_win=True)
    other = replace(MILESTONE, id="m2")
    verdicts = [(must_win, Verdict("m1", "amber", (Reason("slip"),))), (other, Verdict("m2", "red", ()))]
    subject = replace(MILESTONE, id="project:pay", kind="project")
    assert project_verdict(subject, verdicts, None).rag == "amber"
    assert (
        project_verdict(subject, [(replace(one, is_must_win=False), two) for one, two in verdicts], None).rag == "red"
    )
    assert project_verdict(subject, [], None).rag == "grey"


@given(st.lists(colours, max_size=12), st.sampled_from([(), ("red",), ("grey",), ("green",)]))
def test_rollup_never_averages(rags: list[str], must_win_rags: tuple[str, ...]) -> None:
    must_win = [Verdict("m", rag, ()) for rag in must_win_rags]
    verdict = rollup_verdict(MILESTONE, [Verdict(str(n), rag, ()) for n, rag in enumerate(rags)], must_win)
    count = len(rags)
    if "red" in must_win_rags or rags.count("red") > 0.25 * count:
        assert verdict.rag == "red"
    elif "red" in rags or rags.count("amber") > 0.25 * count:
        assert verdict.rag == "amber"
    elif rags.count("grey") >= count / 2 or "grey" in must_win_rags:
        assert verdict.rag == "grey"
    else:
        assert verdict.rag == "green"


def test_grey_is_worse_than_green() -> None:
    subject = replace(MILESTONE, id="project:pay", kind="project")
    ones = [(replace(MILESTONE, id=rag), Verdict(rag, rag, ())) for rag in ("green", "grey")]
    assert project_verdict(subject, ones, None).rag == "grey"


def test_done_is_not_held_back() -> None:
    now, before = Verdict("m", "green", (Reason("all_done"),)), Verdict("m", "red", ())
    assert hold({"m": now}, {"m": before})["m"].rag == "green"


M = replace(MILESTONE, id="m")
PROJECT = replace(MILESTONE, id=MILESTONE.parent, kind="project", is_committed=False, due_on=None)
BEFORE = Period({"m": M}, {"m": Verdict("m", "red", ())}, {"m": FORECAST}, {})


@pytest.mark.parametrize(
    ("before", "now", "code"),
    [
        ("green", "amber", "rag_worse"), ("amber", "red", "rag_worse"), ("grey", "amber", "rag_worse"),
        ("grey", "red", "rag_worse"), ("red", "amber", "rag_better"), ("amber", "green", "rag_better"),
        ("green", "grey", "rag_other"), ("red", "grey", "rag_other"), ("grey", "green", "rag_other"),
    ],
)  # fmt: skip
def test_a_colour_gets_worse_by_what_is_known(before: Rag, now: Rag, code: str) -> None:
    """What is not known any more is neither better nor worse."""
    then, here = (Period({"m": M}, {"m": Verdict("m", rag, ())}, {}, {}) for rag in (before, now))
    assert [one.code for one in policy.changes(here, then)] == [code]
    assert policy.changes(here, here) == ()


def remaining(items: float) -> dict[tuple[str, str, str], Reading]:
    return {("m", "PR-1", "remaining"): Reading("m", "PR-1", "remaining", items, 60)}


def news(subject: Subject | None, readings=None, **now: Forecast) -> list[str]:
    subjects = {PROJECT.id: PROJECT} | ({"m": subject} if subject else {})
    return [one.code for one in policy.changes(Period(subjects, {}, now, readings or {}), BEFORE)]


def test_a_date_taken_away_is_news() -> None:
    assert news(replace(M, due_on=None)) == ["due_removed"]


def test_closing_with_open_work_is_news() -> None:
    assert news(replace(M, state="closed"), remaining(60)) == ["closed_with_open_work"]
    assert news(M, remaining(60)) == []


def test_an_emptied_milestone_is_not_reached() -> None:
    empty = replace(FORECAST, remaining=0, refused=True, gates=(Reason("no_items"),), p50_on=None, p_hit=None)
    assert news(M, m=empty) == []
    finished = replace(empty, refused=False, gates=())
    assert news(M, remaining(0), m=finished) == ["milestone_reached"]
    assert news(replace(M, state="closed"), remaining(0)) == ["milestone_reached"], "also where it is closed at once"


def test_a_commitment_that_is_gone_is_news() -> None:
    assert news(None) == ["milestone_gone"]
    [gone] = policy.changes(Period({PROJECT.id: PROJECT}, {}, {}, {}), BEFORE)
    assert (gone.subject, gone.params) == (PROJECT.id, {"name": M.name, "rag": "red"})


def test_what_is_gone_off_track_is_not_forgotten_at_once() -> None:
    nowhere, done = Period({}, {}, {}, {}), Period({"m": replace(M, state="closed")}, {}, {}, remaining(0))
    left = replace(done, readings=remaining(3))
    assert [(subject.id, one.rag) for subject, one in policy.lost(nowhere, BEFORE)] == [("m", "red")]
    assert [one.rag for _, one in policy.lost(left, BEFORE)] == ["red"]
    assert policy.lost(done, BEFORE) == []
    assert policy.lost(nowhere, replace(BEFORE, verdicts={"m": Verdict("m", "green", ())})) == []
    assert policy.lost(replace(nowhere, verdicts={"m": Verdict("m", "green", ())}), BEFORE) == []


def scope(added: float | None, removed: float) -> Period:
    values = {"added": added, "removed": removed}
    readings = {("m", "SP-1", part): Reading("m", "SP-1", part, value, 9) for part, value in values.items()}
    return Period({"m": M}, {}, {}, readings)


def test_scope_is_news_once() -> None:
    found = policy.changes(scope(5, 0), scope(0, 0))
    assert [(one.code, one.params) for one in found] == [("scope_added", {"items": 5})]
    assert policy.changes(scope(5, 0), scope(5, 0)) == ()
    assert [one.code for one in policy.changes(scope(5, 7), scope(5, 0))] == ["scope_removed"]
    assert policy.changes(scope(5, 0), Period({"m": M}, {}, {}, {})) == (), "the baseline is new"
    assert policy.changes(scope(5, 0), scope(None, 0)) == ()


def test_news_is_ordered_by_weight() -> None:
    later = replace(FORECAST, p50_on=date(2026, 12, 22), p_hit=0.4)
    news = policy.changes(
        Period({"m": replace(M, due_on=date(2026, 12, 22))}, {"m": Verdict("m", "red", ())}, {"m": later}, {}),
        replace(BEFORE, verdicts={"m": Verdict("m", "green", ())}),
    )
    assert [one.code for one in news] == ["rag_worse", "due_moved", "p_hit_moved", "forecast_later"]
    assert news[1].params["days"] == 7
