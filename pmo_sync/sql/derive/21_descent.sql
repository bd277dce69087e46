-- own_stay: while an issue itself was in a milestone; the four kinds are bits of one number.
CREATE OR REPLACE TEMP TABLE own_stay AS
SELECT
    h.entity AS issue, m.milestone, h.since, CASE WHEN h.until < moment.as_of THEN h.until END AS until,
    CASE m.kind WHEN 'version' THEN 1 WHEN 'sprint' THEN 2 WHEN 'milestone' THEN 4 ELSE 8 END AS kind
FROM history AS h
JOIN existing AS e ON e.issue = h.entity
JOIN milestone AS m ON m.milestone_id = h.value
CROSS JOIN moment
WHERE h.field = 'milestone' AND h.since < moment.as_of AND (m.vanished_at IS NULL OR m.vanished_at >= moment.as_of);

-- parent_stay: while an issue had a parent. ancestor_stay: while a leaf stood below an ancestor, through every level, and
-- the kinds of milestones that it or an issue between them ever was in.
CREATE OR REPLACE TEMP TABLE parent_stay AS
SELECT
    h.entity AS child, parent.entity AS parent, h.since, CASE WHEN h.until < moment.as_of THEN h.until END AS until
FROM history AS h
JOIN existing AS e ON e.issue = h.entity
JOIN entity AS parent ON parent.entity_id = h.value
JOIN existing AS p ON p.issue = parent.entity
CROSS JOIN moment
WHERE h.field = 'parent' AND h.since < moment.as_of AND parent.entity <> h.entity;

-- circle: issues that stand above themselves. Only who has a parent and a child can.
CREATE OR REPLACE TEMP TABLE circle AS
WITH RECURSIVE now AS (
    SELECT child, parent
    FROM parent_stay
    WHERE until IS NULL
),
between AS (
    SELECT now.child, now.parent
    FROM now
    SEMI JOIN now AS below ON below.parent = now.child
),
up AS (
    SELECT child AS issue, parent AS above, 1 AS height
    FROM between
    UNION ALL
    SELECT up.issue, b.parent, up.height + 1
    FROM up
    JOIN between AS b ON b.child = up.above
    WHERE up.height < 32 AND up.above <> up.issue
)
SELECT DISTINCT issue
FROM up
WHERE above = issue;

-- leaf: an issue without a child. In a circle nobody is a child, or all would be lost to every number.
CREATE OR REPLACE TEMP TABLE leaf AS
SELECT e.issue
FROM existing AS e
ANTI JOIN (
    SELECT p.parent
    FROM parent_stay AS p
    ANTI JOIN circle ON circle.issue = p.child
    WHERE p.until IS NULL
) AS p ON p.parent = e.issue;

CREATE OR REPLACE TEMP TABLE ancestor_stay AS
WITH RECURSIVE kinds AS (
    SELECT issue, bit_or(kind) AS kinds
    FROM own_stay
    GROUP BY issue
),
chain AS (
    SELECT p.child AS issue, p.parent AS ancestor, p.since, p.until, 1 AS height, coalesce(k.kinds, 0) AS kinds_below
    FROM parent_stay AS p
    SEMI JOIN leaf ON leaf.issue = p.child
    LEFT JOIN kinds AS k ON k.issue = p.child
    UNION ALL
    SELECT
        c.issue, p.parent, greatest(c.since, p.since), least(c.until, p.until), c.height + 1,
        c.kinds_below | coalesce(k.kinds, 0)
    FROM chain AS c
    JOIN parent_stay AS p ON p.child = c.ancestor
    LEFT JOIN kinds AS k ON k.issue = c.ancestor
    WHERE c.height < 8  -- deeper than any tracker nests; ends circles
        AND (c.until IS NULL OR p.since < c.until) AND (p.until IS NULL OR c.since < p.until)
        AND p.parent <> c.issue
)
SELECT DISTINCT issue, ancestor, since, until, kinds_below
FROM chain;
