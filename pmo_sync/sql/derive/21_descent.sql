-- parent_stay: while an issue had a parent. ancestor_stay: while a leaf stood below an ancestor, through every level.
CREATE OR REPLACE TEMP TABLE parent_stay AS
SELECT
    h.entity AS child, parent.entity AS parent, h.since, CASE WHEN h.until < moment.as_of THEN h.until END AS until
FROM history AS h
JOIN existing AS e ON e.issue = h.entity
JOIN entity AS parent ON parent.entity_id = h.value
JOIN existing AS p ON p.issue = parent.entity
CROSS JOIN moment
WHERE h.field = 'parent' AND h.since < moment.as_of AND parent.entity <> h.entity;

CREATE OR REPLACE TEMP TABLE leaf AS
SELECT e.issue
FROM existing AS e
ANTI JOIN (SELECT parent FROM parent_stay WHERE until IS NULL) AS p ON p.parent = e.issue;

CREATE OR REPLACE TEMP TABLE ancestor_stay AS
WITH RECURSIVE chain AS (
    SELECT p.child AS issue, p.parent AS ancestor, p.since, p.until, 1 AS height
    FROM parent_stay AS p
    SEMI JOIN leaf ON leaf.issue = p.child
    UNION ALL
    SELECT c.issue, p.parent, greatest(c.since, p.since), least(c.until, p.until), c.height + 1
    FROM chain AS c
    JOIN parent_stay AS p ON p.child = c.ancestor
    WHERE c.height < 8  -- deeper than any tracker nests; ends circles
        AND (c.until IS NULL OR p.since < c.until) AND (p.until IS NULL OR c.since < p.until)
        AND p.parent <> c.issue
)
SELECT DISTINCT issue, ancestor, since, until
FROM chain;
