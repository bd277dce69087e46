-- The calendar of the portfolio and of each project: its days off, of what is usually worked, 12 weeks back and 12 ahead,
-- and how many usual weeks of working days the next four weeks hold.
WITH around AS (
    SELECT
        d.calendar,
        list(d.day ORDER BY d.day) FILTER (WHERE d.is_off AND d.day <= moment.today) AS off_before,
        list(d.day ORDER BY d.day) FILTER (WHERE d.is_off AND d.day > moment.today) AS off_ahead,
        count(*) FILTER (WHERE d.works AND d.day > moment.today AND d.day <= moment.today + 28) / any_value(u.days) AS next_weeks
    FROM working_day AS d
    CROSS JOIN moment
    JOIN usual_week AS u ON u.calendar = d.calendar
    WHERE d.day > moment.today - 84 AND d.day <= moment.today + 84
    GROUP BY d.calendar
)
SELECT c.subject, c.calendar, coalesce(a.off_before, []), coalesce(a.off_ahead, []), a.next_weeks
FROM subject_calendar AS c
JOIN subject AS s ON s.subject = c.subject AND s.kind IN ('portfolio', 'project')
JOIN around AS a ON a.calendar = c.calendar
ORDER BY c.subject
