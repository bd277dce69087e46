-- Who waits for whom: the dependencies of open items on open items of another project, RK-4's own.
-- Another project: none holds both. One row for each project of the waiting item; each of its milestones is in one of
-- them. A blocker is told under its first project, one outside every PMO project has no subject. Late: the blocker's own due date, else its next milestone's, has passed.
WITH place AS (
    SELECT m.subject AS project, m.issue
    FROM membership AS m
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
),
inside AS (
    SELECT DISTINCT b.blocked, b.blocker
    FROM blocking AS b
    JOIN place AS here ON here.issue = b.blocked
    JOIN place AS there ON there.issue = b.blocker AND there.project = here.project
),
waiting AS (
    SELECT b.blocked, b.blocker, b.since
    FROM blocking AS b
    JOIN work_item AS l ON l.issue = b.blocked
    ANTI JOIN inside ON inside.blocked = b.blocked AND inside.blocker = b.blocker
    WHERE l.removed_at IS NULL AND l.done_at IS NULL
)
-- list
, told AS (
    SELECT issue, min(project) AS project
    FROM place
    GROUP BY issue
),
promise AS (
    SELECT m.issue, s.subject, s.due_on, coalesce(p.project, told.project) AS project
    FROM membership AS m
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'milestone' AND s.state = 'open' AND s.is_committed
    LEFT JOIN place AS p ON p.issue = m.issue AND p.project = s.parent
    LEFT JOIN told ON told.issue = m.issue
),
held_by AS (
    SELECT issue, project, list(subject ORDER BY subject) AS milestones
    FROM promise
    GROUP BY issue, project
),
late AS (
    SELECT issue, min(due_on) AS next_due_on
    FROM promise
    GROUP BY issue
)
SELECT
    blocked.key AS blocked_key, blocked.title AS blocked_title, blocked.url AS blocked_url,
    blocked.is_confidential AS blocked_is_confidential, here.project AS blocked_subject,
    blocker.key AS blocker_key, blocker.title AS blocker_title, blocker.url AS blocker_url,
    blocker.is_confidential AS blocker_is_confidential, there.project AS blocker_subject,
    w.since,
    coalesce(blocker.due_on, late.next_due_on) AS blocker_due_on,
    greatest(0, coalesce(moment.today + 1 - coalesce(blocker.due_on, late.next_due_on), 0))::INTEGER AS late_days,
    coalesce(mine.milestones, []) AS milestones
FROM waiting AS w
CROSS JOIN moment
JOIN lifecycle AS blocked ON blocked.issue = w.blocked
JOIN lifecycle AS blocker ON blocker.issue = w.blocker
JOIN place AS here ON here.issue = w.blocked
LEFT JOIN told AS there ON there.issue = w.blocker
LEFT JOIN held_by AS mine ON mine.issue = w.blocked AND mine.project = here.project
LEFT JOIN late ON late.issue = w.blocker
ORDER BY late_days DESC, len(coalesce(mine.milestones, [])) DESC, w.since, blocked_key, blocker_key,
    blocked_subject
