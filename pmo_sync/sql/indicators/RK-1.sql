-- id = "RK-1"
-- name = "blocked"
-- question = "What is blocked, and for how long?"
-- unit = "days"
-- units = { count = "items", oldest_days = "days" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Open items with a flag or an open blocker, from the earlier of the two."
-- gaming = "Blocked work that nobody flags: see stale items (RK-2)."
-- playbook = "blocked"
-- used_by = ["project", "policy"]
WITH evidence AS (
    SELECT
        m.subject, l.issue,
        CASE WHEN l.done_at IS NULL THEN round(date_diff('second', l.blocked_since, moment.as_of) / 86400.0, 1) END
            AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    CROSS JOIN moment
    WHERE l.removed_at IS NULL
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
UNION ALL
SELECT subject, 'oldest_days', max(measure), count(measure) FROM evidence GROUP BY subject
