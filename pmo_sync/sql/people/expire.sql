-- Who was assigned to what leaves with time: when the assignment ended by bound(before), or, where it never ended, when
-- its issue was over or gone from the tracker by then, or its project not read since. A name that no assignment needs
-- any more goes as well.
-- Reads status_meaning as well.
CREATE OR REPLACE TEMP TABLE over AS
WITH stay AS (
    SELECT h.entity, h.since, h.until, m.category IN ('done', 'canceled') AS is_over
    FROM history AS h
    JOIN issue ON issue.issue = h.entity
    JOIN status_meaning AS m ON m.value = h.value AND m.label = h.label
    WHERE h.field = 'status'
)
SELECT entity AS issue
FROM stay
CROSS JOIN bound
GROUP BY entity, bound.before
HAVING bool_or(until IS NULL AND is_over)
    AND coalesce(max(until) FILTER (WHERE NOT is_over), min(since)) <= bound.before
UNION
SELECT issue.issue
FROM issue
CROSS JOIN bound
WHERE issue.vanished_at <= bound.before
UNION
SELECT issue.issue
FROM issue
JOIN compared ON compared.project_id = issue.project_id
CROSS JOIN bound
WHERE compared.read_at <= bound.before;

DELETE FROM history USING bound WHERE history.field = 'assignee' AND history.until <= bound.before;
DELETE FROM history USING over WHERE history.field = 'assignee' AND history.until IS NULL AND history.entity = over.issue;
DROP TABLE over;

DELETE FROM person WHERE person_id NOT IN (SELECT value FROM history WHERE field = 'assignee');
