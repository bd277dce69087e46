-- Vanished issues for the record. A confidential one counts there, too, and cannot be named: it is kept for ever.
SELECT issue.* EXCLUDE (issue) REPLACE (
    CASE WHEN is_confidential THEN '' ELSE key END AS key,
    CASE WHEN is_confidential THEN '' ELSE title END AS title,
    CASE WHEN is_confidential THEN '' ELSE url END AS url
)
FROM issue
SEMI JOIN unrecorded_vanished USING (issue_id)
