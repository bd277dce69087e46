-- One row per open commitment: its own state, and what the gates ask about the pace it is measured by.
-- Follows the CTEs of FC-3, so the forecast and the required pace use the same items and weeks.
, own AS (
    SELECT
        m.subject, count(*) AS total, count(*) FILTER (WHERE l.done_at IS NULL) AS remaining,
        count(*) FILTER (WHERE l.category = 'unmapped') AS unmapped
    FROM membership AS m
    JOIN work_item AS l ON l.issue = m.issue
    WHERE l.removed_at IS NULL
    GROUP BY m.subject
),
own_part AS (
    SELECT b.subject, count(*) AS items
    FROM basis AS b
    JOIN owed AS o ON o.subject = b.subject AND b.pace_of IN (b.subject, o.project)
    GROUP BY b.subject
),
work AS (
    SELECT subject, count(*) AS items
    FROM evidence
    GROUP BY subject
),
delivered AS (
    SELECT d.subject, max(d.done_on) AS last_on
    FROM delivery AS d
    WHERE NOT d.is_bulk
    GROUP BY d.subject
),
bulk AS (
    SELECT d.subject, count(*) FILTER (WHERE d.is_bulk) AS bulk_items, count(*) AS items
    FROM delivery AS d
    JOIN weeks AS w ON w.week = d.week
    GROUP BY d.subject
)
SELECT
    b.subject, nullif(b.due_on, DATE '9999-12-31') AS due_on, b.pace_of,
    coalesce(own.total, 0) AS total, coalesce(own.remaining, 0) AS remaining, coalesce(own.unmapped, 0) AS unmapped,
    coalesce(own_part.items, 0) AS own_part,
    coalesce(work.items, 0) AS queued, c.calendar, time_left.weeks AS weeks_left,
    -- working days since anything was finished at this pace
    today.before + today.works::INTEGER - last.before - last.works::INTEGER AS silent_days, delivered.last_on,
    coalesce(bulk.bulk_items, 0) AS bulk_items, coalesce(bulk.items, 0) AS window_items
FROM basis AS b
LEFT JOIN own ON own.subject = b.subject
LEFT JOIN own_part ON own_part.subject = b.subject
LEFT JOIN work ON work.subject = b.subject
LEFT JOIN delivered ON delivered.subject = b.pace_of
LEFT JOIN bulk ON bulk.subject = b.pace_of
CROSS JOIN moment
JOIN subject_calendar AS c ON c.subject = b.pace_of
JOIN working_day AS today ON today.calendar = c.calendar AND today.day = moment.today
LEFT JOIN working_day AS last ON last.calendar = c.calendar AND delivered.last_on IS NOT NULL
    AND last.day = greatest(delivered.last_on, (SELECT min(day) FROM calendar))
LEFT JOIN time_left ON time_left.subject = b.subject
ORDER BY b.subject
