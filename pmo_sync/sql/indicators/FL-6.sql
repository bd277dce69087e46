-- id = "FL-6"
-- name = "work_in_progress_age"
-- question = "How old is the work in progress, and how much of it is older than is usual here?"
-- unit = "working_days"
-- units = { p50 = "working_days", p85 = "working_days", old = "items" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Working days of the item's calendar since the start; usual is the P85 of the subject's own cycle time (FL-3), from 11 finished items on."
-- gaming = "Creating an item again resets its age."
-- playbook = "flow"
-- used_by = ["project"]
WITH finished AS (
    SELECT m.subject, round(a.days, 1) AS days
    FROM membership AS m
    JOIN age AS a ON a.issue = m.issue AND a.what = 'cycle'
),
usual AS (
    SELECT subject, percentile(days, 0.85) AS days
    FROM finished
    GROUP BY subject
    HAVING count(*) >= 11
),
evidence AS (
    SELECT m.subject, a.issue, round(a.days, 1) AS measure, usual.days AS usual_days
    FROM membership AS m
    JOIN age AS a ON a.issue = m.issue AND a.what = 'started'
    LEFT JOIN usual ON usual.subject = m.subject
)
-- reading
SELECT subject, 'p50' AS part, percentile(measure, 0.50) AS value, count(*) AS sample FROM evidence GROUP BY subject
UNION ALL
SELECT subject, 'p85', percentile(measure, 0.85), count(*) FROM evidence GROUP BY subject
UNION ALL
SELECT subject, 'old', count(*) FILTER (WHERE measure > usual_days), count(*)
FROM evidence
WHERE usual_days IS NOT NULL
GROUP BY subject
