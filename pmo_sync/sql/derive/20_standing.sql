-- standing: the single-valued fields of each issue as they stand at as_of. touched: when anything last changed.
-- Neither looks at assignees: they leave with time and on request, and no number may change with them.
CREATE OR REPLACE TEMP TABLE standing AS
SELECT
    h.entity AS issue,
    max(h.label) FILTER (WHERE h.field = 'status') AS status,
    max(h.since) FILTER (WHERE h.field = 'status') AS status_since,
    max(h.value) FILTER (WHERE h.field = 'kind') AS kind,
    max(h.label) FILTER (WHERE h.field = 'priority') AS priority,
    max(h.value) FILTER (WHERE h.field = 'estimate') AS estimate,
    max(h.value) FILTER (WHERE h.field = 'start_on') AS start_on,
    max(h.value) FILTER (WHERE h.field = 'due_on') AS due_on,
    max(h.since) FILTER (WHERE h.field = 'flagged') AS flagged_since,
    max(h.value) FILTER (WHERE h.field = 'project') AS project_id
FROM history AS h
CROSS JOIN moment
WHERE h.since < moment.as_of AND (h.until IS NULL OR h.until >= moment.as_of)
    AND h.field IN ('status', 'kind', 'priority', 'estimate', 'start_on', 'due_on', 'flagged', 'project')
GROUP BY h.entity;

CREATE OR REPLACE TEMP TABLE touched AS
SELECT
    h.entity AS issue, max(greatest(h.since, CASE WHEN h.until < moment.as_of THEN h.until END)) AS touched_at
FROM history AS h
CROSS JOIN moment
WHERE h.since < moment.as_of AND h.field <> 'assignee'
GROUP BY h.entity;
