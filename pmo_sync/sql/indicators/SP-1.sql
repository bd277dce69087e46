-- id = "SP-1"
-- name = "scope_growth"
-- question = "How has the scope of the milestone changed since its baseline?"
-- unit = "items"
-- units = { added = "items", removed = "items", recent = "items", growth = "share" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Baseline: what was in scope seven days after the first item joined, so that filling a new milestone is not growth. added and removed compare then with now, recent is the net change of the last seven days."
-- gaming = "Adding is also learning: show it with its reasons."
-- playbook = "scope"
-- used_by = ["policy"]
WITH stay AS (
    -- while an item counted: in the milestone and not given up
    SELECT h.subject, h.issue, h.since, least(h.until, l.removed_at) AS until
    FROM scope_history AS h
    JOIN subject AS s ON s.subject = h.subject AND s.kind IN ('milestone', 'epic')
    JOIN work_item AS l ON l.issue = h.issue
),
baseline AS (
    SELECT subject, min(since) + INTERVAL 7 DAY AS at
    FROM stay
    GROUP BY subject
),
moments AS (
    SELECT
        stay.subject, stay.issue,
        max(CASE WHEN stay.since < b.at AND (stay.until IS NULL OR stay.until >= b.at) THEN 1 ELSE 0 END) AS at_baseline,
        max(
            CASE
                WHEN stay.since < moment.as_of - INTERVAL 7 DAY
                    AND (stay.until IS NULL OR stay.until >= moment.as_of - INTERVAL 7 DAY) THEN 1
                ELSE 0
            END
        ) AS week_ago,
        max(CASE WHEN stay.until IS NULL THEN 1 ELSE 0 END) AS now
    FROM stay
    JOIN baseline AS b ON b.subject = stay.subject
    CROSS JOIN moment
    WHERE b.at <= moment.as_of
    GROUP BY stay.subject, stay.issue
),
evidence AS (
    SELECT
        subject, issue, at_baseline, now - week_ago AS recent,
        CASE WHEN now + at_baseline > 0 THEN now - at_baseline END AS measure
    FROM moments
)
-- reading
, summary AS (
    SELECT
        subject, count(*) FILTER (WHERE measure > 0) AS added, count(*) FILTER (WHERE measure < 0) AS removed,
        sum(recent) AS recent, sum(at_baseline) AS baseline
    FROM evidence
    GROUP BY subject
)
SELECT subject, 'added' AS part, added AS value, baseline AS sample FROM summary
UNION ALL
SELECT subject, 'removed', removed, baseline FROM summary
UNION ALL
SELECT subject, 'recent', recent, baseline FROM summary
UNION ALL
SELECT subject, 'growth', (added - removed) / nullif(baseline, 0), baseline FROM summary
