-- The first date each milestone was seen with: its baseline until one is approved. SC-2 counts from it.
-- The looks that count are those that tell its due date (milestone_word): within a day after as_of, else the first one.
-- A milestone that no look saw with a date has none.
WITH baseline AS (
    SELECT
        'milestone:' || m.milestone_id AS subject, arg_min(h.value, h.since)::DATE AS due_on, count(*) AS dates
    FROM history AS h
    CROSS JOIN moment
    JOIN milestone AS m ON m.milestone = h.entity
    WHERE h.field = 'due_on' AND h.value <> ''
        AND h.since < greatest(moment.as_of + INTERVAL 1 DAY, m.first_seen_at + INTERVAL 1 MICROSECOND)
    GROUP BY m.milestone_id
)
-- list
SELECT subject, due_on AS baseline_due_on FROM baseline
