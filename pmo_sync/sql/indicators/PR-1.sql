-- id = "PR-1"
-- name = "completion"
-- question = "How much of the work in scope is done?"
-- unit = "items"
-- units = { done = "items", total = "items", remaining = "items", share = "share" }
-- direction = "higher"
-- minimum_sample = 1
-- source = "Count of leaf items; points were never the better measure (Little and Verhoef, 55 projects; 29 public projects)."
-- gaming = "Splitting easy items raises it: read it beside the scope (SP-1) and the age of the work in progress (FL-6)."
-- playbook = "progress"
-- used_by = ["portfolio", "project", "policy"]
WITH evidence AS (
    SELECT m.subject, l.issue, CASE WHEN l.done_at IS NOT NULL THEN 1.0 ELSE 0.0 END AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    WHERE l.removed_at IS NULL
)
-- reading
, summary AS (
    SELECT subject, sum(measure) AS done, count(*) AS total
    FROM evidence
    GROUP BY subject
)
SELECT subject, 'done' AS part, done AS value, total AS sample FROM summary
UNION ALL
SELECT subject, 'total', total, total FROM summary
UNION ALL
SELECT subject, 'remaining', total - done, total FROM summary
UNION ALL
SELECT subject, 'share', done / total, total FROM summary
