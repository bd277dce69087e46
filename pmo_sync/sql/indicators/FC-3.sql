-- id = "FC-3"
-- name = "required_pace"
-- question = "How many items a week must be finished to make the date, and how many are?"
-- unit = "items"
-- units = { required = "items_per_week", actual = "items_per_week", best = "items_per_week", ratio = "ratio" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Arithmetic, no model. A week has the usual working days of the calendar of the subject: the date is so many of them away, and pace is that of the last 12 full weeks, days off left out, without bulk closures. A commitment with 12 weeks and 25 finished items of its own is measured by its own pace; any other by its project's, behind everything that project owes no later. The forecast reads the same CTEs."
-- gaming = "Moving items out of the milestone: read it beside the scope (SP-1)."
-- playbook = "pace"
-- used_by = ["forecast"]
WITH weeks AS (
    SELECT DISTINCT calendar.week
    FROM calendar
    CROSS JOIN moment
    WHERE calendar.week >= date_trunc('week', moment.today + 1)::DATE - 84
        AND calendar.week < date_trunc('week', moment.today + 1)::DATE
),
life AS (
    SELECT subject, local_day(min(since)) AS first_on
    FROM scope_history
    GROUP BY subject
),
finished AS (
    SELECT d.subject, d.week, count(*) AS items
    FROM delivery AS d
    JOIN weeks AS w ON w.week = d.week
    WHERE NOT d.is_bulk
    GROUP BY d.subject, d.week
),
commitment AS (
    -- open and dated promises, and what each finished itself
    SELECT
        s.subject, coalesce(s.parent, s.subject) AS parent, coalesce(s.due_on, DATE '9999-12-31') AS due_on,
        coalesce(sum(f.items), 0) AS own_items
    FROM subject AS s
    LEFT JOIN finished AS f ON f.subject = s.subject
    WHERE s.is_committed AND s.state = 'open'
    GROUP BY s.subject, s.parent, s.due_on
),
basis AS (
    -- whose pace counts
    SELECT
        c.subject, c.due_on,
        CASE
            WHEN c.own_items >= 25 AND life.first_on <= date_trunc('week', moment.today + 1)::DATE - 84 THEN c.subject
            ELSE c.parent
        END AS pace_of
    FROM commitment AS c
    CROSS JOIN moment
    LEFT JOIN life ON life.subject = c.subject
),
queue AS (
    -- what that pace must finish first: by due date; a past one that nobody works on holds nobody up
    SELECT b.subject, b.subject AS ahead
    FROM basis AS b
    UNION
    SELECT b.subject, c.subject
    FROM basis AS b
    CROSS JOIN moment
    JOIN commitment AS c ON c.parent = b.pace_of AND c.subject <> b.subject AND c.due_on <= b.due_on
    WHERE b.pace_of <> b.subject AND (c.due_on > moment.today OR c.own_items > 0)
),
evidence AS (
    SELECT DISTINCT q.subject, l.issue, 1.0 AS measure
    FROM queue AS q
    JOIN membership AS m ON m.subject = q.ahead
    JOIN work_item AS l ON l.issue = m.issue
    WHERE l.removed_at IS NULL AND l.done_at IS NULL
),
weekly AS (
    SELECT b.subject, w.week, coalesce(f.items, 0) AS items, work.days, work.usual
    FROM basis AS b
    JOIN life ON life.subject = b.pace_of
    JOIN subject_calendar AS c ON c.subject = b.pace_of
    JOIN weeks AS w ON w.week >= life.first_on
    JOIN work_week AS work ON work.calendar = c.calendar AND work.week = w.week
    LEFT JOIN finished AS f ON f.subject = b.pace_of AND f.week = w.week
)
-- reading
, work AS (
    SELECT e.subject, count(*) AS items, count(*) / any_value(l.weeks) AS required
    FROM evidence AS e
    JOIN time_left AS l ON l.subject = e.subject AND l.weeks > 0
    GROUP BY e.subject
),
pace AS (
    SELECT subject, sum(items) * any_value(usual) / nullif(sum(days), 0) AS actual, max(items) AS best, count(*) AS weeks
    FROM weekly
    GROUP BY subject
)
SELECT subject, 'required' AS part, required AS value, items AS sample FROM work
UNION ALL
SELECT subject, 'actual', actual, weeks FROM pace
UNION ALL
SELECT subject, 'best', best, weeks FROM pace
UNION ALL
SELECT work.subject, 'ratio', work.required / nullif(pace.actual, 0), pace.weeks
FROM work
JOIN pace ON pace.subject = work.subject
