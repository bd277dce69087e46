-- owed: the open items of open commitments, each with the project whose team does it: the commitment's own where that holds
-- the item, else the first that does; what no project holds goes with the commitment.
CREATE OR REPLACE TEMP TABLE owed AS
WITH open_item AS (
    SELECT m.subject, m.issue, coalesce(s.parent, s.subject) AS parent
    FROM subject AS s
    JOIN membership AS m ON m.subject = s.subject
    JOIN work_item AS l ON l.issue = m.issue
    WHERE s.is_committed AND s.state = 'open' AND l.removed_at IS NULL AND l.done_at IS NULL
),
place AS (
    SELECT m.subject AS project, m.issue
    FROM membership AS m
    JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
    SEMI JOIN open_item AS o ON o.issue = m.issue
)
SELECT
    o.subject, o.issue,
    CASE WHEN count(p.project) = 0 OR bool_or(p.project = o.parent) THEN o.parent ELSE min(p.project) END AS project
FROM open_item AS o
LEFT JOIN place AS p ON p.issue = o.issue
GROUP BY o.subject, o.issue, o.parent;
