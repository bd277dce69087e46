-- given(subject, what): what one pass, the row of pass(project_id, is_whole), could not read -> unreadable.
-- What is not given is readable again, but for what this pass, unless it was whole, did not come by.
DELETE FROM unreadable USING pass
WHERE unreadable.project_id = pass.project_id
    AND unreadable.subject NOT IN (SELECT subject FROM given)
    AND (pass.is_whole OR NOT unreadable.is_passed_over);

UPDATE unreadable SET passes = passes + 1, what = given.what
FROM given, pass
WHERE unreadable.project_id = pass.project_id AND unreadable.subject = given.subject;

INSERT INTO unreadable
SELECT pass.project_id, given.subject, given.what, 1, FALSE
FROM given
CROSS JOIN pass
ANTI JOIN unreadable AS u ON u.project_id = pass.project_id AND u.subject = given.subject;
