-- Milestones and epics without open work, and the day their last item was done.
SELECT m.subject, local_day(max(l.done_at)) AS finished_on
FROM membership AS m
JOIN subject AS s ON s.subject = m.subject AND s.kind IN ('milestone', 'epic')
JOIN work_item AS l ON l.issue = m.issue
WHERE l.removed_at IS NULL
GROUP BY m.subject
HAVING bool_and(l.done_at IS NOT NULL)
