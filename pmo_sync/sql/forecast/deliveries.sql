-- Items finished a day, without bulk closures, of whatever a pace is measured by and of every project: what the pool
-- learns from. Days count from 1970. Follows the CTEs of FC-3.
, paced AS (
    SELECT pace_of AS subject FROM basis
    UNION
    SELECT subject FROM subject WHERE kind = 'project'
),
daily AS (
    SELECT d.subject, d.done_on - DATE '1970-01-01' AS day, count(*) AS items
    FROM delivery AS d
    JOIN paced AS p ON p.subject = d.subject
    WHERE NOT d.is_bulk
    GROUP BY d.subject, d.done_on
)
SELECT daily.subject, any_value(c.calendar) AS calendar, list(day ORDER BY day) AS days, list(items ORDER BY day) AS items
FROM daily
JOIN subject_calendar AS c ON c.subject = daily.subject
GROUP BY daily.subject
ORDER BY daily.subject
