-- What no forecast tells of that commitments need: their own parts in other projects than the one whose pace they have,
-- and blockers outside every commitment ($blockers), those of a project at its pace, behind what it owes no later (an item
-- without a due date: behind all that it owes). One row each, with what the gates ask. Follows the CTEs of FC-3.
, blocker AS (
    SELECT unnest($blockers::INTEGER[]) AS issue
),
below AS (
    SELECT issue, issue AS leaf FROM blocker
    UNION
    SELECT a.ancestor, a.issue
    FROM ancestor_stay AS a
    JOIN blocker ON blocker.issue = a.ancestor
    WHERE a.until IS NULL
),
place AS (
    SELECT b.issue, min(m.subject) AS project
    FROM below AS b
    JOIN membership AS m ON m.issue = b.leaf
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
    GROUP BY b.issue
),
own AS (
    SELECT b.subject AS needed_by, NULL::INTEGER AS blocker, o.project, b.due_on, o.issue
    FROM basis AS b
    JOIN owed AS o ON o.subject = b.subject AND o.project <> b.pace_of
    WHERE b.pace_of <> b.subject
    UNION ALL
    SELECT NULL, b.issue, p.project, coalesce(l.due_on, DATE '9999-12-31'), w.issue
    FROM below AS b
    JOIN place AS p ON p.issue = b.issue
    JOIN lifecycle AS l ON l.issue = b.issue
    JOIN work_item AS w ON w.issue = b.leaf
    WHERE w.removed_at IS NULL AND w.done_at IS NULL
    UNION ALL
    -- open although nothing below it is: one item of work
    SELECT NULL, p.issue, p.project, coalesce(l.due_on, DATE '9999-12-31'), p.issue
    FROM place AS p
    JOIN lifecycle AS l ON l.issue = p.issue AND l.role = 'work' AND NOT l.is_leaf
    ANTI JOIN (
        SELECT b.issue
        FROM below AS b
        JOIN work_item AS w ON w.issue = b.leaf
        WHERE w.removed_at IS NULL AND w.done_at IS NULL
    ) AS busy ON busy.issue = p.issue
),
node AS (
    SELECT own.needed_by, own.blocker, own.project, own.due_on, count(*) AS total, count(*) FILTER (WHERE l.category = 'unmapped') AS unmapped
    FROM own
    JOIN lifecycle AS l ON l.issue = own.issue
    GROUP BY own.needed_by, own.blocker, own.project, own.due_on
),
item AS (
    SELECT needed_by, blocker, project, issue FROM own
    UNION
    SELECT n.needed_by, n.blocker, n.project, q.issue
    FROM node AS n
    JOIN queue AS q ON q.project = n.project AND q.due_on <= n.due_on
),
work AS (
    SELECT needed_by, blocker, project, count(*) AS items
    FROM item
    GROUP BY needed_by, blocker, project
),
pace AS (
    SELECT
        life.subject AS project, list(coalesce(f.items, 0) ORDER BY w.week) AS counts,
        list(work.days ORDER BY w.week) AS worked
    FROM life
    JOIN subject_calendar AS c ON c.subject = life.subject
    JOIN weeks AS w ON w.week >= life.first_on
    JOIN work_week AS work ON work.calendar = c.calendar AND work.week = w.week
    LEFT JOIN finished AS f ON f.subject = life.subject AND f.week = w.week
    WHERE life.subject IN (SELECT project FROM node)
    GROUP BY life.subject
),
delivered AS (
    SELECT
        d.subject AS project, max(d.done_on) FILTER (WHERE NOT d.is_bulk) AS last_on,
        count(*) FILTER (WHERE d.is_bulk AND d.week IN (SELECT week FROM weeks)) AS bulk_items,
        count(*) FILTER (WHERE d.week IN (SELECT week FROM weeks)) AS items
    FROM delivery AS d
    WHERE d.subject IN (SELECT project FROM node)
    GROUP BY d.subject
)
SELECT
    n.needed_by, n.blocker, n.project, c.calendar, n.total, n.unmapped, work.items AS queued,
    coalesce(pace.counts, []) AS counts, coalesce(pace.worked, []) AS worked, delivered.last_on,
    today.before + today.works::INTEGER - last.before - last.works::INTEGER AS silent_days,
    coalesce(delivered.bulk_items, 0) AS bulk_items, coalesce(delivered.items, 0) AS window_items
FROM node AS n
CROSS JOIN moment
JOIN subject_calendar AS c ON c.subject = n.project
JOIN working_day AS today ON today.calendar = c.calendar AND today.day = moment.today
JOIN work ON work.needed_by IS NOT DISTINCT FROM n.needed_by AND work.blocker IS NOT DISTINCT FROM n.blocker
    AND work.project = n.project
LEFT JOIN pace ON pace.project = n.project
LEFT JOIN delivered ON delivered.project = n.project
LEFT JOIN working_day AS last ON last.calendar = c.calendar AND delivered.last_on IS NOT NULL
    AND last.day = greatest(delivered.last_on, (SELECT min(day) FROM calendar))
ORDER BY n.needed_by, n.blocker, n.project
