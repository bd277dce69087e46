-- The calendars that forecasts go by: from which day on, on how many days a week work is usual, and of each day whether it
-- is worked and whether it is off though usually worked.
SELECT d.calendar, min(d.day) AS first_on, any_value(u.days) AS usual, list(d.works ORDER BY d.day) AS works,
    list(d.is_off ORDER BY d.day) AS is_off
FROM working_day AS d
JOIN usual_week AS u ON u.calendar = d.calendar
SEMI JOIN (SELECT calendar FROM subject_calendar) AS s ON s.calendar = d.calendar
GROUP BY d.calendar
ORDER BY d.calendar
