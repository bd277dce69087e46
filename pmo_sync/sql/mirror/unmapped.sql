-- Statuses that issues of $source are in now and that nobody gives a category.
SELECT DISTINCT m.name
FROM history AS h
JOIN issue ON issue.issue = h.entity AND issue.source = $source AND issue.vanished_at IS NULL
JOIN status_meaning AS m ON m.value = h.value AND m.label = h.label
WHERE h.field = 'status' AND h.until IS NULL AND m.category = 'unmapped'
ORDER BY m.name
