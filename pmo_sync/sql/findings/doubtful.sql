-- What can hardly be as the tracker says, of the work in scope: CO-7's own. Of each project and kind of doubt the number of
-- items, and the newest twelve of them, one row each.
WITH parent_due AS (
    SELECT p.child AS issue, min(parent.due_on) AS due_on
    FROM parent_stay AS p
    JOIN lifecycle AS parent ON parent.issue = p.parent AND parent.category NOT IN ('done', 'canceled')
    WHERE p.until IS NULL
    GROUP BY p.child
),
doubt AS (
    SELECT l.issue, unnest([
        -- an import, or a history that begins before its issue
        CASE WHEN l.done_at <= l.created_at THEN 'done_at_once' END,
        CASE WHEN l.due_on < local_day(l.created_at) THEN 'due_before_creation' END,
        CASE WHEN l.start_on > l.due_on THEN 'due_before_start' END,
        CASE WHEN l.done_at IS NULL AND l.due_on > parent_due.due_on THEN 'due_after_parent' END,
        CASE WHEN l.estimate < 0 THEN 'negative_estimate' END,
        CASE WHEN circle.issue IS NOT NULL THEN 'parents_in_circle' END,
        CASE WHEN bulk.issue IS NOT NULL THEN 'closed_in_bulk' END
    ]) AS what
    FROM work_item AS l
    LEFT JOIN parent_due ON parent_due.issue = l.issue
    LEFT JOIN circle ON circle.issue = l.issue
    LEFT JOIN (
        SELECT DISTINCT d.issue
        FROM delivery AS d
        CROSS JOIN moment
        WHERE d.is_bulk AND d.done_on > moment.today - 84  -- the weeks that a pace is made of
    ) AS bulk ON bulk.issue = l.issue
    WHERE l.removed_at IS NULL
),
doubtful AS (
    SELECT issue, what
    FROM doubt
    WHERE what IS NOT NULL
)
-- list
SELECT m.subject, d.what, count(*) OVER (PARTITION BY m.subject, d.what) AS items, l.key, l.title, l.url, l.is_confidential
FROM doubtful AS d
JOIN lifecycle AS l ON l.issue = d.issue
JOIN membership AS m ON m.issue = d.issue
JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
QUALIFY row_number() OVER (PARTITION BY m.subject, d.what ORDER BY l.created_at DESC, l.key, l.issue_id) <= 12
ORDER BY m.subject, items DESC, d.what, l.created_at DESC, l.key, l.issue_id
