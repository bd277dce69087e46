-- Staged pages -> issue and history, in one transaction. Of an issue that was staged twice the last batch holds.
-- Running it again, or after a kill, changes nothing.
CREATE OR REPLACE TEMP TABLE newest AS
SELECT entity_id, max(batch) AS batch
FROM (
    SELECT issue_id AS entity_id, batch FROM staged_issue
    UNION ALL
    SELECT DISTINCT entity_id, batch FROM staged_history
) AS staged
GROUP BY entity_id;

INSERT INTO entity
SELECT nextval('entity_sequence'), n.entity_id
FROM newest AS n
ANTI JOIN entity AS e ON e.entity_id = n.entity_id;

CREATE OR REPLACE TEMP TABLE incoming AS
SELECT e.entity, n.entity_id, n.batch
FROM newest AS n
JOIN entity AS e ON e.entity_id = n.entity_id;

DELETE FROM history USING incoming WHERE history.entity = incoming.entity;

INSERT INTO history
SELECT DISTINCT s.field, n.entity, s.value, s.label, s.since, s.until
FROM staged_history AS s
JOIN incoming AS n ON n.entity_id = s.entity_id AND n.batch = s.batch
WHERE s.until IS NULL OR s.until > s.since
ORDER BY s.field, n.entity, s.since;

DELETE FROM issue USING staged_issue WHERE issue.issue_id = staged_issue.issue_id;

INSERT INTO issue
SELECT
    n.entity, s.issue_id, s.source, s.project_id, s.key, s.title, s.kind, s.level, s.created_at, s.updated_at,
    s.url, s.is_confidential, s.superseded, NULL, NULL
FROM staged_issue AS s
JOIN incoming AS n ON n.entity_id = s.issue_id AND n.batch = s.batch
QUALIFY row_number() OVER (PARTITION BY s.issue_id ORDER BY s.updated_at DESC) = 1
ORDER BY n.entity;

-- it was read, so it is there
DELETE FROM missed USING staged_issue WHERE missed.issue_id = staged_issue.issue_id;
DELETE FROM unrecorded_vanished USING staged_issue WHERE unrecorded_vanished.issue_id = staged_issue.issue_id;

-- a tracker that keeps its milestones' history tells more than our snapshots did
UPDATE milestone SET first_seen_at = least(milestone.first_seen_at, h.since)
FROM (
    SELECT history.entity, min(history.since) AS since
    FROM history
    JOIN incoming ON incoming.entity = history.entity
    GROUP BY history.entity
) AS h
WHERE milestone.milestone = h.entity;

DELETE FROM staged_history;
DELETE FROM staged_issue;
DROP TABLE newest;
DROP TABLE incoming;
