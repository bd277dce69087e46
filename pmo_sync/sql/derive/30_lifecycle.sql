-- lifecycle: one row for each issue that exists at as_of.
CREATE OR REPLACE TEMP TABLE label_now AS
SELECT h.entity AS issue, lower(trim(h.value)) AS label
FROM history AS h
JOIN existing AS e ON e.issue = h.entity
CROSS JOIN moment
WHERE h.field = 'label' AND h.since < moment.as_of AND (h.until IS NULL OR h.until >= moment.as_of);

CREATE OR REPLACE TEMP TABLE lifecycle AS
WITH started AS (
    SELECT issue, min(since) AS started_at
    FROM flow
    WHERE category = 'doing'
    GROUP BY issue
),
present AS (
    SELECT issue, category, since
    FROM flow
    WHERE until IS NULL
),
label_role AS (
    SELECT l.issue, min(r.precedence) AS precedence
    FROM label_now AS l
    JOIN role_map AS r ON r.name = l.label
    GROUP BY l.issue
),
waiting AS (
    SELECT blocked AS issue, min(since) AS since, count(*) AS blockers
    FROM blocking
    GROUP BY blocked
),
state AS (
    SELECT
        i.issue, i.issue_id, i.source, coalesce(s.project_id, i.project_id) AS project_id, i.key, i.title, i.url,
        coalesce(s.kind, i.kind) AS kind, i.level,
        leaf.issue IS NOT NULL AS is_leaf,
        i.is_confidential, i.superseded, i.created_at,
        started.started_at,
        CASE WHEN p.category = 'done' THEN p.since END AS done_at,
        CASE WHEN p.category = 'canceled' THEN p.since END AS removed_at,
        s.status,
        coalesce(p.category, 'unmapped') AS category,
        s.status_since, s.priority,
        try_cast(s.estimate AS DOUBLE) AS estimate,
        as_day(s.start_on) AS start_on,
        as_day(s.due_on) AS due_on,
        s.flagged_since, waiting.since AS waiting_since, coalesce(waiting.blockers, 0) AS blocked_by_count,
        greatest(i.created_at, touched.touched_at) AS touched_at,
        label_role.precedence AS label_precedence
    FROM issue AS i
    JOIN existing ON existing.issue = i.issue
    LEFT JOIN standing AS s ON s.issue = i.issue
    LEFT JOIN present AS p ON p.issue = i.issue
    LEFT JOIN started ON started.issue = i.issue
    LEFT JOIN leaf ON leaf.issue = i.issue
    LEFT JOIN touched ON touched.issue = i.issue
    LEFT JOIN waiting ON waiting.issue = i.issue
    LEFT JOIN label_role ON label_role.issue = i.issue
)
SELECT
    s.issue, s.issue_id, s.source, s.project_id, s.key, s.title, s.url, s.kind, s.level,
    coalesce(role.role, 'work') AS role,
    s.is_leaf, s.is_confidential, s.superseded, s.created_at, s.started_at, s.done_at, s.removed_at, s.status,
    s.category, s.status_since, s.priority, s.estimate, s.start_on, s.due_on, s.flagged_since,
    CASE WHEN s.category NOT IN ('done', 'canceled') THEN least(s.flagged_since, s.waiting_since) END AS blocked_since,
    s.blocked_by_count, s.touched_at
FROM state AS s
LEFT JOIN role_map AS by_kind ON by_kind.name = lower(trim(s.kind))
LEFT JOIN (SELECT DISTINCT precedence, role FROM role_map) AS role
    ON role.precedence = least(by_kind.precedence, s.label_precedence);
