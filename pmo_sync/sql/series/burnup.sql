-- One point a week, back from today: what was in scope, and how much of it is done for good (a reopened item was not).
-- A milestone or epic from the week its first item joined, everything else over the last 26 weeks.
WITH wanted AS (
    SELECT unnest(?) AS subject
),
stay AS (
    -- in weeks back from now: the first and the last point an item was in scope, the first at which it was done
    SELECT
        h.subject, s.kind IN ('milestone', 'epic') AS is_milestone,
        (date_diff('second', h.since, moment.as_of) + 604799) // 604800 - 1 AS first_week,
        coalesce((date_diff('second', least(h.until, l.removed_at), moment.as_of) + 604799) // 604800, 0) AS last_week,
        coalesce((date_diff('second', l.done_at, moment.as_of) + 604799) // 604800 - 1, -1) AS done_week
    FROM scope_history AS h
    CROSS JOIN moment
    JOIN wanted AS w ON w.subject = h.subject
    JOIN subject AS s ON s.subject = h.subject
    JOIN work_item AS l ON l.issue = h.issue
),
same AS (
    SELECT subject, first_week, last_week, done_week, count(*) AS items
    FROM stay
    GROUP BY subject, first_week, last_week, done_week
),
life AS (
    SELECT subject, max(first_week) AS first_week, bool_or(is_milestone) AS is_milestone
    FROM stay
    GROUP BY subject
),
point AS (
    SELECT life.subject, calendar.day, (moment.today - calendar.day) // 7 AS week
    FROM life
    CROSS JOIN moment
    JOIN calendar ON calendar.day <= moment.today AND (moment.today - calendar.day) % 7 = 0
        AND (moment.today - calendar.day) // 7 <= life.first_week
    WHERE life.is_milestone OR moment.today - calendar.day <= 182
)
SELECT
    point.subject, point.day, CAST(coalesce(sum(same.items), 0) AS BIGINT) AS scope,
    CAST(coalesce(sum(same.items) FILTER (WHERE point.week <= same.done_week), 0) AS BIGINT) AS done
FROM point
LEFT JOIN same ON same.subject = point.subject AND point.week BETWEEN same.last_week AND same.first_week
GROUP BY point.subject, point.day
ORDER BY point.subject, point.day
