-- blocking: dependencies at as_of between two issues that are both still open, from either end of the link.
-- A link into another tracker holds an address instead of an id.
CREATE OR REPLACE TEMP TABLE blocking AS
WITH link AS (
    SELECT h.entity AS near, h.value AS far, h.field, h.since
    FROM history AS h
    CROSS JOIN moment
    WHERE h.field IN ('blocks', 'blocked_by') AND h.since < moment.as_of
        AND (h.until IS NULL OR h.until >= moment.as_of)
),
found AS (
    SELECT f.far, e.entity
    FROM (SELECT DISTINCT far FROM link) AS f
    JOIN entity AS e ON e.entity_id = f.far
    UNION
    SELECT f.far, i.issue
    FROM (SELECT DISTINCT far, address(far) AS far_address FROM link WHERE far LIKE 'http%') AS f
    JOIN issue AS i ON address(i.url) = f.far_address
),
edge AS (
    SELECT l.near AS blocker, f.entity AS blocked, l.since
    FROM link AS l
    JOIN found AS f ON f.far = l.far
    WHERE l.field = 'blocks'
    UNION ALL
    SELECT f.entity, l.near, l.since
    FROM link AS l
    JOIN found AS f ON f.far = l.far
    WHERE l.field = 'blocked_by'
),
unfinished AS (
    SELECT e.issue
    FROM existing AS e
    ANTI JOIN (SELECT issue FROM flow WHERE until IS NULL AND category IN ('done', 'canceled')) AS f
        ON f.issue = e.issue
)
SELECT edge.blocker, edge.blocked, min(edge.since) AS since
FROM edge
JOIN unfinished AS a ON a.issue = edge.blocker
JOIN unfinished AS b ON b.issue = edge.blocked
WHERE edge.blocker <> edge.blocked
GROUP BY edge.blocker, edge.blocked;
