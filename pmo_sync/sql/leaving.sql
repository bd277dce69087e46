-- The issues of leaving(issue_id, noted_at) have vanished; their past stays.
UPDATE issue SET vanished_at = leaving.noted_at FROM leaving WHERE issue.issue_id = leaving.issue_id;
DELETE FROM missed USING leaving WHERE missed.issue_id = leaving.issue_id;
INSERT INTO unrecorded_vanished SELECT issue_id FROM leaving;
