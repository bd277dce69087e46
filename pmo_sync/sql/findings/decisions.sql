-- What leaders must decide: the open items of PF-3, by due date, then oldest first; age in whole working days.
-- An item of several projects is told under the first.
WITH asked AS (
    SELECT issue, key, title, url, is_confidential, created_at, done_at, due_on
    FROM lifecycle
    WHERE role = 'decision' AND is_leaf AND removed_at IS NULL
)
-- list
SELECT a.key, a.title, a.url, a.is_confidential, min(m.subject) AS subject,
    floor(any_value(age.days))::INTEGER AS age_days, a.due_on
FROM asked AS a
JOIN age ON age.issue = a.issue AND age.what = 'asked'
JOIN membership AS m ON m.issue = a.issue
JOIN subject AS s ON s.subject = m.subject AND s.kind = 'project'
WHERE a.done_at IS NULL
GROUP BY a.issue, a.key, a.title, a.url, a.is_confidential, a.due_on
ORDER BY a.due_on NULLS LAST, age_days DESC, a.key
