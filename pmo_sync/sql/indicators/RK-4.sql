-- id = "RK-4"
-- name = "waits_for_another_project"
-- question = "Which open items wait for an open item of another project?"
-- unit = "days"
-- units = { count = "items" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Dependencies across projects are among the strongest perceived causes of delay (ING, 2020). Another project: one that does not hold the waiting item too."
-- gaming = "Links that nobody draws."
-- playbook = "dependencies"
-- used_by = ["portfolio", "project", "policy"]
-- findings = "waits"
, oldest AS (
    SELECT blocked AS issue, min(since) AS since
    FROM waiting
    GROUP BY blocked
),
evidence AS (
    SELECT m.subject, l.issue, round(date_diff('second', o.since, moment.as_of) / 86400.0, 1) AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    CROSS JOIN moment
    LEFT JOIN oldest AS o ON o.issue = l.issue
    WHERE l.removed_at IS NULL
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
