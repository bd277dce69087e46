-- Issues that exist at as_of, in the tracker project they are in at that moment.
CREATE OR REPLACE TEMP TABLE existing AS
SELECT issue.issue, issue.source, issue.superseded, issue.level
FROM issue
CROSS JOIN moment
WHERE issue.created_at < moment.as_of AND (issue.vanished_at IS NULL OR issue.vanished_at >= moment.as_of);
