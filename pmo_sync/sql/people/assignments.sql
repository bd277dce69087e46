-- What one person was assigned to, the first first.
SELECT issue.key, issue.url, h.since, h.until, issue.is_confidential
FROM history AS h
JOIN issue ON issue.issue = h.entity
WHERE h.field = 'assignee' AND h.value = ?
ORDER BY h.since, issue.key
