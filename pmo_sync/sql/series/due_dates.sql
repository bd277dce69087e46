-- Every due date a milestone was seen with, and since when: milestone trend analysis from our own snapshots.
SELECT 'milestone:' || m.milestone_id AS subject, local_day(h.since) AS seen_on, h.value::DATE AS due_on
FROM milestone AS m
JOIN history AS h ON h.entity = m.milestone AND h.field = 'due_on' AND h.value <> ''
CROSS JOIN moment
WHERE list_contains(?, 'milestone:' || m.milestone_id) AND h.since < moment.as_of
ORDER BY subject, h.since
