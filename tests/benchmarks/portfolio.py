"""A large portfolio made inside the database: a million issues, more than eight million intervals, five years.

200 tracker projects whose sizes follow Zipf's law, 5,000 milestones, an epic above every fifty issues, sub-tasks,
reopened and refused work, dependencies. Everything is a hash of the issue's number: the same call, the same rows.

    python -m tests.benchmarks.portfolio [issues]      derive, every indicator, forecasts and why they moved, and all that a
                                                       report is told from: seconds each, peak memory; and three
                                                       indicators beside pandas
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pmo_sync import forecast, indicators, tables
from pmo_sync.assess import assess
from pmo_sync.assessed import SourceTrust
from pmo_sync.config import Config, Scope
from pmo_sync.forecast import attribute
from pmo_sync.queries import sql_folder
from pmo_sync.record import Record
from pmo_sync.store import Store
from tests.store import history

AS_OF: Final = datetime(2026, 1, 5, tzinfo=UTC)
TODAY: Final = date(2026, 1, 4)
COMMITMENTS: Final = 500

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
    'https://big.example/browse/' || number, FALSE, '', NULL, NULL
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


def configuration(projects: int = 200) -> Config:
    """Every tracker project is a PMO project, in ten programmes."""
    units = [
        history.pmo_project(f"P{number}", Scope("big", f"P{number}"), programme=f"g{number % 10}")
        for number in range(projects)
    ]
    programmes = {f"g{number}": f"Programme {number}" for number in range(10)}
    return history.configure(*units, sources=("big",), programmes=programmes)


def forecasting(store: Store) -> dict[str, float]:
    """Seconds of the forecasts of every open milestone, and of telling why those of COMMITMENTS moved in a week."""
    week = timedelta(days=7)
    made, seconds = [], 0.0
    for back in (week, timedelta()):
        tables.prepare(store, configuration(), AS_OF - back, TODAY - back)
        start = time.perf_counter()
        made.append(forecast.compute(store, AS_OF - back, TODAY - back, seed=1, config_digest=""))
        seconds = time.perf_counter() - start
        if back:
            attribute.remember(store)
    then, now = made
    start = time.perf_counter()
    what = attribute.moved(store, {id_: one.speed.pace_of for id_, one in now.bases.items()})
    both = [id_ for id_ in now.bases if id_ in then.bases][:COMMITMENTS]
    for id_ in both:
        attribute.attribute(
            then.bases[id_], now.bases[id_], what.get(id_, attribute.Moved()), then.forecasts[id_], now.forecasts[id_]
        )
    return {
        "milestones forecast": len(now.forecasts),
        "forecasts": seconds,
        "forecasts attributed": len(both),
        "attribution": time.perf_counter() - start,
    }


def measure(file: Path) -> dict[str, float]:
    """Seconds of each step over the database in ``file``, on two threads, and the peak memory in MB of this process."""
    seconds: dict[str, float] = {}
    with Store.open(file, read_only=True, threads=2) as store:
        start = time.perf_counter()
        tables.prepare(store, configuration(), AS_OF, TODAY)
        seconds["derive"] = time.perf_counter() - start
        for one in indicators.definitions():
            start = time.perf_counter()
            indicators.compute(store, [one])
            seconds[one] = time.perf_counter() - start
        start = time.perf_counter()
        for number, text in enumerate(sql_folder("derive")):
            store.script(text)
            seconds[f"derive file {number}"], start = time.perf_counter() - start, time.perf_counter()
        seconds |= forecasting(store)
        start = time.perf_counter()
        assess(
            store,
            configuration(),
            TODAY,
            [SourceTrust("big", "fresh", None, "", None, 0)],
            Record(file.parent / "none"),
        )
        seconds["a report"] = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = sum(took for name, took in seconds.items() if name == "derive" or name in indicators.definitions())
    return {"derive and indicators": total, "peak MB": peak, **seconds}


def run(issues: int = 1_000_000) -> dict[str, float]:
    """Make the portfolio, then measure in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "portfolio.duckdb"
        with Store.open(file) as store:
            fill(store, issues)
            [(intervals,)] = store.rows("SELECT count(*) FROM history")
        ours = _measured("tests.benchmarks.portfolio", "measure", str(file))
        pandas = {
            f"{name} {whose}": took
            for name, both in _measured("tests.benchmarks.beside_pandas", str(file)).items()
            for whose, took in both.items()
        }
        return {"issues": issues, "intervals": intervals, **ours, **pandas}


def _measured(*module: str) -> dict[str, Any]:
    """What a process of its own found, so that none takes the other's memory."""
    done = subprocess.run([sys.executable, "-m", *module], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        for name, value in run(*map(int, sys.argv[1:2])).items():
            print(f"{name:<24} {value:12,.2f}")
