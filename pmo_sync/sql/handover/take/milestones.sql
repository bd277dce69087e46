-- Milestones and their history from the record (recorded_milestone, recorded_milestone_history, each with position) -> milestone, history.
-- Of several words about the same milestone, or the same (entity, field, since), the last one written holds; a stay ends
-- where the next begins. A milestone that is here is as the tracker shows it.
INSERT INTO entity
SELECT nextval('entity_sequence'), n.entity_id
FROM (SELECT entity_id FROM recorded_milestone_history UNION SELECT milestone_id FROM recorded_milestone) AS n
ANTI JOIN entity AS e ON e.entity_id = n.entity_id;

CREATE OR REPLACE TEMP TABLE folded AS
WITH last_word AS (
    SELECT entity_id, field, value, label, since, until
    FROM recorded_milestone_history
    QUALIFY row_number() OVER (PARTITION BY entity_id, field, since ORDER BY position DESC) = 1
),
stay AS (
    SELECT *, lead(since) OVER (PARTITION BY entity_id, field ORDER BY since) AS next_since
    FROM last_word
    WHERE until IS NULL OR until > since
)
SELECT e.entity, s.field, s.value, s.label, s.since, least(s.until, s.next_since) AS until
FROM stay AS s
JOIN entity AS e ON e.entity_id = s.entity_id;

DELETE FROM history USING folded WHERE history.entity = folded.entity;
INSERT INTO history SELECT field, entity, value, label, since, until FROM folded ORDER BY field, entity, since;

INSERT INTO milestone
SELECT e.entity, n.* EXCLUDE (position)
FROM recorded_milestone AS n
JOIN entity AS e ON e.entity_id = n.milestone_id
ANTI JOIN milestone AS m ON m.milestone_id = n.milestone_id
QUALIFY row_number() OVER (PARTITION BY n.milestone_id ORDER BY n.position DESC) = 1
ORDER BY e.entity;

UPDATE milestone SET first_seen_at = h.since
FROM (SELECT entity, min(since) AS since FROM folded GROUP BY entity) AS h
WHERE milestone.milestone = h.entity;
DROP TABLE folded;
