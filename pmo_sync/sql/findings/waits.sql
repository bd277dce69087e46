-- Who waits for whom: one row per open dependency whose two ends lie in different PMO projects.
-- A blocker outside every PMO project has no subject. Late: its own due date, else its next milestone's, has passed.
WITH place AS (
    SELECT m.issue, min(m.subject) AS project
    FROM membership AS m
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
    GROUP BY m.issue
),
held_by AS (
    SELECT m.issue, list(s.subject ORDER BY s.subject) AS milestones, min(s.due_on) AS next_due_on
    FROM membership AS m
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'milestone' AND s.state = 'open' AND s.is_committed
    GROUP BY m.issue
)
SELECT
    blocked.key AS blocked_key, blocked.title AS blocked_title, blocked.url AS blocked_url,
    blocked.is_confidential AS blocked_is_confidential, here.project AS blocked_subject,
    blocker.key AS blocker_key, blocker.title AS blocker_title, blocker.url AS blocker_url,
    blocker.is_confidential AS blocker_is_confidential, there.project AS blocker_subject,
    b.since,
    coalesce(blocker.due_on, late.next_due_on) AS blocker_due_on,
    greatest(0, coalesce(moment.today - coalesce(blocker.due_on, late.next_due_on), 0))::INTEGER AS late_days,
    coalesce(waiting.milestones, []) AS milestones
FROM blocking AS b
CROSS JOIN moment
JOIN lifecycle AS blocked ON blocked.issue = b.blocked AND blocked.category NOT IN ('done', 'canceled')
JOIN lifecycle AS blocker ON blocker.issue = b.blocker AND blocker.category NOT IN ('done', 'canceled')
JOIN place AS here ON here.issue = b.blocked
LEFT JOIN place AS there ON there.issue = b.blocker
LEFT JOIN held_by AS waiting ON waiting.issue = b.blocked
LEFT JOIN held_by AS late ON late.issue = b.blocker
WHERE here.project IS DISTINCT FROM there.project
ORDER BY late_days DESC, len(coalesce(waiting.milestones, [])) DESC, b.since, blocked_key, blocker_key
