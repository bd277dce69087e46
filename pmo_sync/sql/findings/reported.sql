-- What people declared about a project: the latest health any of its items or epics carries.
WITH declared AS (
    SELECT h.entity AS issue, h.value, h.since
    FROM history AS h
    CROSS JOIN moment
    WHERE h.field = 'health' AND h.since < moment.as_of AND (h.until IS NULL OR h.until >= moment.as_of)
),
placed AS (
    SELECT m.subject, d.value, d.since
    FROM declared AS d
    JOIN membership AS m ON m.issue = d.issue
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
    UNION ALL
    SELECT s.parent, d.value, d.since
    FROM declared AS d
    JOIN lifecycle AS l ON l.issue = d.issue
    JOIN subject AS s ON s.subject = 'epic:' || l.issue_id
)
SELECT subject, arg_max(value, (since, value)) AS health
FROM placed
WHERE subject IS NOT NULL
GROUP BY subject
