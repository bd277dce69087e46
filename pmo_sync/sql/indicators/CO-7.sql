-- id = "CO-7"
-- name = "doubtful"
-- question = "Which records can hardly be as the tracker says?"
-- unit = "items"
-- units = { count = "items" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Done as it was created; due before it was created, before its own start or after the item above it; a negative estimate; standing above itself; closed in bulk in the last 12 weeks. After the date checks of the DCMA 14-point assessment."
-- gaming = "None known; each is mended in the tracker."
-- playbook = "data"
-- used_by = ["project"]
-- findings = "doubtful"
, evidence AS (
    SELECT m.subject, l.issue, CASE WHEN d.issue IS NOT NULL THEN 1.0 END AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    LEFT JOIN (SELECT DISTINCT issue FROM doubtful) AS d ON d.issue = l.issue
    WHERE l.removed_at IS NULL
)
-- reading
SELECT subject, 'count' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
