-- Items in scope by category, one point a week back from today over the last 26 weeks.
WITH wanted AS (
    SELECT unnest(?) AS subject
),
stay AS (
    -- while an item was in the subject and in the category; canceled work is no flow
    SELECT
        h.subject, f.category, greatest(h.since, f.since) AS since, least(h.until, f.until, l.removed_at) AS until
    FROM scope_history AS h
    JOIN wanted AS w ON w.subject = h.subject
    JOIN work_item AS l ON l.issue = h.issue
    JOIN flow AS f ON f.issue = h.issue AND f.category <> 'canceled'
),
same AS (
    -- in weeks back from now: the first and the last point of the stay
    SELECT
        stay.subject, stay.category,
        (date_diff('second', stay.since, moment.as_of) + 604799) // 604800 - 1 AS first_week,
        coalesce((date_diff('second', stay.until, moment.as_of) + 604799) // 604800, 0) AS last_week,
        count(*) AS items
    FROM stay
    CROSS JOIN moment
    GROUP BY 1, 2, 3, 4
),
point AS (
    SELECT calendar.day, (moment.today - calendar.day) // 7 AS week
    FROM calendar
    CROSS JOIN moment
    WHERE calendar.day <= moment.today AND (moment.today - calendar.day) % 7 = 0
        AND moment.today - calendar.day <= 182
)
SELECT same.subject, point.day, same.category, CAST(sum(same.items) AS BIGINT) AS items
FROM same
JOIN point ON point.week BETWEEN same.last_week AND same.first_week
GROUP BY same.subject, point.day, same.category
ORDER BY same.subject, point.day, same.category
