-- subject: whatever a number is about. A milestone or epic belongs to the project that holds most of its issues, or,
-- while it has none, to one that reaches its tracker project; those that no enabled project holds are left out.
-- A confidential epic counts like any other, but has neither name nor address here: nobody can tell what is not there.
CREATE OR REPLACE TEMP TABLE milestone_home AS
WITH vote AS (
    SELECT s.milestone, p.project, count(DISTINCT s.issue) AS members
    FROM milestone_stay AS s
    JOIN project_member AS p ON p.issue = s.issue
    WHERE s.until IS NULL
    GROUP BY s.milestone, p.project
    UNION ALL
    SELECT DISTINCT m.milestone, r.project, 0
    FROM milestone_word AS m
    JOIN reach AS r ON r.project_id = m.project_id
)
SELECT milestone, project, row_number() OVER (PARTITION BY milestone ORDER BY max(members) DESC, project) = 1 AS is_first
FROM vote
GROUP BY milestone, project;

CREATE OR REPLACE TEMP TABLE epic_home AS
WITH vote AS (
    SELECT a.ancestor AS epic, p.project, count(DISTINCT a.issue) AS members
    FROM ancestor_stay AS a
    JOIN project_member AS p ON p.issue = a.issue
    JOIN existing AS e ON e.issue = a.ancestor AND e.level >= 1
    WHERE a.until IS NULL
    GROUP BY a.ancestor, p.project
    UNION ALL
    SELECT p.issue, p.project, 0
    FROM project_member AS p
    JOIN existing AS e ON e.issue = p.issue AND e.level >= 1
)
SELECT epic, project, row_number() OVER (PARTITION BY epic ORDER BY max(members) DESC, project) = 1 AS is_first
FROM vote
GROUP BY epic, project;

-- subject_name: the names a milestone or epic goes by in the configuration, in lower case.
CREATE OR REPLACE TEMP TABLE subject_name AS
SELECT DISTINCT subject, project, lower(name) AS name
FROM (
    SELECT 'milestone:' || m.milestone_id AS subject, home.project, unnest([m.name, m.last_name]) AS name
    FROM milestone_word AS m
    JOIN milestone_home AS home ON home.milestone = m.milestone
    UNION ALL
    SELECT 'epic:' || l.issue_id, home.project, unnest([l.title, l.key])
    FROM lifecycle AS l
    JOIN epic_home AS home ON home.epic = l.issue
);

CREATE OR REPLACE TEMP TABLE subject AS
WITH won AS (
    SELECT n.subject
    FROM must_win AS w
    JOIN subject_name AS n ON n.project = w.project AND n.name = lower(w.milestone)
)
SELECT
    'portfolio' AS subject, 'portfolio' AS kind, NULL AS parent, portfolio.name, '' AS url, 'open' AS state,
    NULL::DATE AS start_on, NULL::DATE AS due_on, NULL::TIMESTAMP AS known_since, FALSE AS is_committed,
    FALSE AS is_must_win, NULL AS milestone_kind, FALSE AS is_confidential
FROM portfolio
UNION ALL
SELECT
    'programme:' || programme, 'programme', 'portfolio', min(programme_name), '', 'open', NULL, NULL, NULL, FALSE,
    FALSE, NULL, FALSE
FROM pmo_project
WHERE programme IS NOT NULL AND is_enabled
GROUP BY programme
UNION ALL
SELECT
    'project:' || p.project, 'project', coalesce('programme:' || p.programme, 'portfolio'), p.name,
    coalesce(place.url, ''), 'open', NULL, NULL, NULL, FALSE, FALSE, NULL, FALSE
FROM pmo_project AS p
LEFT JOIN (
    -- a project that is one tracker project has its address
    SELECT r.project, min(t.url) AS url
    FROM reach AS r
    JOIN project AS t ON t.project_id = r.project_id
    GROUP BY r.project
    HAVING count(DISTINCT r.project_id) = 1
) AS place ON place.project = p.project
WHERE p.is_enabled
UNION ALL
SELECT
    'milestone:' || m.milestone_id, 'milestone', 'project:' || home.project, m.name, m.url, m.state, m.start_on,
    m.due_on, m.first_seen_at,
    -- a date once given stays a commitment: taking it away is news, not a way out
    m.kind IN (SELECT kind FROM committed_kind) AND (
        m.due_on IS NOT NULL
        OR EXISTS (
            SELECT 1
            FROM history AS h
            CROSS JOIN moment
            WHERE h.entity = m.milestone AND h.field = 'due_on' AND h.value <> '' AND h.since < moment.as_of + INTERVAL 1 DAY
        )
    ),
    'milestone:' || m.milestone_id IN (SELECT subject FROM won),
    m.kind, FALSE
FROM milestone_word AS m
JOIN milestone_home AS home ON home.milestone = m.milestone AND home.is_first
UNION ALL
SELECT
    'epic:' || l.issue_id, 'epic', 'project:' || home.project,
    CASE WHEN l.is_confidential THEN '(confidential)' ELSE l.title END, CASE WHEN l.is_confidential THEN '' ELSE l.url END,
    CASE WHEN l.category IN ('done', 'canceled') THEN 'closed' ELSE 'open' END, l.start_on, l.due_on, l.created_at,
    'epic' IN (SELECT kind FROM committed_kind) AND (l.due_on IS NOT NULL OR promised.issue IS NOT NULL),
    'epic:' || l.issue_id IN (SELECT subject FROM won),
    'epic', l.is_confidential
FROM lifecycle AS l
JOIN epic_home AS home ON home.epic = l.issue AND home.is_first
LEFT JOIN (
    SELECT DISTINCT h.entity AS issue
    FROM history AS h
    CROSS JOIN moment
    WHERE h.field = 'due_on' AND h.value <> '' AND h.since < moment.as_of
) AS promised ON promised.issue = l.issue;
