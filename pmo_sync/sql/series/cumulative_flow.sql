-- Items in scope by category, one point a week back from today over the last 26 weeks.
WITH wanted AS (
    SELECT unnest(?) AS subject
),
point AS (
    SELECT calendar.day, moment.as_of - INTERVAL 1 DAY * (moment.today - calendar.day) AS at
    FROM calendar
    CROSS JOIN moment
    WHERE calendar.day <= moment.today AND (moment.today - calendar.day) % 7 = 0
        AND moment.today - calendar.day <= 182
),
stay AS (
    -- while an item was in the subject and in the category
    SELECT
        h.subject, h.issue, f.category, greatest(h.since, f.since) AS since,
        least(h.until, f.until, l.removed_at) AS until
    FROM scope_history AS h
    JOIN wanted AS w ON w.subject = h.subject
    JOIN lifecycle AS l ON l.issue = h.issue AND l.role = 'work' AND l.is_leaf
    JOIN flow AS f ON f.issue = h.issue AND f.category <> 'canceled'
)
SELECT stay.subject, point.day, stay.category, count(DISTINCT stay.issue) AS items
FROM stay
JOIN point ON stay.since < point.at AND (stay.until IS NULL OR stay.until >= point.at)
GROUP BY stay.subject, point.day, stay.category
ORDER BY stay.subject, point.day, stay.category
