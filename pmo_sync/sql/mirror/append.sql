-- A page beside the merged issues: incoming_issue, incoming_history, incoming_person, and one row of
-- page(source, project_id, batch, cursor, is_held). Held: the next pull begins where this pass began.
INSERT INTO staged_issue SELECT n.*, page.batch FROM incoming_issue AS n CROSS JOIN page;

INSERT INTO staged_history
SELECT n.*, page.batch
FROM incoming_history AS n
CROSS JOIN page
WHERE n.field <> 'assignee' OR n.value NOT IN (SELECT person_id FROM erased_person);

DELETE FROM person USING incoming_person AS n WHERE person.person_id = n.person_id;
INSERT INTO person
SELECT DISTINCT ON (person_id) *
FROM incoming_person
ANTI JOIN erased_person USING (person_id);

DELETE FROM unreadable USING incoming_issue AS n
WHERE starts_with(unreadable.project_id, n.source || ':') AND names_issue(unreadable.subject, n.issue_id, n.source, n.key);

INSERT INTO cursor
SELECT page.source, page.project_id, NULL, NULL
FROM page
ANTI JOIN cursor ON cursor.project_id = page.project_id;
UPDATE cursor SET cursor = CASE WHEN page.is_held THEN coalesce(cursor.began_with, page.cursor) ELSE page.cursor END
FROM page
WHERE cursor.project_id = page.project_id;
