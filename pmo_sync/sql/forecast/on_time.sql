-- Of each project's committed milestones and epics whose date is over, and was known to us by then: how many had no open
-- work by it, and how many there are. What anybody could know at as_of about how often dates are kept. Follows finished.
SELECT s.parent, count(*) FILTER (WHERE f.finished_on <= s.due_on) AS kept, count(*) AS ended
FROM subject AS s
CROSS JOIN moment
LEFT JOIN finished AS f ON f.subject = s.subject
WHERE s.is_committed AND s.due_on <= moment.today AND s.known_since < s.due_on + INTERVAL 1 DAY
    AND s.known_since < moment.as_of + INTERVAL 1 DAY
GROUP BY s.parent
ORDER BY s.parent
