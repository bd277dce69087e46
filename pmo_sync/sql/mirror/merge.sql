-- Pages -> issue, history, person, cursor, in one transaction: what is here of an issue is replaced as a whole.
-- Reads incoming_issue, incoming_history, incoming_id(id) of all that these are about, incoming_person, and
-- incoming_cursor(source, project_id, cursor, is_held), one a project. Held: the next pull begins where this pass began. Running it again changes nothing.
INSERT INTO entity
SELECT nextval('entity_sequence'), n.id
FROM incoming_id AS n
ANTI JOIN entity AS e ON e.entity_id = n.id;

CREATE OR REPLACE TEMP TABLE incoming AS
SELECT e.entity, e.entity_id
FROM entity AS e
SEMI JOIN incoming_id AS n ON n.id = e.entity_id;

DELETE FROM history USING incoming WHERE history.entity = incoming.entity;

INSERT INTO history
SELECT DISTINCT s.field, n.entity, s.value, s.label, s.since, s.until
FROM incoming_history AS s
JOIN incoming AS n ON n.entity_id = s.entity_id
WHERE (s.until IS NULL OR s.until > s.since)
    AND (s.field <> 'assignee' OR s.value NOT IN (SELECT person_id FROM erased_person))
ORDER BY s.field, n.entity;

DELETE FROM issue USING incoming_issue AS n WHERE issue.issue_id = n.issue_id;

INSERT INTO issue
SELECT n.entity, s.*, NULL, NULL
FROM incoming_issue AS s
JOIN incoming AS n ON n.entity_id = s.issue_id
QUALIFY row_number() OVER (PARTITION BY s.issue_id ORDER BY s.updated_at DESC) = 1
ORDER BY n.entity;

DELETE FROM person USING incoming_person AS n WHERE person.person_id = n.person_id;
INSERT INTO person SELECT * FROM incoming_person ANTI JOIN erased_person USING (person_id);

-- it was read, so it is there
DELETE FROM missed USING incoming_issue AS n WHERE missed.issue_id = n.issue_id;
DELETE FROM unrecorded_vanished AS u USING incoming_issue AS n WHERE u.issue_id = n.issue_id;
DELETE FROM unreadable USING incoming_issue AS n
WHERE starts_with(unreadable.project_id, n.source || ':') AND names_issue(unreadable.subject, n.issue_id, n.source, n.key);

-- a tracker that keeps its milestones' history tells more than our snapshots did
UPDATE milestone SET first_seen_at = least(milestone.first_seen_at, h.since)
FROM (
    SELECT m.milestone, min(s.since) AS since
    FROM milestone AS m
    JOIN incoming_history AS s ON s.entity_id = m.milestone_id
    WHERE s.until IS NULL OR s.until > s.since
    GROUP BY m.milestone
) AS h
WHERE milestone.milestone = h.milestone;

DROP TABLE incoming;

MERGE INTO cursor USING incoming_cursor AS n ON cursor.project_id = n.project_id
WHEN MATCHED THEN UPDATE SET cursor = CASE WHEN n.is_held THEN coalesce(cursor.began_with, n.cursor) ELSE n.cursor END
WHEN NOT MATCHED THEN INSERT VALUES (n.source, n.project_id, n.cursor, NULL);
