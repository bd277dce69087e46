-- id = "CO-4"
-- name = "unmapped"
-- question = "Which share of the work is in a status we cannot read?"
-- unit = "items"
-- units = { share = "share" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Items whose status has no category, neither from the tracker nor from the configuration: every other number is wrong by that much."
-- gaming = "None known; map the status in the configuration."
-- playbook = "mapping"
-- used_by = ["project"]
WITH evidence AS (
    SELECT m.subject, l.issue, CASE WHEN l.category = 'unmapped' THEN 1.0 END AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    WHERE l.removed_at IS NULL
)
-- reading
SELECT subject, 'share' AS part, count(measure) / count(*) AS value, count(*) AS sample FROM evidence GROUP BY subject
