-- Who was assigned to what leaves with time: when the assignment ended by bound(before), or, where it never ended, when
-- its issue was over or gone from the tracker by then, or its project not read since. A name that no assignment needs
-- any more goes as well.
-- word(source, name, category): the configuration's word for a status, by its name now or then, over the tracker's.
CREATE OR REPLACE TEMP TABLE over AS
WITH stay AS (
    SELECT h.entity, h.since, h.until, coalesce(n.category, t.category, s.category) IN ('done', 'canceled') AS is_over
    FROM history AS h
    JOIN issue AS i ON i.issue = h.entity
    LEFT JOIN status AS s ON s.status_id = h.value
    LEFT JOIN word AS n ON n.source = i.source AND n.name = lower(trim(s.name))
    LEFT JOIN word AS t ON t.source = i.source AND t.name = lower(trim(h.label))
    WHERE h.field = 'status'
)
SELECT entity AS issue
FROM stay
CROSS JOIN bound
GROUP BY entity, bound.before
HAVING bool_or(until IS NULL AND coalesce(is_over, FALSE))
    AND coalesce(max(until) FILTER (WHERE NOT coalesce(is_over, FALSE)), min(since)) <= bound.before
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
