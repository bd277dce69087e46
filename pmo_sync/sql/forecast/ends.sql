-- Committed milestones and epics with the day they ended on: that of their last item where all are done, else the day
-- they were closed on with work still open; none while they are open. Items that left before they were done are counted.
WITH work AS (
    SELECT
        m.subject, bool_and(l.done_at IS NOT NULL) AS is_finished, local_day(max(l.done_at)) AS last_on
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    WHERE l.removed_at IS NULL
    GROUP BY m.subject
),
left_open AS (
    SELECT h.subject, count(DISTINCT h.issue) AS items
    FROM scope_history AS h
    JOIN work_item AS l ON l.issue = h.issue
    ANTI JOIN membership AS m ON m.subject = h.subject AND m.issue = h.issue
    WHERE h.until IS NOT NULL AND (l.done_at IS NULL OR l.done_at > h.until)
    GROUP BY h.subject
),
closed AS (
    SELECT 'milestone:' || milestone_id AS subject, closed_on
    FROM milestone
    UNION ALL
    SELECT s.subject, local_day(l.done_at)
    FROM subject AS s
    JOIN lifecycle AS l ON s.subject = 'epic:' || l.issue_id
)
SELECT
    s.subject, s.name, s.is_confidential, s.state = 'open' AS is_open,
    CASE WHEN work.is_finished THEN work.last_on WHEN s.state = 'closed' THEN closed.closed_on END AS ended_on,
    CASE WHEN work.is_finished THEN work.last_on END AS finished_on,
    coalesce(left_open.items, 0) AS moved_out
FROM subject AS s
JOIN work ON work.subject = s.subject
LEFT JOIN closed ON closed.subject = s.subject
LEFT JOIN left_open ON left_open.subject = s.subject
WHERE s.is_committed
ORDER BY s.subject
