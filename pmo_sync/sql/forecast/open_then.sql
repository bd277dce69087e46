-- open_then: the open items of every open commitment at the moment the tables are cut at, kept for a later cut.
CREATE OR REPLACE TEMP TABLE open_then AS
SELECT m.subject, m.issue
FROM membership AS m
JOIN subject AS s ON s.subject = m.subject
JOIN work_item AS l ON l.issue = m.issue
WHERE s.is_committed AND s.state = 'open' AND l.removed_at IS NULL AND l.done_at IS NULL;
