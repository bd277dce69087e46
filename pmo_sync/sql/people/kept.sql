-- Everybody something is kept about, by source and name; also those whose name the tracker did not tell.
WITH stay AS (
    SELECT h.value AS person_id, issue.source
    FROM history AS h
    JOIN issue ON issue.issue = h.entity
    WHERE h.field = 'assignee'
),
known AS (
    SELECT person_id, min(source) AS source, count(*) AS stays FROM stay GROUP BY person_id
)
SELECT person_id, coalesce(p.source, k.source) AS source, coalesce(p.name, '') AS name, coalesce(k.stays, 0) AS stays
FROM known AS k
FULL JOIN person AS p USING (person_id)
ORDER BY source, name, person_id
