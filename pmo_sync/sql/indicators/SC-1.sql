-- id = "SC-1"
-- name = "overdue"
-- question = "Which open items are past their own due date?"
-- unit = "days"
-- units = { count = "items", share = "share" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "DCMA 14-point assessment: missed tasks at most 5 %. An item open at the end of its due day is one day late."
-- gaming = "Dates deleted or pushed on the last day: read it beside the changes of due dates."
-- playbook = "overdue"
-- used_by = ["project"]
WITH evidence AS (
    SELECT
        m.subject, l.issue, l.done_at IS NULL AS is_open,
        CASE WHEN l.done_at IS NULL AND l.due_on <= moment.today THEN moment.today + 1 - l.due_on END AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    CROSS JOIN moment
    WHERE l.removed_at IS NULL
)
-- reading
, summary AS (
    SELECT subject, count(measure) AS late, count(*) FILTER (WHERE is_open) AS opened, count(*) AS total
    FROM evidence
    GROUP BY subject
)
SELECT subject, 'count' AS part, late AS value, total AS sample FROM summary
UNION ALL
SELECT subject, 'share', late / nullif(opened, 0), opened FROM summary
