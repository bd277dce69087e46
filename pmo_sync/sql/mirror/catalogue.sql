-- A catalogue -> project, status, milestone, and what changed in the milestones -> history.
-- Reads incoming_project, incoming_status, incoming_milestone and snapshot(source, seen_at, is_complete), one row.
-- An incomplete catalogue (it reported problems) adds and changes, but removes nothing; a complete one nothing of the
-- projects hidden(id) nor, while there are any, of what projects share.

DELETE FROM project USING snapshot AS s
WHERE project.source = s.source
    AND (
        (s.is_complete AND project.project_id NOT IN (SELECT id FROM hidden))
        OR project.project_id IN (SELECT project_id FROM incoming_project)
    );
INSERT INTO project SELECT DISTINCT ON (project_id) * FROM incoming_project ORDER BY project_id;

DELETE FROM status USING snapshot AS s
WHERE status.source = s.source
    AND (
        (s.is_complete AND NOT EXISTS (SELECT 1 FROM hidden))
        OR status.status_id IN (SELECT status_id FROM incoming_status)
    );
INSERT INTO status SELECT DISTINCT ON (status_id) * FROM incoming_status ORDER BY status_id;

INSERT INTO entity
SELECT nextval('entity_sequence'), n.milestone_id
FROM (SELECT DISTINCT milestone_id FROM incoming_milestone) AS n
ANTI JOIN entity AS e ON e.entity_id = n.milestone_id;

-- what the milestones say now, against what we last saw
CREATE OR REPLACE TEMP TABLE seen AS
SELECT e.entity, e.entity_id, f.field, f.value
FROM (
    SELECT milestone_id, 'name' AS field, name AS value FROM incoming_milestone
    UNION SELECT milestone_id, 'state', state FROM incoming_milestone
    UNION SELECT milestone_id, 'start_on', start_on::VARCHAR FROM incoming_milestone
    UNION SELECT milestone_id, 'due_on', due_on::VARCHAR FROM incoming_milestone
    UNION SELECT milestone_id, 'closed_on', closed_on::VARCHAR FROM incoming_milestone
) AS f
JOIN entity AS e ON e.entity_id = f.milestone_id;

CREATE OR REPLACE TEMP TABLE change AS
SELECT
    n.entity, n.entity_id, n.field, n.value, h.value AS old_value, h.label AS old_label, h.since AS old_since,
    greatest(s.seen_at, h.since) AS changed_at  -- a clock that went back does not make time go back
FROM seen AS n
LEFT JOIN history AS h ON h.entity = n.entity AND h.field = n.field AND h.until IS NULL
CROSS JOIN snapshot AS s
WHERE n.value IS DISTINCT FROM h.value;

DELETE FROM history USING change AS c
WHERE history.entity = c.entity AND history.field = c.field AND history.until IS NULL;

-- the same moment, seen again with another value: the later look holds, and leaves no stay without length
CREATE OR REPLACE TEMP TABLE grown AS
SELECT entity, entity_id, field, old_value AS value, old_label AS label, old_since AS since, changed_at AS until
FROM change
WHERE old_value IS NOT NULL AND (old_since < changed_at OR value IS NULL)
UNION ALL
SELECT entity, entity_id, field, value, value, changed_at, NULL
FROM change
WHERE value IS NOT NULL;

INSERT INTO history
SELECT field, entity, value, label, since, until
FROM grown
WHERE until IS NULL OR since < until
ORDER BY field, entity, since;

DELETE FROM unrecorded_interval AS u USING grown AS g
WHERE u.entity_id = g.entity_id AND u.field = g.field AND u.since = g.since;
INSERT INTO unrecorded_interval SELECT entity_id, field, value, label, since, until FROM grown;

CREATE OR REPLACE TEMP TABLE known AS
SELECT e.entity, e.entity_id, least(m.first_seen_at, h.since) AS first_seen_at
FROM (SELECT DISTINCT entity, entity_id FROM seen) AS e
LEFT JOIN milestone AS m ON m.milestone = e.entity
LEFT JOIN (
    SELECT history.entity, min(history.since) AS since
    FROM history
    SEMI JOIN seen ON seen.entity = history.entity
    GROUP BY history.entity
) AS h ON h.entity = e.entity;

CREATE OR REPLACE TEMP TABLE before AS SELECT milestone.* FROM milestone SEMI JOIN snapshot AS s ON s.source = milestone.source;
DELETE FROM milestone USING known WHERE milestone.milestone = known.entity;
UPDATE milestone SET vanished_at = s.seen_at
FROM snapshot AS s
WHERE milestone.source = s.source AND s.is_complete AND milestone.vanished_at IS NULL
    AND CASE
        WHEN milestone.project_id IS NULL THEN NOT EXISTS (SELECT 1 FROM hidden)
        ELSE milestone.project_id NOT IN (SELECT id FROM hidden)
    END;
INSERT INTO milestone
SELECT DISTINCT ON (n.milestone_id)
    k.entity, n.milestone_id, n.source, n.project_id, n.kind, n.name, n.state, n.start_on, n.due_on, n.closed_on,
    n.url, coalesce(k.first_seen_at, s.seen_at), NULL
FROM incoming_milestone AS n
JOIN known AS k ON k.entity_id = n.milestone_id
CROSS JOIN snapshot AS s
ORDER BY n.milestone_id;

INSERT INTO unrecorded_milestone
SELECT milestone_id
FROM (SELECT m.* FROM milestone AS m SEMI JOIN snapshot AS s ON s.source = m.source EXCEPT FROM before) AS changed;

DROP TABLE seen;
DROP TABLE change;
DROP TABLE grown;
DROP TABLE known;
DROP TABLE before;
