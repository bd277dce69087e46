-- milestone_stay: while an issue was in a milestone; a leaf that never was in any of that kind goes with the nearest of
-- its ancestors that was.
CREATE OR REPLACE TEMP TABLE milestone_stay AS
SELECT issue, milestone, since, until
FROM own_stay
UNION ALL
SELECT a.issue, own.milestone, greatest(a.since, own.since), least(a.until, own.until)
FROM ancestor_stay AS a
JOIN own_stay AS own ON own.issue = a.ancestor AND (own.kind & a.kinds_below) = 0
    AND (own.until IS NULL OR a.since < own.until) AND (a.until IS NULL OR own.since < a.until);

-- milestone_word: a milestone's fields as our looks at it tell. A look tells of the hours before it, so one within a day
-- after as_of counts (a sync on Monday morning sees what Sunday's plan was); before our first look, its words hold.
CREATE OR REPLACE TEMP TABLE milestone_word AS
WITH look AS (
    SELECT m.milestone, greatest(moment.as_of + INTERVAL 1 DAY, m.first_seen_at + INTERVAL 1 MICROSECOND) AS looked_at
    FROM milestone AS m
    CROSS JOIN moment
),
stood AS (
    SELECT
        h.entity AS milestone,
        max(h.value) FILTER (WHERE h.field = 'name') AS name,
        max(h.value) FILTER (WHERE h.field = 'state') AS state,
        max(h.value) FILTER (WHERE h.field = 'start_on') AS start_on,
        max(h.value) FILTER (WHERE h.field = 'due_on') AS due_on
    FROM history AS h
    JOIN look ON look.milestone = h.entity
    WHERE h.since < look.looked_at AND (h.until IS NULL OR h.until >= look.looked_at)
    GROUP BY h.entity
)
SELECT
    m.milestone, m.milestone_id, m.source, m.project_id, m.kind, m.url, m.first_seen_at,
    coalesce(s.name, m.name) AS name, m.name AS last_name,
    CASE
        WHEN m.first_seen_at >= moment.as_of + INTERVAL 1 DAY AND m.closed_on > moment.today THEN 'open'
        ELSE coalesce(s.state, m.state)  -- above: the tracker says when it was closed, so it was open until then
    END AS state,
    as_day(s.start_on) AS start_on,
    as_day(s.due_on) AS due_on
FROM milestone AS m
LEFT JOIN stood AS s ON s.milestone = m.milestone
CROSS JOIN moment
WHERE m.vanished_at IS NULL OR m.vanished_at >= moment.as_of;

-- reach: the tracker projects each scope of an enabled PMO project reaches into. One that was taken out since
-- as_of is there by the last key that its issues had, also where another project has that key now.
CREATE OR REPLACE TEMP TABLE reach AS
WITH tracker_project AS (
    SELECT project_id, source, key FROM project
    UNION ALL
    SELECT i.project_id, i.source, arg_max(h.label, i.updated_at)
    FROM issue AS i
    ANTI JOIN project AS t ON t.project_id = i.project_id
    JOIN history AS h ON h.entity = i.issue AND h.field = 'project' AND h.value = i.project_id
    CROSS JOIN moment
    WHERE i.vanished_at >= moment.as_of
    GROUP BY i.project_id, i.source
)
SELECT scope.number, scope.owner AS project, t.project_id, scope.source, scope.milestone, scope.label, scope.epic
FROM scope
JOIN pmo_project AS p ON p.project = scope.owner AND p.is_enabled
JOIN tracker_project AS t ON t.source = scope.source
    AND (
        scope.project_key IS NULL
        OR lower(t.key) = lower(scope.project_key)
        OR (scope.project_key LIKE '%/*' AND starts_with(lower(t.key), lower(rtrim(scope.project_key, '*'))))
    )
WHERE scope.owner_kind = 'project';

-- project_member: leaves of each PMO project. Of a scope all parts must hold; any scope will do.
CREATE OR REPLACE TEMP TABLE project_member AS
WITH wanted AS (
    SELECT DISTINCT number, source, milestone, label, epic
    FROM reach
    WHERE milestone IS NOT NULL OR label IS NOT NULL OR epic IS NOT NULL
),
in_milestone AS (
    SELECT DISTINCT w.number, s.issue
    FROM wanted AS w
    JOIN milestone_word AS m ON m.source = w.source
        AND (lower(m.name) = lower(w.milestone) OR lower(m.last_name) = lower(w.milestone))
    JOIN milestone_stay AS s ON s.milestone = m.milestone AND s.until IS NULL
),
labelled AS (
    SELECT w.number, l.issue
    FROM wanted AS w
    JOIN label_now AS l ON l.label = lower(trim(w.label))
),
with_label AS (
    SELECT number, issue FROM labelled
    UNION
    SELECT l.number, p.child
    FROM labelled AS l
    JOIN parent_stay AS p ON p.parent = l.issue AND p.until IS NULL
),
in_epic AS (
    SELECT w.number, e.issue
    FROM wanted AS w
    JOIN lifecycle AS e ON e.source = w.source AND lower(e.key) = lower(w.epic)
    UNION
    SELECT w.number, a.issue
    FROM wanted AS w
    JOIN lifecycle AS e ON e.source = w.source AND lower(e.key) = lower(w.epic)
    JOIN ancestor_stay AS a ON a.ancestor = e.issue AND a.until IS NULL
)
SELECT DISTINCT r.project, l.issue
FROM lifecycle AS l
JOIN reach AS r ON r.project_id = l.project_id
LEFT JOIN in_milestone AS m ON m.number = r.number AND m.issue = l.issue
LEFT JOIN with_label AS w ON w.number = r.number AND w.issue = l.issue
LEFT JOIN in_epic AS e ON e.number = r.number AND e.issue = l.issue
WHERE l.is_leaf
    AND (r.milestone IS NULL OR m.issue IS NOT NULL)
    AND (r.label IS NULL OR w.issue IS NOT NULL)
    AND (r.epic IS NULL OR e.issue IS NOT NULL);
