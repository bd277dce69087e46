-- id = "SC-2"
-- name = "milestone_slip"
-- question = "By how many days has the due date moved since it was first seen?"
-- unit = "days"
-- direction = "lower"
-- minimum_sample = 1
-- amber = { days = 5 }
-- red = { days = 15 }
-- source = "Trackers keep no history of a milestone's date: ours grows with each sync, and moves made before the first one are unknown. The sample is the number of dates seen."
-- gaming = "A reset baseline hides a slip: the first date seen stays."
-- playbook = "slip"
-- used_by = ["portfolio", "project", "policy"]
WITH evidence AS (
    -- a milestone is its own evidence: no items
    SELECT s.subject, NULL::INTEGER AS issue, s.due_on - arg_min(h.value, h.since)::DATE AS measure, count(*) AS dates
    FROM subject AS s
    JOIN milestone AS m ON 'milestone:' || m.milestone_id = s.subject
    JOIN history AS h ON h.entity = m.milestone AND h.field = 'due_on' AND h.value <> ''
    CROSS JOIN moment
    WHERE s.kind = 'milestone' AND s.due_on IS NOT NULL AND h.since < moment.as_of
    GROUP BY s.subject, s.due_on
)
-- reading
SELECT subject, 'days' AS part, measure AS value, dates AS sample FROM evidence
