-- id = "PF-3"
-- name = "decisions_waiting"
-- question = "Which decisions wait for leaders, and for how long?"
-- unit = "working_days"
-- units = { count = "items", oldest_days = "working_days" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Open items with the role decision (configuration), working days of the item's calendar since they were created. No reading where decisions are not kept in the tracker."
-- gaming = "Decisions asked for outside the tracker."
-- playbook = "decisions"
-- used_by = ["portfolio"]
-- findings = "decisions"
, evidence AS (
    SELECT m.subject, a.issue, round(age.days, 1) AS measure
    FROM membership AS m
    JOIN asked AS a ON a.issue = m.issue
    LEFT JOIN age ON age.issue = a.issue AND age.what = 'asked'
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
UNION ALL
SELECT subject, 'oldest_days', max(measure), count(measure) FROM evidence GROUP BY subject
