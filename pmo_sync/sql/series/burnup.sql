-- One point a week, back from today: what was in scope, and how much of it is done for good (a reopened item was not).
-- A milestone or epic from the week its first item joined, everything else over the last 26 weeks.
WITH wanted AS (
    SELECT unnest(?) AS subject
),
stay AS (
    SELECT
        h.subject, h.issue, h.since, least(h.until, l.removed_at) AS until, l.done_at,
        s.kind IN ('milestone', 'epic') AS is_milestone
    FROM scope_history AS h
    JOIN wanted AS w ON w.subject = h.subject
    JOIN subject AS s ON s.subject = h.subject
    JOIN lifecycle AS l ON l.issue = h.issue AND l.role = 'work' AND l.is_leaf
),
life AS (
    SELECT subject, min(since) AS first_at, bool_or(is_milestone) AS is_milestone
    FROM stay
    GROUP BY subject
),
point AS (
    SELECT
        life.subject, calendar.day,
        moment.as_of - INTERVAL 1 DAY * (moment.today - calendar.day) AS at
    FROM life
    CROSS JOIN moment
    JOIN calendar ON calendar.day <= moment.today AND (moment.today - calendar.day) % 7 = 0
    WHERE moment.as_of - INTERVAL 1 DAY * (moment.today - calendar.day) > life.first_at
        AND (life.is_milestone OR moment.today - calendar.day <= 182)
)
SELECT
    point.subject, point.day, count(DISTINCT stay.issue) AS scope,
    count(DISTINCT stay.issue) FILTER (WHERE stay.done_at < point.at) AS done
FROM point
LEFT JOIN stay ON stay.subject = point.subject AND stay.since < point.at
    AND (stay.until IS NULL OR stay.until >= point.at)
GROUP BY point.subject, point.day
ORDER BY point.subject, point.day
