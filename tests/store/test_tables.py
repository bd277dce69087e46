"""The parameter tables, and cases of the derived tables that are worth reading."""

# ruff: noqa: DTZ001 - the database's moments are UTC without a zone

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from pmo_sync import tables
from pmo_sync.config import CalendarConfig, Scope, TeamConfig
from pmo_sync.store import Store
from tests.store import history
from tests.store.history import configure, pmo_project, prepared
from tests.store.lives import moments, portfolios, share


def one(store: Store, key: str, *columns: str) -> tuple[object, ...]:
    [row] = store.rows(f"SELECT {', '.join(columns)} FROM lifecycle WHERE key = ?", [key])
    return row


def members(store: Store, subject: str) -> set[str]:
    return {
        row[0]
        for row in store.rows("SELECT key FROM membership JOIN lifecycle USING (issue) WHERE subject = ?", [subject])
    }


def test_reopened_and_done_again_counts_from_the_last_finish() -> None:
    store = prepared(
        "PAY-1 2026-01-05 todo 2026-01-07 doing 2026-01-12 done 2026-01-13 doing 2026-01-20 done", "2026-02-01"
    )
    assert one(store, "PAY-1", "started_at", "done_at") == (datetime(2026, 1, 7), datetime(2026, 1, 20))
    store = prepared(
        "PAY-1 2026-01-05 todo 2026-01-07 doing 2026-01-12 done 2026-01-13 doing 2026-01-20 done", "2026-01-13T00:01"
    )
    assert one(store, "PAY-1", "done_at", "category") == (None, "doing")


def test_as_of_is_the_state_just_before_that_moment() -> None:
    text = "PAY-1 2026-01-05 todo 2026-01-07 doing"
    assert one(prepared(text, "2026-01-07"), "PAY-1", "category", "started_at") == ("todo", None)
    assert prepared(text, "2026-01-05").rows("SELECT count(*) FROM lifecycle") == [(0,)]


def test_closed_without_a_start_has_no_start() -> None:
    store = prepared("PAY-1 2026-01-05 todo 2026-01-06 done", "2026-02-01")
    assert one(store, "PAY-1", "started_at", "done_at") == (None, datetime(2026, 1, 6))


def test_refused_duplicate_and_moved_work_is_removed_scope_and_never_delivered() -> None:
    text = """
        PAY-1                    2026-01-05 todo 2026-01-06 wontdo
        PAY-2 superseded=moved   2026-01-05 todo 2026-01-06 done
        PAY-3                    2026-01-05 todo 2026-01-06 done 2026-01-08 resolution=DUPLICATE
        PAY-4                    2026-01-05 todo 2026-01-06 wontdo 2026-01-08 resolution=Done
        PAY-5                    2026-01-05 todo 2026-01-06 done
    """
    store = prepared(text, "2026-02-01")
    assert store.rows("SELECT key, removed_at, done_at FROM lifecycle ORDER BY key") == [
        ("PAY-1", datetime(2026, 1, 6), None),
        ("PAY-2", datetime(2026, 1, 6), None),
        ("PAY-3", datetime(2026, 1, 8), None),
        ("PAY-4", None, datetime(2026, 1, 8)),
        ("PAY-5", None, datetime(2026, 1, 6)),
    ]
    assert store.rows("SELECT count(*) FROM delivery WHERE subject = 'portfolio'") == [(2,)]


def test_the_configured_category_wins_over_the_trackers_and_names_do_not_mind_case() -> None:
    config = configure(sources=())
    config = replace(config, sources=(history.source("acme", {"in progress": "todo", "ODD": "done"}),))
    store = prepared("PAY-1 2026-01-05 doing\nPAY-2 2026-01-05 odd\nPAY-3 2026-01-05 status=New", "2026-02-01", config)
    assert store.rows("SELECT key, category FROM lifecycle ORDER BY key") == [
        ("PAY-1", "todo"), ("PAY-2", "done"), ("PAY-3", "unmapped"),
    ]  # fmt: skip


def test_parents_never_count_beside_their_children() -> None:
    text = """
        PAY-1 level=1  2026-01-05 todo
        PAY-2          2026-01-05 todo parent=PAY-1
        PAY-3 level=-1 2026-01-05 todo parent=PAY-2  2026-01-20 parent=
    """
    store = prepared(text, "2026-01-10")
    assert members(store, "project:PAY") == members(store, "epic:acme:PAY-1") == {"PAY-3"}
    store = prepared(text, "2026-01-21")
    assert members(store, "project:PAY") == {"PAY-2", "PAY-3"}
    assert members(store, "epic:acme:PAY-1") == {"PAY-2"}


def test_circles_of_parents_end_and_lose_nothing() -> None:
    store = prepared("PAY-1 level=1 2026-01-05 todo parent=PAY-2\nPAY-2 level=1 2026-01-05 todo parent=PAY-1\n"
                     "PAY-3 2026-01-05 todo parent=PAY-1\n"
                     "PAY-4 2026-01-05 todo parent=PAY-5\nPAY-5 2026-01-05 todo parent=PAY-4", "2026-01-10")  # fmt: skip
    assert members(store, "epic:acme:PAY-1") == {"PAY-2", "PAY-3"}  # of PAY-2 the only child is in the circle
    assert members(store, "epic:acme:PAY-2") == {"PAY-3"}
    assert members(store, "project:PAY") == {"PAY-2", "PAY-3", "PAY-4", "PAY-5"}


def test_a_sub_task_goes_with_its_parents_milestone_unless_it_ever_had_its_own() -> None:
    text = """
        @v1 kind=version  2026-01-01
        @v2 kind=version  2026-01-01
        @s1 kind=sprint   2026-01-01
        PAY-1          2026-01-05 todo +milestone:v1 +milestone:s1
        PAY-2 level=-1 2026-01-05 todo parent=PAY-1
        PAY-3 level=-1 2026-01-05 todo parent=PAY-1 +milestone:v2
    """
    store = prepared(text, "2026-01-10")
    assert members(store, "milestone:acme:m:v1") == {"PAY-2"}
    assert members(store, "milestone:acme:m:v2") == {"PAY-3"}
    assert members(store, "milestone:acme:m:s1") == {"PAY-2", "PAY-3"}


def test_a_leaf_goes_with_the_nearest_ancestor_that_has_a_milestone_of_the_kind() -> None:
    text = """
        @v1 kind=version  2026-01-01
        @v2 kind=version  2026-01-01
        @s1 kind=sprint   2026-01-01
        PAY-1 kind=Epic level=1 2026-01-05 todo +milestone:v1 +milestone:s1
        PAY-2                   2026-01-05 todo parent=PAY-1
        PAY-3 level=-1          2026-01-05 todo parent=PAY-2
        PAY-4                   2026-01-05 todo parent=PAY-1 +milestone:v2
        PAY-5 level=-1          2026-01-05 todo parent=PAY-4
    """
    store = prepared(text, "2026-01-10")
    assert members(store, "milestone:acme:m:v1") == {"PAY-3"}
    assert members(store, "milestone:acme:m:v2") == {"PAY-5"}
    assert members(store, "milestone:acme:m:s1") == {"PAY-3", "PAY-5"}


def test_a_milestones_date_is_the_one_that_held_then() -> None:
    text = """
        @v1 project=PAY 2026-01-05 due_on=2026-03-01  2026-02-01 due_on=2026-04-01 state=closed
        PAY-1 2025-12-01 todo +milestone:v1
    """
    query = "SELECT due_on, state, known_since, parent, is_committed FROM subject WHERE kind = 'milestone'"
    seen = datetime(2026, 1, 5)
    first, second = (
        (date(2026, 3, 1), "open", seen, "project:PAY", True),
        (date(2026, 4, 1), "closed", seen, "project:PAY", True),
    )
    assert prepared(text, "2026-01-31").rows(query) == [first]
    assert prepared(text, "2026-02-01").rows(query) == [second], "a look on the morning after tells of the day before"
    assert prepared(text, "2026-02-02").rows(query) == [second]
    assert prepared(text, "2026-01-03").rows(query) == [first], "before the first look its words hold, not today's"


def test_links_to_another_tracker_are_found_by_address() -> None:
    text = """
        PAY-1    2026-01-05 todo +blocked_by:https://gl.example/browse/APP-1/#note_5
        gl:APP-1 2026-01-05 todo
        gl:APP-2 2026-01-05 todo 2026-01-06 +blocks:PAY-1
        PAY-2    2026-01-05 todo 2026-01-07 flagged=true +blocked_by:https://elsewhere.example/9
    """
    store = prepared(text, "2026-01-10")
    assert one(store, "PAY-1", "blocked_since", "blocked_by_count") == (datetime(2026, 1, 5), 2)
    assert one(store, "PAY-2", "blocked_since", "blocked_by_count") == (datetime(2026, 1, 7), 0)


def test_only_open_issues_block_and_are_blocked() -> None:
    text = """
        PAY-1 2026-01-05 todo +blocked_by:PAY-2 2026-01-06 flagged=true
        PAY-2 2026-01-05 todo 2026-01-07 done
        PAY-3 2026-01-05 todo flagged=true +blocked_by:PAY-1 2026-01-08 done
    """
    store = prepared(text, "2026-01-10")
    assert one(store, "PAY-1", "blocked_since", "blocked_by_count") == (datetime(2026, 1, 6), 0)
    assert one(store, "PAY-3", "blocked_since", "flagged_since") == (None, datetime(2026, 1, 5))
    assert store.rows("SELECT * FROM blocking") == []


def test_scopes_all_parts_hold_and_any_scope_will_do() -> None:
    text = """
        @v1 2026-01-01
        PAY-1 2026-01-05 todo +milestone:v1 +label:mobile
        PAY-2 2026-01-05 todo +label:mobile
        PAY-3 2026-01-05 todo +milestone:v1
        OPS-1 2026-01-05 todo +milestone:v1 +label:mobile
        OPS-9 level=1 2026-01-05 todo
        OPS-2 2026-01-05 todo parent=OPS-9
        OPS-3 level=-1 2026-01-05 todo parent=OPS-2
    """
    both = Scope("acme", "PAY", milestone="V1", label="Mobile")
    config = configure(
        pmo_project("narrow", both, programme="g"), pmo_project("wide", both, Scope("acme", epic="ops-9"), programme="g"),
        pmo_project("off", Scope("acme"), enabled=False), programmes={"g": "Growth"},
    )  # fmt: skip
    store = prepared(text, "2026-01-10", config)
    assert members(store, "project:narrow") == {"PAY-1"}
    assert (
        members(store, "project:wide")
        == members(store, "programme:g")
        == members(store, "portfolio")
        == {"PAY-1", "OPS-3"}
    )
    assert store.rows("SELECT subject, parent, name FROM subject WHERE kind <> 'epic' ORDER BY subject") == [
        ("milestone:acme:m:v1", "project:narrow", "v1"),
        ("portfolio", None, "Acme PMO"),
        ("programme:g", "portfolio", "Growth"),
        ("project:narrow", "programme:g", "PMO narrow"),
        ("project:wide", "programme:g", "PMO wide"),
    ]


def test_a_group_scope_takes_every_project_below_it_and_no_neighbour() -> None:
    case = history.parse("group/app-1 2026-01-05 todo\ngroup/sub/api-2 2026-01-05 todo\ngroupie/x-3 2026-01-05 todo")
    config = configure(pmo_project("all", Scope("acme", "Group/*")))
    with history.fill(Store.open(Path("x"), memory=True), case) as store:
        tables.prepare(store, config, history.moment("2026-01-10"), date(2026, 1, 9))
        assert members(store, "project:all") == {"group/app-1", "group/sub/api-2"}


def test_must_win_milestones_are_those_their_project_names() -> None:
    text = "@v1 project=PAY 2026-01-01\n@v2 project=PAY 2026-01-01\nPAY-1 2026-01-05 todo +milestone:v1 +milestone:v2"
    store = prepared(
        text,
        "2026-01-10",
        configure(pmo_project("PAY", must_win=("V1",)), pmo_project("x", Scope("acme", "OPS"), must_win=("v2",))),
    )
    assert store.rows("SELECT name, is_must_win FROM subject WHERE kind = 'milestone' ORDER BY name") == [
        ("v1", True),
        ("v2", False),
    ]


def test_without_projects_each_tracker_project_is_one_with_a_key_of_its_own() -> None:
    store = prepared("PAY-1 2026-01-05 todo\ngl:PAY-1 2026-01-05 todo\ngl:APP-1 2026-01-05 todo", "2026-01-10")
    assert store.rows("SELECT project FROM pmo_project ORDER BY project") == [("APP",), ("acme:PAY",), ("gl:PAY",)]
    assert members(store, "project:APP") == {"APP-1"}


def test_roles_by_type_or_label_in_the_order_of_the_model() -> None:
    text = "PAY-1 kind=Risk 2026-01-05 todo\nPAY-2 2026-01-05 todo +label:Ask\nPAY-3 kind=risk 2026-01-05 todo +label:ask\nPAY-4 2026-01-05 todo"
    store = prepared(text, "2026-01-10", configure(roles={"decision": ("ask",), "risk": ("Risk",)}))
    assert store.rows("SELECT key, role FROM lifecycle ORDER BY key") == [
        ("PAY-1", "risk"), ("PAY-2", "decision"), ("PAY-3", "risk"), ("PAY-4", "work"),
    ]  # fmt: skip


def test_a_day_is_a_day_in_the_pmos_zone() -> None:
    store = prepared(
        "PAY-1 2026-01-05 todo 2026-01-11T18:00 done", "2026-01-20", configure(zone=ZoneInfo("Asia/Jakarta"))
    )
    assert store.rows("SELECT done_on, week FROM delivery WHERE subject = 'portfolio'") == [
        (date(2026, 1, 12), date(2026, 1, 12))
    ]


def off(store: Store, calendar: int = 0, year: int = 2026) -> set[date]:
    """Days off of a year on what are usually working days."""
    query = "SELECT day FROM working_day WHERE is_off AND calendar = $1 AND year(day) = $2"
    return {day for (day,) in store.rows(query, [calendar, year])}


def test_the_calendar_knows_every_day_and_its_monday() -> None:
    store = prepared("PAY-1 2026-01-05 todo", "2026-01-10")
    weeks = dict(store.rows("SELECT day, week FROM calendar"))
    assert (min(weeks), max(weeks), len(weeks)) == (date(2025, 12, 29), date(2029, 1, 9), 1108)
    assert all(week <= day < week + timedelta(days=7) and week.weekday() == 0 for day, week in weeks.items())


def test_without_a_country_monday_to_friday_are_worked() -> None:
    store = prepared("PAY-1 2026-01-05 todo", "2026-01-10")
    days = store.rows("SELECT day, works, before FROM working_day ORDER BY day")
    assert all(works == (day.weekday() < 5) for day, works, _ in days)
    assert [before for _, _, before in days] == [sum(works for _, works, _ in days[:n]) for n in range(len(days))]
    assert off(store) == set()
    assert store.rows("SELECT * FROM usual_week") == [(0, 5)]


def test_public_holidays_of_a_country_its_weekend_and_days_of_its_own() -> None:
    lebaran = (date(2026, 3, 18), date(2026, 3, 20), date(2026, 3, 23), date(2026, 3, 24))
    worked = (date(2026, 8, 17), date(2026, 8, 22))
    text = "PAY-1 2026-01-05 todo"
    store = prepared(text, "2026-01-10", configure(calendar=CalendarConfig("ID", None, lebaran, worked)))
    assert {*lebaran, date(2026, 3, 19), date(2026, 12, 25)} < off(store)
    assert date(2026, 8, 17) not in off(store)  # Independence Day, worked all the same
    assert store.rows("SELECT works, is_off FROM working_day WHERE day = DATE '2026-08-22'") == [(True, False)]
    saudi = prepared(text, "2026-01-10", configure(calendar=CalendarConfig("SA")))
    week = [
        works
        for (works,) in saudi.rows("SELECT works FROM working_day WHERE day >= DATE '2026-01-12' ORDER BY day LIMIT 7")
    ]
    assert week == [True, True, True, True, False, False, True]
    china = prepared(text, "2026-01-10", configure(calendar=CalendarConfig("CN")))
    assert china.rows("SELECT works FROM working_day WHERE day = DATE '2026-02-14'") == [
        (True,)
    ]  # for the spring festival
    bavaria = prepared(text, "2026-01-10", configure(calendar=CalendarConfig("DE-BY")))
    assert date(2026, 1, 6) in off(bavaria)


OWN = CalendarConfig("SA", None, (date(2026, 3, 18),))
SHIFT = CalendarConfig(None, ())
TEAMS = tuple(
    TeamConfig(id_, id_, (), calendar)
    for id_, calendar in (("a", OWN), ("same", OWN), ("shift", SHIFT), ("plain", CalendarConfig()))
)


def whose(**teams: tuple[str, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """The calendars of subjects and of issues: PAY is of both projects, OPS of one and APP of the other."""
    text = """
        PAY-1 2026-01-05 todo +milestone:v1
        OPS-1 2026-01-05 todo
        gl:APP-1 2026-01-05 todo
        @v1 kind=version project=PAY 2026-01-05 due_on=2026-03-01 state=open
    """
    one = pmo_project("one", Scope("acme", "PAY"), Scope("acme", "OPS"), teams=teams.get("one", ()), programme="p")
    two = pmo_project("two", Scope("acme", "PAY"), Scope("gl", "APP"), teams=teams.get("two", ()))
    config = configure(one, two, sources=("acme", "gl"), teams=TEAMS)
    store = prepared(text, "2026-01-10", config)
    subjects = dict(store.rows("SELECT subject, calendar FROM subject_calendar"))
    query = "SELECT key, coalesce(c.calendar, 0) FROM lifecycle AS l LEFT JOIN issue_calendar AS c ON c.issue = l.issue"
    return subjects, dict(store.rows(query))


@pytest.mark.parametrize(
    ("one", "two", "calendars", "issue"),
    [
        ((), (), (0, 0), 0),
        (("a",), (), (1, 0), 0),
        (("a",), ("same",), (1, 1), 1),
        (("a", "same"), ("shift",), (1, 2), 0),
        (("a", "shift"), ("shift",), (0, 2), 0),
        (("plain",), ("plain", "a"), (0, 0), 0),
    ],
)
def test_a_project_goes_by_the_calendar_of_its_teams_where_they_have_one(
    one: tuple[str, ...], two: tuple[str, ...], calendars: tuple[int, int], issue: int
) -> None:
    subjects, issues = whose(one=one, two=two)
    assert (subjects["project:one"], subjects["project:two"]) == calendars
    assert (subjects["portfolio"], subjects["programme:p"]) == (0, 0)
    assert subjects["milestone:acme:m:v1"] == calendars[0]
    assert issues == {"PAY-1": issue, "OPS-1": calendars[0], "APP-1": calendars[1]}


def age(store: Store, key: str, what: str) -> float:
    query = "SELECT days FROM age JOIN lifecycle AS l ON l.issue = age.issue WHERE l.key = $1 AND what = $2"
    [(days,)] = store.rows(query, [key, what])
    return float(days)


def test_a_working_day_is_a_day_in_the_pmos_zone() -> None:
    """Friday 18:00 UTC is Saturday in Jakarta; Monday there begins on Sunday at 17:00 UTC."""
    text = """
        PAY-1 2026-01-08 todo 2026-01-09T18:00 doing 2026-01-12T05:00 done
        PAY-2 2026-01-08 todo 2026-01-09T05:00 doing flagged=true
        PAY-3 kind=Decision 2026-01-08T17:00 todo
    """
    config = configure(zone=ZoneInfo("Asia/Jakarta"), roles={"decision": ("Decision",)})
    store = prepared(text, "2026-01-12T17:00", config, today=date(2026, 1, 12))
    assert age(store, "PAY-1", "cycle") == 0.5
    assert age(store, "PAY-2", "started") == age(store, "PAY-2", "blocked") == age(store, "PAY-2", "touched") == 1.5
    assert age(store, "PAY-3", "asked") == 2


def test_an_age_beyond_the_calendar_counts_from_its_first_day_on() -> None:
    store = prepared("PAY-1 1950-01-01 doing\nPAY-2 2026-01-05 todo", "2026-01-12")
    [(first,)] = store.rows("SELECT min(day) FROM calendar")
    assert first.year == 1975
    assert age(store, "PAY-1", "started") == sum(
        (first + timedelta(days=n)).weekday() < 5 for n in range((date(2026, 1, 12) - first).days)
    )


@share(50)
@given(portfolios(), moments())
def test_where_every_day_is_worked_an_age_is_the_time_that_passed(text: str, as_of: datetime) -> None:
    case = history.parse(text)
    store = history.fill(history.blank(), case)
    config = configure(sources=case.sources, calendar=CalendarConfig(None, ()))
    tables.prepare(store, config, as_of, as_of.date())
    ages = store.rows(
        "SELECT days, date_diff('second', started_at, coalesce(done_at, as_of)) / 86400.0 FROM age "
        "JOIN lifecycle AS l ON l.issue = age.issue CROSS JOIN moment WHERE what IN ('started', 'cycle')"
    )
    assert all(days == passed for days, passed in ages)


@pytest.mark.parametrize(("due", "weeks"), [("2026-01-16", 1.0), ("2026-01-18", 1.0), ("2026-01-20", 1.4)])
def test_the_time_left_is_weeks_of_working_days(due: str, weeks: float) -> None:
    text = f"PAY-1 2026-01-05 todo +milestone:v1\n@v1 kind=version project=PAY 2026-01-05 due_on={due} state=open"
    store = prepared(text, "2026-01-12", today=date(2026, 1, 11))
    query = "SELECT weeks FROM time_left WHERE subject = 'milestone:acme:m:v1'"
    assert store.rows(query) == [(weeks,)]
    off = configure(calendar=CalendarConfig(None, None, (date(2026, 1, 14),)))
    assert prepared(text, "2026-01-12", off, today=date(2026, 1, 11)).rows(query) == [(pytest.approx(weeks - 0.2),)]


def test_a_date_beyond_the_calendar_is_as_far_as_its_days_say() -> None:
    text = "PAY-1 2026-01-05 todo +milestone:v1\n@v1 kind=version project=PAY 2026-01-05 due_on=2099-01-01 state=open"
    store = prepared(text, "2026-01-12", today=date(2026, 1, 11))
    [(weeks,)] = store.rows("SELECT weeks FROM time_left WHERE subject = 'milestone:acme:m:v1'")
    assert weeks == pytest.approx((date(2099, 1, 1) - date(2026, 1, 11)).days / 7, abs=0.4)


def test_a_read_only_store_will_do_and_can_be_cut_again(tmp_path: Path) -> None:
    file = tmp_path / "x.duckdb"
    with Store.open(file) as store:
        history.fill(store, history.parse("PAY-1 2026-01-05 todo 2026-01-10 doing"))
    with Store.open(file, read_only=True) as store:
        for day, category in ((12, "doing"), (8, "todo")):
            tables.prepare(store, configure(), datetime(2026, 1, day, tzinfo=UTC), date(2026, 1, day - 1))
            assert store.rows("SELECT category FROM lifecycle") == [(category,)]


def test_an_empty_store_has_a_portfolio_and_nothing_in_it() -> None:
    store = prepared("", "2026-01-10")
    assert store.rows("SELECT subject FROM subject") == [("portfolio",)]
    assert store.rows("SELECT count(*) FROM membership") == [(0,)]


def test_the_tables_are_those_of_the_readme() -> None:
    """Indicators are written against it."""
    readme = Path(tables.__file__).with_name("sql").joinpath("derive", "README.md").read_text()
    store = prepared("PAY-1 2026-01-05 todo", "2026-01-10")
    described = {}
    for line in readme.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            described[cells[0].strip("`")] = cells[-1]
    assert len(described) >= 16
    for name, text in described.items():
        columns = {row[0] for row in store.rows(f"SELECT column_name FROM (DESCRIBE {name})")}
        assert columns == {word.strip() for part in text.split("`")[1::2] for word in part.split(",")}, name


def test_a_history_that_begins_before_its_issue_has_its_own_length() -> None:
    """As an import leaves it: created in June, done in February."""
    case = history.parse("PAY-1 2026-02-02 todo 2026-02-03 doing 2026-02-05 done")
    issues = tuple(one._replace(created_at=datetime(2026, 6, 1, tzinfo=UTC)) for one in case.issues)
    store = history.fill(Store.open(Path("memory.duckdb"), memory=True), replace(case, issues=issues))
    tables.prepare(store, configure(), datetime(2026, 6, 8, tzinfo=UTC), date(2026, 6, 7))
    assert store.rows("SELECT started_at, done_at FROM lifecycle") == [(datetime(2026, 2, 3), datetime(2026, 2, 5))]
    assert store.rows("SELECT what, days FROM age") == [("cycle", 2.0)]
