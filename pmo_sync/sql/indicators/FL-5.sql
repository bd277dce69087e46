-- id = "FL-5"
-- name = "work_in_progress"
-- question = "How many items are being worked on at once?"
-- unit = "items"
-- units = { "" = "items" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Items in a status of the category doing. Little's law: more at once means each takes longer."
-- gaming = "A queue kept in an in-progress status counts as work: map waiting statuses."
-- playbook = "flow"
-- used_by = ["project"]
WITH evidence AS (
    SELECT
        m.subject, l.issue,
        CASE WHEN l.done_at IS NULL AND l.category = 'doing' THEN 1.0 END AS measure
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    WHERE l.removed_at IS NULL
)
-- reading
SELECT subject, '' AS part, count(measure) AS value, count(*) AS sample FROM evidence GROUP BY subject
