-- scope_history: every stay of a leaf in a subject; in projects and above since it was created.
-- membership: who is in at as_of.
CREATE OR REPLACE TEMP TABLE scope_history AS
WITH dated AS (
    SELECT 'milestone:' || w.milestone_id AS subject, s.issue, s.since, s.until
    FROM milestone_stay AS s
    JOIN milestone_home AS home ON home.milestone = s.milestone AND home.is_first
    JOIN milestone_word AS w ON w.milestone = s.milestone
    SEMI JOIN leaf ON leaf.issue = s.issue
    UNION ALL
    SELECT 'epic:' || l.issue_id, a.issue, a.since, a.until
    FROM ancestor_stay AS a
    JOIN epic_home AS home ON home.epic = a.ancestor AND home.is_first
    JOIN lifecycle AS l ON l.issue = a.ancestor
),
-- stays that touch or overlap become one: moving between two stories of an epic does not leave the epic
reached AS (
    SELECT
        subject, issue, since, coalesce(until, TIMESTAMP '9999-01-01') AS until,
        max(coalesce(until, TIMESTAMP '9999-01-01')) OVER (
            PARTITION BY subject, issue ORDER BY since, until ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS until_before
    FROM dated
),
numbered AS (
    SELECT
        subject, issue, since, until,
        sum(CASE WHEN since <= until_before THEN 0 ELSE 1 END) OVER (
            PARTITION BY subject, issue ORDER BY since, until ROWS UNBOUNDED PRECEDING
        ) AS stay
    FROM reached
),
standing_member AS (
    SELECT 'project:' || project AS subject, issue FROM project_member
    UNION
    SELECT 'programme:' || p.programme, m.issue
    FROM project_member AS m
    JOIN pmo_project AS p ON p.project = m.project
    WHERE p.programme IS NOT NULL
    UNION
    SELECT 'portfolio', issue FROM project_member
)
SELECT subject, issue, min(since) AS since, nullif(max(until), TIMESTAMP '9999-01-01') AS until
FROM numbered
GROUP BY subject, issue, stay
UNION ALL
SELECT m.subject, m.issue, l.created_at, NULL
FROM standing_member AS m
JOIN lifecycle AS l ON l.issue = m.issue;

CREATE OR REPLACE TEMP TABLE membership AS
SELECT subject, issue
FROM scope_history
WHERE until IS NULL;
