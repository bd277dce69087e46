-- Why a commitment, or an item that one waits for, must wait: its links to open items of other projects. What it holds
-- waits for an item inside its own project, too, and for what that waits for; a sub-task where its story does. An item
-- outside every commitment is a node of its own. Another project: none holds both. What a link needs is the commitment
-- due first that holds the blocker, else the item. Items of one commitment in two projects are its own parts, no link.
-- usual: days from start to end of half of the items of the project that waits.
WITH RECURSIVE linked AS (
    SELECT blocker AS issue FROM blocking
    UNION
    SELECT blocked FROM blocking
),
below AS (
    SELECT a.ancestor AS issue, a.issue AS leaf
    FROM ancestor_stay AS a
    SEMI JOIN linked ON linked.issue = a.ancestor
    WHERE a.until IS NULL
    UNION
    SELECT issue, issue FROM linked
),
epic AS (
    SELECT s.subject, s.parent, s.is_committed AND s.state = 'open' AS is_promise, l.issue
    FROM linked
    JOIN lifecycle AS l ON l.issue = linked.issue
    JOIN subject AS s ON s.kind = 'epic' AND s.subject = 'epic:' || l.issue_id
),
place AS (
    SELECT m.subject AS project, b.issue
    FROM below AS b
    JOIN membership AS m ON m.issue = b.leaf
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
    UNION
    SELECT parent, issue FROM epic
),
promise AS (
    SELECT o.subject, b.issue
    FROM below AS b
    JOIN owed AS o ON o.issue = b.leaf
    ANTI JOIN epic ON epic.issue = b.issue
    UNION
    SELECT subject, issue FROM epic WHERE is_promise
),
holder AS (
    SELECT p.issue, arg_min(p.subject, (coalesce(s.due_on, DATE '9999-12-31'), p.subject)) AS subject
    FROM promise AS p
    JOIN subject AS s ON s.subject = p.subject
    GROUP BY p.issue
),
inside AS (
    SELECT DISTINCT b.blocked, b.blocker
    FROM blocking AS b
    JOIN place AS here ON here.issue = b.blocked
    JOIN place AS there ON there.issue = b.blocker AND there.project = here.project
),
outside AS (
    SELECT b.blocked, b.blocker
    FROM blocking AS b
    ANTI JOIN inside ON inside.blocked = b.blocked AND inside.blocker = b.blocker
),
node AS (
    SELECT subject AS node, issue FROM promise
    UNION
    SELECT 'issue:' || o.blocker, o.blocker
    FROM outside AS o
    ANTI JOIN holder ON holder.issue = o.blocker
),
chain AS (
    SELECT node, issue AS start, issue FROM node
    UNION
    SELECT c.node, c.start, i.blocker
    FROM chain AS c
    JOIN inside AS i ON i.blocked = c.issue
),
waiting AS (
    SELECT c.node, c.start, c.issue AS blocked, o.blocker, coalesce(h.subject, 'issue:' || o.blocker) AS needs
    FROM chain AS c
    JOIN outside AS o ON o.blocked = c.issue
    LEFT JOIN holder AS h ON h.issue = o.blocker
    ANTI JOIN promise AS p ON p.subject = c.node AND p.issue = o.blocker
),
waiter AS (
    SELECT w.blocked AS issue, min(place.project) AS project
    FROM waiting AS w
    JOIN place ON place.issue = w.blocked
    GROUP BY w.blocked
),
usual AS (
    SELECT d.subject AS project, ceil(percentile(date_diff('second', l.started_at, l.done_at) / 86400.0, 0.5)) AS days
    FROM delivery AS d
    SEMI JOIN waiter ON waiter.project = d.subject
    CROSS JOIN moment
    JOIN lifecycle AS l ON l.issue = d.issue AND l.started_at IS NOT NULL
    WHERE d.done_on > moment.today - 182
    GROUP BY d.subject
    HAVING count(*) >= 11
)
SELECT
    w.node, w.start, w.blocker, w.needs, coalesce(usual.days, 0)::INTEGER AS usual,
    {'key': blocked.key, 'title': blocked.title, 'url': blocked.url, 'is_confidential': blocked.is_confidential} AS blocked,
    {'key': blocker.key, 'title': blocker.title, 'url': blocker.url, 'is_confidential': blocker.is_confidential} AS blocker_ref
FROM waiting AS w
JOIN lifecycle AS blocked ON blocked.issue = w.blocked
JOIN lifecycle AS blocker ON blocker.issue = w.blocker
LEFT JOIN waiter ON waiter.issue = w.blocked
LEFT JOIN usual ON usual.project = waiter.project
ORDER BY w.node, w.needs, blocked.key, blocker.key, w.start, w.blocker
