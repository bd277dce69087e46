-- Vanished issues' history for the record, which is kept for ever: no person, and no word by which the other end of a
-- link, which may be confidential, is named; its id does.
SELECT
    u.issue_id AS entity_id, h.field, coalesce(far.issue_id, h.value) AS value,
    CASE WHEN h.field IN ('parent', 'blocks', 'blocked_by', 'relates') THEN '' ELSE h.label END AS label,
    h.since, h.until
FROM history AS h
JOIN issue ON issue.issue = h.entity
JOIN unrecorded_vanished AS u USING (issue_id)
LEFT JOIN (
    SELECT address(url) AS address, min(issue_id) AS issue_id
    FROM issue
    WHERE is_confidential AND url <> ''
    GROUP BY ALL
) AS far ON h.value LIKE 'http%' AND far.address = address(h.value)
WHERE h.field <> 'assignee'
