-- id = "SC-2"
-- name = "milestone_slip"
-- question = "By how many days has the due date moved since it was promised first, and since it was approved last?"
-- unit = "days"
-- units = { days = "days", since_approval = "days" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "From the first date approved, or the first one seen where none is; since_approval from the last one approved. Trackers keep no history of a milestone's date: ours grows with each sync, and moves made before the first one are unknown. The sample is the number of dates seen or approved."
-- gaming = "A reset baseline hides a slip: the first date stays, and how often one was approved is told."
-- playbook = "slip"
-- used_by = ["portfolio", "project", "policy"]
WITH evidence AS (
    -- a milestone is its own evidence: no items
    SELECT
        s.subject, NULL::INTEGER AS issue, s.due_on - b.first_due_on AS measure,
        CASE WHEN b.approvals > 0 THEN s.due_on - b.due_on END AS since_approval, b.dates + b.approvals AS dates
    FROM subject AS s
    JOIN baseline AS b ON b.subject = s.subject
    WHERE s.due_on IS NOT NULL
)
-- reading
SELECT subject, 'days' AS part, measure AS value, dates AS sample FROM evidence
UNION ALL
SELECT subject, 'since_approval', since_approval, dates FROM evidence WHERE since_approval IS NOT NULL
