-- subject_calendar, issue_calendar: whose days count. A project goes by the calendar of its teams (`teams` of the
-- configuration) where they all have the same; any other by the PMO's, 0. A milestone or epic goes by its project's, an
-- issue by that of its projects where they agree, else by the PMO's. Of issues those that have another than the PMO's.
CREATE OR REPLACE TEMP TABLE subject_calendar AS
WITH own AS (
    SELECT project, min(calendar) AS calendar
    FROM project_team
    GROUP BY project
    HAVING count(DISTINCT calendar) = 1
)
SELECT s.subject, coalesce(own.calendar, 0) AS calendar
FROM subject AS s
LEFT JOIN own ON CASE WHEN s.kind = 'project' THEN s.subject ELSE s.parent END = 'project:' || own.project;

CREATE OR REPLACE TEMP TABLE issue_calendar AS
WITH own AS (
    SELECT m.issue, m.project, c.calendar
    FROM project_member AS m
    JOIN subject_calendar AS c ON c.subject = 'project:' || m.project AND c.calendar <> 0
)
SELECT own.issue, min(own.calendar) AS calendar
FROM own
ANTI JOIN (
    SELECT m.issue
    FROM project_member AS m
    JOIN subject_calendar AS c ON c.subject = 'project:' || m.project AND c.calendar = 0
) AS shared ON shared.issue = own.issue
GROUP BY own.issue
HAVING count(DISTINCT own.calendar) = 1;

-- work_week: the working days of every week, and how many are usual.
CREATE OR REPLACE TEMP TABLE work_week AS
SELECT d.calendar, calendar.week, count(*) FILTER (WHERE d.works) AS days, any_value(u.days) AS usual
FROM working_day AS d
JOIN calendar ON calendar.day = d.day
JOIN usual_week AS u ON u.calendar = d.calendar
GROUP BY d.calendar, calendar.week;

-- time_left: weeks of working days from the end of today to the end of a subject's due date; none where it has passed.
-- Beyond the calendar all days are usual.
CREATE OR REPLACE TEMP TABLE time_left AS
WITH reach AS (
    SELECT max(day) AS last FROM calendar
)
SELECT
    s.subject,
    (due.before + due.works::INTEGER - now.before - now.works::INTEGER) / u.days
        + greatest(0, s.due_on - reach.last) / 7 AS weeks
FROM subject AS s
CROSS JOIN moment
CROSS JOIN reach
JOIN subject_calendar AS c ON c.subject = s.subject
JOIN usual_week AS u ON u.calendar = c.calendar
JOIN working_day AS now ON now.calendar = c.calendar AND now.day = moment.today
JOIN working_day AS due ON due.calendar = c.calendar AND due.day = least(s.due_on, reach.last)
WHERE s.due_on > moment.today;
