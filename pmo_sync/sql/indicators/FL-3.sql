-- id = "FL-3"
-- name = "cycle_time"
-- question = "How many days does an item take from its start until it is done?"
-- unit = "days"
-- units = { p50 = "days", p85 = "days" }
-- direction = "lower"
-- minimum_sample = 11
-- source = "Kanban service level expectation; calendar days, items done in the last 26 weeks. Below 11 items a P85 says nothing (order statistics)."
-- gaming = "Starting late, by parking work in a to-do status, makes it look short."
-- playbook = "flow"
-- used_by = ["project"]
WITH evidence AS (
    SELECT m.subject, l.issue, round(date_diff('second', l.started_at, l.done_at) / 86400.0, 1) AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    CROSS JOIN moment
    WHERE l.removed_at IS NULL
        AND l.started_at IS NOT NULL AND l.done_at >= moment.as_of - INTERVAL 182 DAY
)
-- reading
SELECT subject, 'p50' AS part, percentile(measure, 0.50) AS value, count(*) AS sample FROM evidence GROUP BY subject
UNION ALL
SELECT subject, 'p85', percentile(measure, 0.85), count(*) FROM evidence GROUP BY subject
