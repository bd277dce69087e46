-- baseline: what a milestone's or epic's date is compared with. The date approved last; until one is, the first date it
-- was seen with (an epic: had). The looks that count are those that tell a milestone's due date (milestone_word): within a
-- day after as_of, else the first one. first_due_on stays the first, whatever is approved later.
CREATE OR REPLACE TEMP TABLE baseline AS
WITH word AS (
    SELECT 'milestone:' || m.milestone_id AS subject, as_day(h.value) AS due_on, h.since
    FROM history AS h
    CROSS JOIN moment
    JOIN milestone AS m ON m.milestone = h.entity
    WHERE h.field = 'due_on' AND h.since < greatest(moment.as_of + INTERVAL 1 DAY, m.first_seen_at + INTERVAL 1 MICROSECOND)
    UNION ALL
    SELECT s.subject, as_day(h.value), h.since
    FROM subject AS s
    JOIN lifecycle AS l ON s.subject = 'epic:' || l.issue_id
    JOIN history AS h ON h.entity = l.issue
    CROSS JOIN moment
    WHERE h.field = 'due_on' AND h.since < moment.as_of
),
seen AS (
    SELECT subject, arg_min(due_on, since) AS first_on, count(*) AS dates
    FROM word
    WHERE due_on IS NOT NULL
    GROUP BY subject
),
approved AS (
    SELECT
        n.subject, arg_min(a.due_on, (a.decided_at, a.number)) AS first_on, arg_max(a.due_on, (a.decided_at, a.number)) AS last_on,
        max(a.decided_at) AS at, count(*) AS approvals, arg_max(a.number, (a.decided_at, a.number)) AS last
    FROM approval AS a
    CROSS JOIN moment
    JOIN subject_name AS n ON n.project = a.project AND n.name = a.milestone
    WHERE a.decided_at <= moment.as_of
    GROUP BY n.subject
)
SELECT
    s.subject, coalesce(approved.last_on, seen.first_on) AS due_on, coalesce(approved.first_on, seen.first_on) AS first_due_on,
    coalesce(approved.approvals, 0) AS approvals, approved.last AS approval, approved.at AS approved_at, coalesce(seen.dates, 0) AS dates
FROM subject AS s
LEFT JOIN seen ON seen.subject = s.subject
LEFT JOIN approved ON approved.subject = s.subject
WHERE seen.subject IS NOT NULL OR approved.subject IS NOT NULL;
