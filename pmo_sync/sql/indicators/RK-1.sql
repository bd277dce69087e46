-- id = "RK-1"
-- name = "blocked"
-- question = "What is blocked, and for how long?"
-- unit = "working_days"
-- units = { count = "items", oldest_days = "working_days" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Open items with a flag or an open blocker, from the earlier of the two, in working days of the item's calendar."
-- gaming = "Blocked work that nobody flags: see stale items (RK-2)."
-- playbook = "blocked"
-- used_by = ["project", "policy"]
WITH evidence AS (
    SELECT m.subject, l.issue, round(a.days, 1) AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    LEFT JOIN age AS a ON a.issue = l.issue AND a.what = 'blocked'
    WHERE l.removed_at IS NULL
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
UNION ALL
SELECT subject, 'oldest_days', max(measure), count(measure) FROM evidence GROUP BY subject
