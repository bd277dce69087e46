-- id = "RK-2"
-- name = "stale"
-- question = "Which items in progress has nobody touched for two weeks?"
-- unit = "working_days"
-- units = { count = "items" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "In progress and no change of any recorded field for ten working days of its calendar. A new assignee is no change: no number rests on person data, which leaves with time."
-- gaming = "Touching an item without working on it."
-- playbook = "stale"
-- used_by = ["project"]
WITH evidence AS (
    SELECT m.subject, l.issue, round(a.days, 1) AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    LEFT JOIN age AS a ON a.issue = l.issue AND a.what = 'touched' AND a.days >= 10
    WHERE l.removed_at IS NULL
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
