-- The issues of leaving(issue_id, fate, noted_at) have vanished; their past stays.
UPDATE issue SET vanished_at = leaving.noted_at, fate = leaving.fate FROM leaving WHERE issue.issue_id = leaving.issue_id;
DELETE FROM missed USING leaving WHERE missed.issue_id = leaving.issue_id;
DELETE FROM unreadable
USING leaving, issue
WHERE issue.issue_id = leaving.issue_id AND starts_with(unreadable.project_id, issue.source || ':')
    AND names_issue(unreadable.subject, issue.issue_id, issue.source, issue.key);
INSERT INTO unrecorded_vanished SELECT issue_id FROM leaving;
