-- id = "SP-1"
-- name = "scope_growth"
-- question = "How has the scope of the milestone changed since its baseline?"
-- unit = "items"
-- units = { added = "items", removed = "items", growth = "share" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Baseline: what was in scope seven days after the fifth item joined, so that neither a placeholder nor filling a new milestone is growth; no reading before. added and removed compare then with now. An item that was done when it joined is no growth."
-- gaming = "Adding is also learning: show it with its reasons."
-- playbook = "scope"
-- used_by = ["policy"]
WITH moments AS (
    SELECT
        stay.subject, stay.issue,
        bool_or(stay.since < b.at AND (stay.until IS NULL OR stay.until >= b.at)) AS at_baseline,
        bool_or(stay.until IS NULL) AS is_in,
        bool_or(stay.until IS NULL AND NOT stay.joined_done) AS is_new_work
    FROM scope_stay AS stay
    JOIN scope_baseline AS b ON b.subject = stay.subject
    CROSS JOIN moment
    WHERE b.at <= moment.as_of
    GROUP BY stay.subject, stay.issue
),
evidence AS (
    SELECT
        subject, issue, at_baseline,
        CASE
            WHEN at_baseline THEN CASE WHEN is_in THEN 0 ELSE -1 END
            WHEN is_in THEN is_new_work::INTEGER
        END AS measure
    FROM moments
)
-- reading
, summary AS (
    SELECT
        subject, count(*) FILTER (WHERE measure > 0) AS added, count(*) FILTER (WHERE measure < 0) AS removed,
        count(*) FILTER (WHERE at_baseline) AS baseline
    FROM evidence
    GROUP BY subject
)
SELECT subject, 'added' AS part, added AS value, baseline AS sample FROM summary
UNION ALL
SELECT subject, 'removed', removed, baseline FROM summary
UNION ALL
SELECT subject, 'growth', (added - removed) / nullif(baseline, 0), baseline FROM summary
