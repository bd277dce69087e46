-- id = "SP-5"
-- name = "unestimated"
-- question = "Which share of the open work has no estimate?"
-- unit = "items"
-- units = { share = "share" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "A share above 20 % makes every number in points or hours doubtful; counts do not need estimates."
-- gaming = "Estimates of one point for everything."
-- playbook = "estimates"
-- used_by = ["project"]
WITH evidence AS (
    SELECT m.subject, l.issue, CASE WHEN l.estimate IS NULL THEN 1.0 END AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    WHERE l.removed_at IS NULL AND l.done_at IS NULL
)
-- reading
SELECT subject, 'share' AS part, count(measure) / count(*) AS value, count(*) AS sample FROM evidence GROUP BY subject
