-- Every due date a milestone was seen with, and since when: milestone trend analysis from our own snapshots. An epic's
-- dates are its issue's, whenever they were given.
WITH dated AS (
    SELECT 'milestone:' || milestone_id AS subject, milestone AS entity
    FROM milestone
    UNION ALL
    SELECT s.subject, l.issue
    FROM subject AS s
    JOIN lifecycle AS l ON s.subject = 'epic:' || l.issue_id
)
SELECT d.subject, local_day(h.since) AS seen_on, as_day(h.value) AS due_on
FROM dated AS d
JOIN history AS h ON h.entity = d.entity AND h.field = 'due_on' AND as_day(h.value) IS NOT NULL
CROSS JOIN moment
WHERE list_contains(?, d.subject) AND h.since < moment.as_of
ORDER BY d.subject, h.since
