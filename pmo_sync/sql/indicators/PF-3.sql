-- id = "PF-3"
-- name = "decisions_waiting"
-- question = "Which decisions wait for leaders, and for how long?"
-- unit = "days"
-- units = { count = "items", oldest_days = "days" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Open items with the role decision (configuration), days since they were created. No reading where decisions are not kept in the tracker."
-- gaming = "Decisions asked for outside the tracker."
-- playbook = "decisions"
-- used_by = ["portfolio"]
-- findings = "decisions"
, evidence AS (
    SELECT
        m.subject, a.issue,
        CASE WHEN a.done_at IS NULL THEN round(date_diff('second', a.created_at, moment.as_of) / 86400.0, 1) END
            AS measure
    FROM membership AS m
    JOIN asked AS a ON a.issue = m.issue
    CROSS JOIN moment
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
UNION ALL
SELECT subject, 'oldest_days', max(measure), count(measure) FROM evidence GROUP BY subject
