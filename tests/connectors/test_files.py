"""The files connector: three formats, any order, every row accounted for."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.files import connect
from connectors.files.fetch import FilesConnector
from pmo_sync.clock import SystemClock
from pmo_sync.config import SourceConfig
from pmo_sync.errors import AccessError, ConfigError, TrackerError
from pmo_sync.http.network import Network
from pmo_sync.model import Interval, Page, Project, person_id

Rows = list[dict[str, Any]]
BORN = "2026-01-05T09:00:00Z"
PROJECTS: Rows = [
    {"project_id": "p1", "key": "PAY", "name": "Payments", "url": "", "is_archived": False, "mascot": "owl"},
    {"project_id": "p2", "key": "WEB"},
]
STATUSES: Rows = [
    {"status_id": "1", "name": "To Do", "category": "todo"},
    {"status_id": "2", "name": "Done", "category": "done"},
    {"status_id": "3", "name": "Odd"},
]
MILESTONES: Rows = [
    {"milestone_id": "v1", "project_id": "p1", "kind": "version", "name": "1.0", "due_on": "2026-03-31"},
    {"milestone_id": "m2", "name": "Q1", "state": "closed", "closed_on": "2026-04-01"},
]
AYU = person_id("old", "u1")
PEOPLE: Rows = [{"person_id": "u1", "name": "Ayu"}, {"person_id": "u2", "name": "Nobody's assignee"}]


def issue(number: int, project: str = "p1", **more: Any) -> dict[str, Any]:
    return {"issue_id": str(number), "project_id": project, "key": f"K-{number}", "title": f"T {number}", "created_at": BORN, **more}  # fmt: skip


def stay(
    entity: int, field: str, value: str, since: str = BORN, until: str | None = None, **more: Any
) -> dict[str, Any]:
    return {"entity_id": str(entity), "field": field, "value": value, "since": since, "until": until, **more}


def write_jsonl(file: Path, rows: Rows) -> None:
    file.with_suffix(".jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")


def write_csv(file: Path, rows: Rows) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with file.with_suffix(".csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(file: Path, rows: Rows) -> None:
    typed = [
        {name: datetime.fromisoformat(one) if name.endswith(("_at", "since", "until")) and one else
               date.fromisoformat(one) if name.endswith("_on") and one else one for name, one in row.items()}
        for row in rows
    ]  # fmt: skip
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: [row.get(name) for row in typed] for name in names})
    pq.write_table(table, file.with_suffix(".parquet"))


def folder(path: Path, write: Callable[[Path, Rows], None] = write_jsonl, **tables: Rows) -> FilesConnector:
    for name, rows in ({"projects": PROJECTS} | tables).items():
        write(path / name, rows)
    return connector(path)


def connector(path: Path | None, *projects: str) -> FilesConnector:
    options = SourceConfig(
        name="old", kind="files", server=None, path=path, projects=projects, statuses={}, fields={},
        canceled_resolutions=(), workflow_labels=None, shrink_limit=0.2,
    )  # fmt: skip
    return connect(options, Network(SystemClock()))


def read(found: FilesConnector, cursors: dict[str, str] | None = None) -> dict[str, list[Page]]:
    return {
        one.key: list(found.pages(one, (cursors or {}).get(one.project_id))) for one in found.catalogue().projects
    }  # fmt: skip


def problems(pages: dict[str, list[Page]]) -> list[tuple[str, str]]:
    return [(one.subject, one.what) for many in pages.values() for page in many for one in page.problems]


HISTORY: Rows = [
    stay(2, "status", "1"),
    stay(1, "status", "2", "2026-02-01T16:00:00+07:00", label="Done"),
    stay(1, "blocked_by", "https://jira.invalid/browse/X-1", label="X-1"),
    stay(1, "status", "1", until="2026-02-01T09:00:00Z", label="To Do"),
    stay(1, "milestone", "v1", label="1.0"),
    stay(1, "assignee", "u1"),
    stay(1, "relates", "2"),
    stay(1, "due_on", "2026-03-31"),
]


@pytest.mark.parametrize("write", [write_jsonl, write_csv, write_parquet])
def test_every_format_says_the_same(tmp_path: Path, write: Callable[[Path, Rows], None]) -> None:
    found = folder(
        tmp_path, write, statuses=STATUSES, milestones=MILESTONES, people=PEOPLE, intervals=HISTORY,
        issues=[issue(1, url="https://old.invalid/1", level=-1, is_confidential=True), issue(2, "p2", superseded="moved")],
    )  # fmt: skip
    catalogue = found.catalogue()
    assert catalogue.problems == ()
    assert [(one.project_id, one.key, one.name) for one in catalogue.projects] == [
        ("old:p1", "PAY", "Payments"), ("old:p2", "WEB", "WEB"),
    ]  # fmt: skip
    assert {(one.status_id, one.category) for one in catalogue.statuses} == {
        ("old:1", "todo"), ("old:2", "done"), ("old:3", None),
    }  # fmt: skip
    first, second = catalogue.milestones
    assert (first.milestone_id, first.project_id, first.due_on) == ("old:v1", "old:p1", date(2026, 3, 31))
    assert (second.project_id, second.kind, second.state, second.closed_on) == (
        None,
        "milestone",
        "closed",
        date(2026, 4, 1),
    )
    pages = read(found)
    assert problems(pages) == []
    (one,), (two,) = pages["PAY"][0].issues, pages["WEB"][0].issues
    assert (one.issue_id, one.level, one.is_confidential, one.kind) == ("old:1", -1, True, "issue")
    assert one.created_at == one.updated_at == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert two.superseded == "moved"
    born, done = datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 2, 1, 9, tzinfo=UTC)
    assert set(pages["PAY"][0].intervals) == {
        Interval("old:1", "status", "old:1", "To Do", born, done),
        Interval("old:1", "status", "old:2", "Done", done, None),
        Interval("old:1", "blocked_by", "https://jira.invalid/browse/X-1", "X-1", born, None),
        Interval("old:1", "milestone", "old:v1", "1.0", born, None),
        Interval("old:1", "assignee", AYU, "", born, None),
        Interval("old:1", "relates", "old:2", "2", born, None),
        Interval("old:1", "due_on", "2026-03-31", "2026-03-31", born, None),
        Interval("old:1", "kind", "issue", "issue", born, None),
        Interval("old:1", "project", "old:p1", "PAY", born, None),
    }
    assert [(person.person_id, person.name) for person in pages["PAY"][0].people] == [(AYU, "Ayu")]


def test_without_history_a_done_issue_was_open_before(tmp_path: Path) -> None:
    found = folder(
        tmp_path, statuses=STATUSES,
        issues=[issue(1, status="2", done_at="2026-02-01T09:00:00Z"), issue(2, status="1"), issue(3)],
    )  # fmt: skip
    assert ("old:open", "todo") in {(one.status_id, one.category) for one in found.catalogue().statuses}
    pages = read(found)
    born, done = datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 2, 1, 9, tzinfo=UTC)
    assert [one for one in pages["PAY"][0].intervals if one.field == "status"] == [
        Interval("old:1", "status", "old:open", "open", born, done),
        Interval("old:1", "status", "old:2", "2", done, None),
        Interval("old:2", "status", "old:1", "1", born, None),
    ]
    assert problems(pages) == [("K-3", "no 'status'")]


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    rows = [issue(number, status="1") for number in range(1, 1201)]
    found = folder(tmp_path, issues=rows)
    pages = read(found)
    assert [len(page.issues) for page in pages["PAY"]] == [500, 500, 200, 0]
    cursors = {"old:p1": pages["PAY"][-1].cursor, "old:p2": pages["WEB"][-1].cursor}
    assert read(connector(tmp_path), cursors) == {"PAY": [], "WEB": []}
    write_jsonl(tmp_path / "issues", [*rows, issue(9999, status="1")])
    assert sum(len(page.issues) for page in read(connector(tmp_path), cursors)["PAY"]) == 1201


def test_a_killed_read_goes_on_after_its_last_page(tmp_path: Path) -> None:
    rows = [issue(number, status="1") for number in range(1, 1201)]
    pages = read(folder(tmp_path, issues=rows))["PAY"]
    rest = read(connector(tmp_path), {"old:p1": pages[0].cursor})["PAY"]
    assert rest == pages[1:]


@pytest.mark.parametrize(
    "cursor", ["", "nonsense", "[]", "{}", '{"files": "other", "done": null}', '{"files": 1, "done": "x"}']
)
def test_a_cursor_that_cannot_be_read_means_everything(tmp_path: Path, cursor: str) -> None:
    found = folder(tmp_path, issues=[issue(1, status="1")])
    assert len(read(found, {"old:p1": cursor})["PAY"][0].issues) == 1


def test_the_census(tmp_path: Path) -> None:
    found = folder(tmp_path, issues=[issue(1, status="1"), issue(2, status="1"), issue(3, "p2", status="1")])
    project = Project("old:p1", "old", "PAY", "", "", False)
    assert found.census(project, sweep=False) == type(found.census(project, sweep=False))("old:p1", 2, None)
    assert found.census(project, sweep=True).issue_ids == {"old:1", "old:2"}


def test_configured_projects_only(tmp_path: Path) -> None:
    folder(tmp_path, issues=[issue(1, status="1")])
    catalogue = connector(tmp_path, "WEB", "GONE").catalogue()
    assert [one.key for one in catalogue.projects] == ["WEB"]
    assert [(one.subject, one.what) for one in catalogue.problems] == [("GONE", "not in projects.jsonl")]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"created_at": "2026-01-05T09:00:00"}, "created_at is '2026-01-05T09:00:00', not an ISO 8601 time with its zone"),
        ({"created_at": "yesterday"}, "created_at is 'yesterday'"),
        ({"created_at": None}, "no 'created_at'"),
        ({"title": None}, "no 'title'"),
        ({"title": {"en": "x"}}, "title is no text"),
        ({"level": "high"}, "level is 'high', not a whole number"),
        ({"is_confidential": "perhaps"}, "not true or false"),
        ({"superseded": "lost"}, "not one of moved, duplicate, promoted"),
    ],
)  # fmt: skip
def test_a_malformed_issue_is_a_problem_and_the_rest_is_kept(tmp_path: Path, change: dict[str, Any], what: str) -> None:
    found = folder(tmp_path, issues=[issue(1, status="1") | change, issue(2, status="1")])
    pages = read(found)
    assert [one.key for one in pages["PAY"][0].issues] == ["K-2"]
    ((subject, said),) = problems(pages)
    assert subject == ("1" if "is_confidential" in change else "K-1")  # what may be confidential is not named
    assert what in said


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([], "no status at some moment"),
        ([stay(1, "status", "1"), stay(1, "mood", "x")], "unknown field 'mood'"),
        ([stay(1, "status", "1", since="2026-01-05T09:00:00")], "since is"),
        ([{"entity_id": "1", "field": "status", "value": "1"}], "without 'since'"),
        ([stay(1, "status", "1", since="2025-01-05T09:00:00Z")], "before the issue was created"),
        ([stay(1, "status", "1", until=BORN)], "ends before it starts"),
        ([stay(1, "status", "1"), stay(1, "status", "2", since="2026-02-01T09:00:00Z")], "intervals of status overlap"),
        ([stay(1, "status", "1"), stay(1, "label", "a"), stay(1, "label", "a")], "intervals of label overlap"),
        ([stay(1, "status", "1", since="2026-02-01T09:00:00Z")], "no status at some moment"),
        ([stay(1, "status", "1", until="2026-02-01T09:00:00Z")], "no status at some moment"),
        (
            [
                stay(1, "status", "1", until="2026-02-01T09:00:00Z"),
                stay(1, "status", "2", since="2026-02-02T09:00:00Z"),
            ],
            "no status at some moment",
        ),
    ],
)
def test_a_malformed_history_is_a_problem_of_its_issue(tmp_path: Path, rows: Rows, what: str) -> None:
    found = folder(tmp_path, issues=[issue(1), issue(2)], intervals=[*rows, stay(2, "status", "1")])
    pages = read(found)
    assert [one.key for one in pages["PAY"][0].issues] == ["K-2"]
    ((subject, said),) = problems(pages)
    assert subject == "K-1"
    assert what in said


def test_stays_that_touch_are_one(tmp_path: Path) -> None:
    later = "2026-02-01T09:00:00Z"
    rows = [stay(1, "status", "1"), stay(1, "label", "a", until=later), stay(1, "label", "a", since=later)]
    (page, _) = read(folder(tmp_path, issues=[issue(1)], intervals=rows))["PAY"]
    assert [(one.since, one.until) for one in page.intervals if one.field == "label"] == [
        (page.issues[0].created_at, None)
    ]


def test_rows_that_belong_to_nothing_are_named(tmp_path: Path) -> None:
    found = folder(
        tmp_path, issues=[issue(1), issue(1, title="again"), issue(3, "p9")],
        intervals=[stay(1, "status", "1"), stay(77, "status", "1"), stay(78, "status", "1")],
    )  # fmt: skip
    with (tmp_path / "issues.jsonl").open("a") as stream:
        stream.write("{broken\n[1]\n\n")
    assert [(one.subject, one.what) for one in found.catalogue().problems] == [
        ("issues.jsonl:2", "issue_id '1' is there twice; the first one counts"),
        ("issues.jsonl:4", "no row with 'issue_id'"),
        ("issues.jsonl:5", "no row with 'issue_id'"),
        ("project p9", "1 issues belong to it, but it is not among the projects"),
        ("intervals", "2 belong to no issue of the folder, such as '77'"),
    ]
    assert [one.title for one in read(found)["PAY"][0].issues] == ["T 1"]


def test_malformed_lines_of_the_catalogue_are_named(tmp_path: Path) -> None:
    found = folder(
        tmp_path, projects=[*PROJECTS, {"key": "X"}], issues=[issue(1, status="1")],
        statuses=[{"status_id": "1", "name": "A", "category": "nice"}],
        milestones=[{"milestone_id": "1", "name": "A", "due_on": "soon"}],
    )  # fmt: skip
    assert [one.subject for one in found.catalogue().problems] == [
        "projects.jsonl:3",
        "statuses.jsonl:1",
        "milestones.jsonl:1",
    ]


def test_many_malformed_lines_are_some_and_a_number(tmp_path: Path) -> None:
    found = folder(tmp_path, issues=[issue(1, status="1"), *({"key": "X"} for _ in range(100))], statuses=[{}] * 30)
    told = [(one.subject, one.what) for one in found.catalogue().problems]
    assert len(told) == 42
    assert ("issues.jsonl:2", "no row with 'issue_id'") in told
    assert ("issues.jsonl", "80 more rows cannot be used") in told
    assert ("statuses.jsonl", "10 more rows cannot be used") in told


def test_numbers_that_pandas_made_fractions_are_ids(tmp_path: Path) -> None:
    """A column of numbers with a gap is one of fractions in Parquet."""
    rows = [
        issue(1) | {"issue_id": 1.0, "project_id": 7.0, "status": 5.0},
        issue(2) | {"issue_id": None, "project_id": 7.0},
    ]
    found = folder(tmp_path, write_parquet, issues=rows, projects=[{"project_id": 7.0, "key": "PAY"}, {"key": "X"}])
    ((made,),) = [page.issues for page in read(found)["PAY"] if page.issues]
    assert (made.issue_id, made.project_id) == ("old:1", "old:7")


def test_hostile_texts(tmp_path: Path) -> None:
    title = 'a\0b "quoted", \U0001f600 \u202e =cmd() <script> /close'
    for write in (write_jsonl, write_csv):
        place = tmp_path / write.__name__
        place.mkdir()
        found = folder(place, write, issues=[issue(1, status="1", title=title)])
        assert read(found)["PAY"][0].issues[0].title == title.replace("\0", "")
    write_jsonl(tmp_path / "projects", PROJECTS)
    (tmp_path / "issues.jsonl").write_text(json.dumps(issue(1, status="1", title="\ud800x")))
    assert read(connector(tmp_path))["PAY"][0].issues[0].title == "\ufffdx"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"source\.old\.path"):
        connector(None)
    with pytest.raises(AccessError, match="no such folder"):
        connector(tmp_path / "gone").check()
    with pytest.raises(AccessError, match=r"no projects\.jsonl"):
        connector(tmp_path).check()
    found = folder(tmp_path, issues=[])
    assert found.check().server == "files (projects.jsonl, issues.jsonl)"
    write_csv(tmp_path / "issues", [issue(1)])
    with pytest.raises(AccessError, match="keep one of them"):
        found.check()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("issues.csv", b"issue_id,title\n1,caf\xe9\n", "not UTF-8"),
        ("issues.jsonl", b'{"issue_id": "\xe9"}\n', "not UTF-8"),
        ("issues.parquet", b"not parquet", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    write_jsonl(tmp_path / "projects", PROJECTS)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TrackerError, match=what) as caught:
        connector(tmp_path).catalogue()
    assert "\n" not in str(caught.value)


def test_a_long_text_in_an_ignored_column(tmp_path: Path) -> None:
    found = folder(
        tmp_path, write_csv, issues=[issue(1, status="1", description="x" * 1_000_000), issue(2, status="1")]
    )
    assert len(read(found)["PAY"][0].issues) == 2


def test_a_line_with_too_many_cells_is_a_problem(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "projects", PROJECTS)
    lines = f"issue_id,project_id,key,title,created_at,status\n1,p1,K-1,T,{BORN},1,more\n2,p1,K-2,T,{BORN},1\n"
    (tmp_path / "issues.csv").write_text("\ufeff" + lines, "utf-8")
    found = connector(tmp_path)
    assert [one.subject for one in found.catalogue().problems] == ["issues.csv:2"]
    assert [one.key for one in read(found)["PAY"][0].issues] == ["K-2"]


def test_importing_the_connector_is_light() -> None:
    code = "import connectors.files, sys; sys.exit(bool({'pandas', 'duckdb', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
