-- Vanished issues from the record (recorded_vanished_issue, recorded_vanished_history, each with position) -> issue and history.
-- An issue that the tracker shows again is not in need of this. Of several words the last one written holds.
CREATE OR REPLACE TEMP TABLE restored AS
SELECT * EXCLUDE (position)
FROM recorded_vanished_issue AS r
ANTI JOIN issue ON issue.issue_id = r.issue_id
QUALIFY row_number() OVER (PARTITION BY issue_id ORDER BY position DESC) = 1;

INSERT INTO entity
SELECT nextval('entity_sequence'), n.issue_id
FROM restored AS n
ANTI JOIN entity AS e ON e.entity_id = n.issue_id;

INSERT INTO history
SELECT h.field, e.entity, h.value, h.label, h.since, h.until
FROM recorded_vanished_history AS h
JOIN restored AS n ON n.issue_id = h.entity_id
JOIN entity AS e ON e.entity_id = h.entity_id
QUALIFY row_number() OVER (
    PARTITION BY h.entity_id, h.field, h.since,
        CASE WHEN h.field IN ('milestone', 'label', 'blocks', 'blocked_by', 'relates') THEN h.value END
    ORDER BY h.position DESC
) = 1
ORDER BY h.field, e.entity, h.since;

INSERT INTO issue
SELECT e.entity, n.*
FROM restored AS n
JOIN entity AS e ON e.entity_id = n.issue_id
ORDER BY e.entity;
DROP TABLE restored;
