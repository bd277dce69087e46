-- Each project and commitment with its project and the team that works there: those its project names in the configuration,
-- else the project itself.
WITH named AS (
    SELECT 'project:' || project AS project, 'team:' || string_agg(team, '+' ORDER BY team) AS team
    FROM project_team
    GROUP BY project
)
SELECT s.subject, p.subject AS project, p.name, coalesce(named.team, p.subject) AS team
FROM subject AS s
JOIN subject AS p ON p.kind = 'project' AND p.subject = CASE WHEN s.kind = 'project' THEN s.subject ELSE s.parent END
LEFT JOIN named ON named.project = p.subject
WHERE s.kind = 'project' OR s.is_committed
