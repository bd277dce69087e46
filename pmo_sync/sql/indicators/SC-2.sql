-- id = "SC-2"
-- name = "milestone_slip"
-- question = "By how many days has the due date moved since it was first seen?"
-- unit = "days"
-- units = { days = "days" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Trackers keep no history of a milestone's date: ours grows with each sync, and moves made before the first one are unknown. The sample is the number of dates seen."
-- gaming = "A reset baseline hides a slip: the first date seen stays."
-- playbook = "slip"
-- used_by = ["portfolio", "project", "policy"]
-- findings = "baselines"
, evidence AS (
    -- a milestone is its own evidence: no items
    SELECT s.subject, NULL::INTEGER AS issue, s.due_on - b.due_on AS measure, b.dates
    FROM subject AS s
    JOIN baseline AS b ON b.subject = s.subject
    WHERE s.due_on IS NOT NULL
)
-- reading
SELECT subject, 'days' AS part, measure AS value, dates AS sample FROM evidence
