-- id = "PF-3"
-- name = "decisions_waiting"
-- question = "Which decisions wait for leaders, and for how long?"
-- unit = "days"
-- direction = "lower"
-- minimum_sample = 1
-- amber = { oldest_days = 7 }
-- red = { oldest_days = 14 }
-- source = "Open items with the role decision (configuration), days since they were created. No reading where decisions are not kept in the tracker."
-- gaming = "Decisions asked for outside the tracker."
-- playbook = "decisions"
-- used_by = ["portfolio", "project"]
WITH evidence AS (
    SELECT
        m.subject, l.issue,
        CASE WHEN l.done_at IS NULL THEN round(date_diff('second', l.created_at, moment.as_of) / 86400.0, 1) END
            AS measure
    FROM membership AS m
    JOIN lifecycle AS l ON l.issue = m.issue
    CROSS JOIN moment
    WHERE l.role = 'decision' AND l.is_leaf AND l.removed_at IS NULL
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
UNION ALL
SELECT subject, 'oldest_days', max(measure), count(measure) FROM evidence GROUP BY subject
