-- id = "RK-2"
-- name = "stale"
-- question = "Which items in progress has nobody touched for two weeks?"
-- unit = "days"
-- units = { count = "items" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "In progress and no change of any recorded field for 14 days. A new assignee is no change: no number rests on person data, which leaves with time."
-- gaming = "Touching an item without working on it."
-- playbook = "stale"
-- used_by = ["project"]
WITH evidence AS (
    SELECT
        m.subject, l.issue,
        CASE
            WHEN l.done_at IS NULL AND l.category = 'doing' AND l.touched_at <= moment.as_of - INTERVAL 14 DAY
            THEN round(date_diff('second', l.touched_at, moment.as_of) / 86400.0, 1)
        END AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    CROSS JOIN moment
    WHERE l.removed_at IS NULL
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
