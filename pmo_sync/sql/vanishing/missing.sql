-- What a census, one row of census(project_id, noted_at), did not show: gone(id) -> missed, and due(issue_id).
-- What is shown again keeps its row, without a time, until a pull has read it: nobody knows what happened to it meanwhile.
UPDATE missed SET missed_at = CASE WHEN missed.issue_id IN (SELECT id FROM gone) THEN coalesce(missed_at, c.noted_at) END
FROM issue, census AS c
WHERE missed.issue_id = issue.issue_id AND issue.project_id = c.project_id;

INSERT INTO missed
SELECT issue.issue_id, c.noted_at
FROM issue
JOIN census AS c ON c.project_id = issue.project_id
SEMI JOIN gone ON gone.id = issue.issue_id
ANTI JOIN missed ON missed.issue_id = issue.issue_id
WHERE issue.vanished_at IS NULL;

-- missed before, at least a day ago
CREATE OR REPLACE TEMP TABLE due AS
SELECT missed.issue_id
FROM missed
JOIN issue ON issue.issue_id = missed.issue_id
JOIN census AS c ON c.project_id = issue.project_id
WHERE missed.missed_at <= c.noted_at - INTERVAL 1 DAY;
