-- worked_by_now: the seconds of working days of each calendar that are over at as_of.
CREATE OR REPLACE TEMP TABLE worked_by_now AS
SELECT d.calendar, worked(d.before, d.works, moment.as_of) AS seconds
FROM moment
JOIN working_day AS d ON d.day = local_day(moment.as_of);

-- age: working days, of the issue's calendar. A working day is a whole one, from midnight to midnight in the PMO's zone;
-- a part of it counts as that part, and what is older than the calendar counts from its first day on. Of open work
-- `blocked`, and of what is in progress `started` and `touched`: since then; `cycle` of what was done in the last 26
-- weeks: from its start; `asked` of open decisions: since they were created.
CREATE OR REPLACE TEMP TABLE age AS
WITH span AS (
    SELECT l.issue, 'cycle' AS what, l.started_at AS since, l.done_at AS until
    FROM work_item AS l
    CROSS JOIN moment
    WHERE l.started_at IS NOT NULL AND l.done_at >= moment.as_of - INTERVAL 182 DAY
    UNION ALL
    SELECT l.issue, word.what, CASE word.what WHEN 'started' THEN l.started_at ELSE l.touched_at END, NULL
    FROM work_item AS l
    CROSS JOIN (SELECT unnest(['started', 'touched']) AS what) AS word
    WHERE l.category = 'doing'
    UNION ALL
    SELECT issue, 'blocked', blocked_since, NULL
    FROM work_item
    WHERE blocked_since IS NOT NULL AND done_at IS NULL AND removed_at IS NULL
    UNION ALL
    SELECT issue, 'asked', created_at, NULL
    FROM lifecycle
    WHERE role = 'decision' AND is_leaf AND done_at IS NULL AND removed_at IS NULL
),
placed AS (
    SELECT
        s.issue, s.what, coalesce(c.calendar, 0) AS calendar, s.since, s.until,
        greatest(local_day(s.since), (SELECT min(day) FROM calendar)) AS since_on,
        greatest(local_day(s.until), CASE WHEN s.until IS NOT NULL THEN (SELECT min(day) FROM calendar) END) AS until_on
    FROM span AS s
    LEFT JOIN issue_calendar AS c ON c.issue = s.issue
)
SELECT
    p.issue, p.what,
    (coalesce(worked(done.before, done.works, p.until), n.seconds) - worked(began.before, began.works, p.since)) / 86400.0
        AS days
FROM placed AS p
JOIN worked_by_now AS n ON n.calendar = p.calendar
JOIN working_day AS began ON began.calendar = p.calendar AND began.day = p.since_on
LEFT JOIN working_day AS done ON done.calendar = p.calendar AND done.day = p.until_on;
