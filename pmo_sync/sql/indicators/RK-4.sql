-- id = "RK-4"
-- name = "waits_for_another_project"
-- question = "Which open items wait for an open item of another project?"
-- unit = "working_days"
-- units = { count = "items" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Dependencies across projects are among the strongest perceived causes of delay (ING, 2020). Another project: one that does not hold the waiting item too. Since its oldest such dependency, in working days of the waiting item's calendar."
-- gaming = "Links that nobody draws."
-- playbook = "dependencies"
-- used_by = ["portfolio", "project", "policy"]
-- findings = "waits"
, oldest AS (
    SELECT blocked AS issue, min(since) AS since
    FROM waiting
    GROUP BY blocked
),
waited AS (
    SELECT o.issue, (n.seconds - worked(d.before, d.works, o.since)) / 86400.0 AS days
    FROM oldest AS o
    LEFT JOIN issue_calendar AS c ON c.issue = o.issue
    JOIN worked_by_now AS n ON n.calendar = coalesce(c.calendar, 0)
    JOIN working_day AS d ON d.calendar = n.calendar
        AND d.day = greatest(local_day(o.since), (SELECT min(day) FROM calendar))
),
evidence AS (
    SELECT m.subject, l.issue, round(waited.days, 1) AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    LEFT JOIN waited ON waited.issue = l.issue
    WHERE l.removed_at IS NULL
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
