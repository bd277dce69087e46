-- The people of erasing(id) and everything that is kept about them.
DELETE FROM history USING erasing WHERE history.field = 'assignee' AND history.value = erasing.id;
DELETE FROM person USING erasing WHERE person.person_id = erasing.id;
