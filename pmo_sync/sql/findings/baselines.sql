-- The first date each milestone was seen with, and each epic had: its baseline until one is approved. SC-2 counts from it.
-- The looks that count are those that tell its due date (milestone_word): within a day after as_of, else the first one.
-- A milestone that no look saw with a date has none.
WITH baseline AS (
    SELECT
        'milestone:' || m.milestone_id AS subject, arg_min(as_day(h.value), h.since) AS due_on, count(*) AS dates
    FROM history AS h
    CROSS JOIN moment
    JOIN milestone AS m ON m.milestone = h.entity
    WHERE h.field = 'due_on' AND as_day(h.value) IS NOT NULL
        AND h.since < greatest(moment.as_of + INTERVAL 1 DAY, m.first_seen_at + INTERVAL 1 MICROSECOND)
    GROUP BY m.milestone_id
    UNION ALL
    SELECT s.subject, arg_min(as_day(h.value), h.since), count(*)
    FROM subject AS s
    JOIN lifecycle AS l ON s.subject = 'epic:' || l.issue_id
    JOIN history AS h ON h.entity = l.issue
    CROSS JOIN moment
    WHERE h.field = 'due_on' AND as_day(h.value) IS NOT NULL AND h.since < moment.as_of
    GROUP BY s.subject
)
-- list
SELECT subject, due_on AS baseline_due_on FROM baseline
