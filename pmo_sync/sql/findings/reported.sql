-- What people declare about a project: the worst health of its open items and epics. What is done declares nothing.
WITH declared AS (
    SELECT h.entity AS issue, l.issue_id, h.value
    FROM history AS h
    CROSS JOIN moment
    JOIN lifecycle AS l ON l.issue = h.entity AND l.category NOT IN ('done', 'canceled')
    WHERE h.field = 'health' AND h.since < moment.as_of AND (h.until IS NULL OR h.until >= moment.as_of)
),
placed AS (
    SELECT m.subject, d.value
    FROM declared AS d
    JOIN membership AS m ON m.issue = d.issue
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
    UNION ALL
    SELECT s.parent, d.value
    FROM declared AS d
    JOIN subject AS s ON s.subject = 'epic:' || d.issue_id
)
SELECT
    subject,
    CASE
        WHEN bool_or(value = 'at_risk') THEN 'at_risk'
        WHEN bool_or(value = 'needs_attention') THEN 'needs_attention'
        WHEN bool_or(value = 'on_track') THEN 'on_track'
    END AS health
FROM placed
WHERE subject IS NOT NULL
GROUP BY subject
