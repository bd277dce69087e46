-- id = "FL-3"
-- name = "cycle_time"
-- question = "How many working days does an item take from its start until it is done?"
-- unit = "working_days"
-- units = { p50 = "working_days", p85 = "working_days" }
-- direction = "lower"
-- minimum_sample = 11
-- source = "Kanban service level expectation; working days of the item's calendar, items done in the last 26 weeks. Below 11 items a P85 says nothing (order statistics)."
-- gaming = "Starting late, by parking work in a to-do status, makes it look short."
-- playbook = "flow"
-- used_by = ["project"]
WITH evidence AS (
    SELECT m.subject, a.issue, round(a.days, 1) AS measure
    FROM membership AS m
    JOIN age AS a ON a.issue = m.issue AND a.what = 'cycle'
)
-- reading
SELECT subject, 'p50' AS part, percentile(measure, 0.50) AS value, count(*) AS sample FROM evidence GROUP BY subject
UNION ALL
SELECT subject, 'p85', percentile(measure, 0.85), count(*) FROM evidence GROUP BY subject
