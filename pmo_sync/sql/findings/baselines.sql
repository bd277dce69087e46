-- The first date each milestone was seen with: its baseline until one is approved.
SELECT 'milestone:' || m.milestone_id AS subject, arg_min(h.value, h.since)::DATE AS baseline_due_on
FROM history AS h
CROSS JOIN moment
JOIN milestone AS m ON m.milestone = h.entity
WHERE h.field = 'due_on' AND h.value <> ''
    AND h.since < greatest(moment.as_of + INTERVAL 1 DAY, m.first_seen_at + INTERVAL 1 MICROSECOND)
GROUP BY m.milestone_id
