"""A large portfolio made inside the database: a million issues, more than eight million intervals, five years.

200 tracker projects whose sizes follow Zipf's law, 5,000 milestones, an epic above every fifty issues, sub-tasks,
reopened and refused work, dependencies. Everything is a hash of the issue's number: the same call, the same rows.

    python -m tests.benchmarks.portfolio [issues]      derive, and every indicator: seconds each, peak memory
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from pmo_sync import tables
from pmo_sync.config import ProjectConfig, Scope
from pmo_sync.store import Store
from tests.store import history

AS_OF: Final = datetime(2026, 1, 5, tzinfo=UTC)
TODAY: Final = date(2026, 1, 4)

_SQL: Final = """
CREATE TEMP MACRO chance(issue, salt) AS (hash(issue, salt) % 1000003)::DOUBLE / 1000003;

INSERT INTO project
SELECT 'big:' || n, 'big', 'P' || n, 'Project ' || n, 'https://big.example/P' || n, FALSE FROM range({projects}) AS t(n);
INSERT INTO status VALUES
    ('big:1', 'big', 'To Do', 'todo'), ('big:2', 'big', 'In Progress', 'doing'), ('big:3', 'big', 'In Review', 'doing'),
    ('big:4', 'big', 'Done', 'done');
INSERT INTO milestone
SELECT
    n, 'big:m' || n, 'big', 'big:' || (n % {projects}), 'version', 'v' || n,
    CASE WHEN n % 5 = 0 THEN 'open' ELSE 'closed' END, NULL,
    DATE '2021-03-01' + (chance(n, 1) * 1900)::INTEGER, NULL, '', TIMESTAMP '2021-01-10', NULL
FROM range(1, {milestones} + 1) AS t(n);
INSERT INTO entity SELECT milestone, milestone_id FROM milestone;
INSERT INTO history
SELECT f.field, m.milestone, CASE f.field WHEN 'name' THEN m.name WHEN 'state' THEN m.state ELSE m.due_on::VARCHAR END,
    '', m.first_seen_at, NULL
FROM milestone AS m CROSS JOIN (SELECT unnest(['name', 'state', 'due_on']) AS field) AS f;

-- number, project by Zipf, when created, how it goes on
CREATE TEMP TABLE born AS
SELECT
    n AS number, {milestones} + n AS issue,
    least(floor(pow({projects} + 1, chance(n, 2))) - 1, {projects} - 1)::INTEGER AS project,
    TIMESTAMP '2021-01-04' + to_seconds((chance(n, 3) * 157000000)::BIGINT) AS created_at,
    n % 50 = 0 AS is_epic,
    3600 + (chance(n, 4) * 86400 * 40)::BIGINT AS wait, 3600 + (chance(n, 5) * 86400 * 12)::BIGINT AS work,
    600 + (chance(n, 6) * 86400 * 4)::BIGINT AS review,
    chance(n, 7) < 0.08 AS is_reopened, chance(n, 8) < 0.06 AS is_open, chance(n, 9) < 0.12 AS is_refused
FROM range(1, {issues} + 1) AS t(n);

INSERT INTO entity SELECT issue, 'big:' || number FROM born;
INSERT INTO issue
SELECT
    issue, 'big:' || number, 'big', 'big:' || project, 'P' || project || '-' || number,
    'Something that has to be done, number ' || number, CASE WHEN is_epic THEN 'Epic' ELSE 'Task' END,
    CASE WHEN is_epic THEN 1 ELSE 0 END, created_at, created_at + to_seconds(wait + work + review),
    'https://big.example/browse/' || number, FALSE, '', NULL
FROM born;

CREATE TEMP TABLE step AS
SELECT issue, 1 AS place, 1 AS status, created_at AS since FROM born
UNION ALL SELECT issue, 2, 2, created_at + to_seconds(wait) FROM born WHERE NOT is_refused
UNION ALL SELECT issue, 3, 3, created_at + to_seconds(wait + work) FROM born WHERE NOT is_refused
UNION ALL SELECT issue, 4, 4, created_at + to_seconds(wait + work + review) FROM born WHERE NOT is_open
UNION ALL SELECT issue, 5, 2, created_at + to_seconds(wait + work + review + 50000) FROM born WHERE is_reopened AND NOT is_open
UNION ALL SELECT issue, 6, 4, created_at + to_seconds(wait + work + review + 150000) FROM born WHERE is_reopened AND NOT is_open;

CREATE TEMP TABLE changed AS
SELECT 'status' AS field, issue, 'big:' || status AS value,
    CASE status WHEN 1 THEN 'To Do' WHEN 2 THEN 'In Progress' WHEN 3 THEN 'In Review' ELSE 'Done' END AS label, since,
    lead(since) OVER (PARTITION BY issue ORDER BY place) AS until
FROM step
UNION ALL
SELECT 'resolution', s.issue, CASE WHEN b.is_refused THEN 'Won''t Do' ELSE 'Done' END,
    CASE WHEN b.is_refused THEN 'Won''t Do' ELSE 'Done' END, s.since,
    CASE WHEN s.place = 4 AND b.is_reopened THEN s.since + to_seconds(50000) END
FROM step AS s JOIN born AS b ON b.issue = s.issue
WHERE s.status = 4
UNION ALL SELECT 'kind', issue, CASE WHEN is_epic THEN 'Epic' ELSE 'Task' END, '', created_at, NULL FROM born
UNION ALL SELECT 'priority', issue, (number % 5)::VARCHAR, 'P' || number % 5, created_at, NULL FROM born
UNION ALL SELECT 'estimate', issue, (1 + number % 8)::VARCHAR, '', created_at, NULL FROM born WHERE number % 3 <> 0
UNION ALL SELECT 'assignee', issue, 'big:person-' || number % 2500, '', created_at + to_seconds(wait), NULL FROM born
UNION ALL SELECT 'due_on', issue, (created_at::DATE + 30)::VARCHAR, '', created_at, NULL FROM born WHERE number % 4 = 0
UNION ALL SELECT 'label', issue, 'area-' || number % 40, 'area-' || number % 40, created_at, NULL FROM born WHERE number % 2 = 0
UNION ALL SELECT 'parent', issue, 'big:' || (number + 50 - number % 50), '', created_at, NULL FROM born
    WHERE NOT is_epic AND number % 10 < 4 AND number + 50 - number % 50 <= {issues}
UNION ALL SELECT 'parent', issue, 'big:' || (number - 1), '', created_at, NULL FROM born WHERE number % 10 IN (7, 8)
UNION ALL SELECT 'milestone', issue, 'big:m' || (1 + (project + {projects} * (number % ({milestones} // {projects}))) % {milestones}), '',
    created_at + to_seconds(wait // 2), CASE WHEN number % 6 = 0 THEN created_at + to_seconds(wait) END
    FROM born WHERE number % 3 <> 2
UNION ALL SELECT 'milestone', issue, 'big:m' || (1 + (project + {projects} * ((number + 1) % ({milestones} // {projects}))) % {milestones}), '',
    created_at + to_seconds(wait), NULL FROM born WHERE number % 6 = 0
UNION ALL SELECT 'blocks', issue, 'big:' || (number - 17), '', created_at, NULL FROM born WHERE number % 20 = 3 AND number > 17;

INSERT INTO history
SELECT field, issue, value, label, since, until
FROM changed
WHERE until IS NULL OR until > since
ORDER BY field, issue, since;
DROP TABLE changed; DROP TABLE step; DROP TABLE born;
"""


def fill(store: Store, issues: int = 1_000_000, projects: int = 200, milestones: int = 5_000) -> None:
    """Fill an empty store."""
    store.script(_SQL.format(issues=issues, projects=projects, milestones=milestones))


def configuration(projects: int = 200) -> object:
    """Every tracker project is a PMO project, in ten programmes."""
    units = tuple(_unit(number) for number in range(projects))
    return history.configure(
        *units, sources=("big",), programmes={f"g{number}": f"Programme {number}" for number in range(10)}
    )


def _unit(number: int) -> ProjectConfig:
    return history.pmo_project(f"P{number}", Scope("big", f"P{number}"), programme=f"g{number % 10}")


def _run(issues: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "big.duckdb"
        start = time.perf_counter()
        with Store.open(file, threads=2) as store:
            fill(store, issues)
            [(rows,)] = store.rows("SELECT count(*) FROM history")
        print(
            f"{issues:,} issues, {rows:,} intervals made in {time.perf_counter() - start:.1f} s, {file.stat().st_size / 1e6:.0f} MB"
        )
        with Store.open(file, read_only=True, threads=2) as store:
            start = time.perf_counter()
            tables.prepare(store, configuration(), AS_OF, TODAY)
            print(f"prepare            {time.perf_counter() - start:6.2f} s")
            derive = files("pmo_sync").joinpath("sql/derive")
            for one in sorted(derive.iterdir(), key=lambda one: one.name):
                if one.name.endswith(".sql"):
                    start = time.perf_counter()
                    store.script(one.read_text())
                    print(f"  {one.name:<24} {time.perf_counter() - start:6.2f} s")
            for name in ("lifecycle", "flow", "subject", "membership", "scope_history", "delivery"):
                print(f"  {name}: {store.rows(f'SELECT count(*) FROM {name}')[0][0]:,}")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    _run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
