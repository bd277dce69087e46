-- What leaders must decide: open items with the decision role, oldest first.
SELECT l.key, l.title, l.url, l.is_confidential, min(m.subject) AS subject,
    (date_diff('second', l.created_at, moment.as_of) // 86400)::INTEGER AS age_days, l.due_on
FROM lifecycle AS l
CROSS JOIN moment
JOIN membership AS m ON m.issue = l.issue
JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
WHERE l.role = 'decision' AND l.category NOT IN ('done', 'canceled')
GROUP BY ALL
ORDER BY l.due_on NULLS LAST, age_days DESC, l.key
