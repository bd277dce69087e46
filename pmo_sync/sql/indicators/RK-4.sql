-- id = "RK-4"
-- name = "waits_for_another_project"
-- question = "Which open items wait for an open item of another project?"
-- unit = "days"
-- direction = "lower"
-- minimum_sample = 1
-- amber = { count = 1 }
-- source = "Dependencies across projects are among the strongest perceived causes of delay (ING, 2020). Another project: one that does not hold the waiting item too."
-- gaming = "Links that nobody draws."
-- playbook = "dependencies"
-- used_by = ["portfolio", "project"]
WITH place AS (
    SELECT m.subject AS project, m.issue
    FROM membership AS m
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
),
inside AS (
    SELECT DISTINCT b.blocked, b.blocker
    FROM blocking AS b
    JOIN place AS here ON here.issue = b.blocked
    JOIN place AS there ON there.issue = b.blocker AND there.project = here.project
),
waiting AS (
    SELECT b.blocked AS issue, min(b.since) AS since
    FROM blocking AS b
    LEFT JOIN inside ON inside.blocked = b.blocked AND inside.blocker = b.blocker
    WHERE inside.blocked IS NULL
    GROUP BY b.blocked
),
evidence AS (
    SELECT
        m.subject, l.issue,
        CASE WHEN l.done_at IS NULL THEN round(date_diff('second', w.since, moment.as_of) / 86400.0, 1) END AS measure
    FROM membership AS m
    JOIN lifecycle AS l ON l.issue = m.issue
    CROSS JOIN moment
    LEFT JOIN waiting AS w ON w.issue = l.issue
    WHERE l.role = 'work' AND l.is_leaf AND l.removed_at IS NULL
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
