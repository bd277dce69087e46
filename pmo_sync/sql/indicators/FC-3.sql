-- id = "FC-3"
-- name = "required_pace"
-- question = "How many items a week must be finished to make the date, and how many are?"
-- unit = "items"
-- units = { required = "items_per_week", actual = "items_per_week", best = "items_per_week", ratio = "ratio" }
-- direction = "lower"
-- minimum_sample = 1
-- source = "Arithmetic, no model. A week has the usual working days of the calendar of the subject: the date is so many of them away, and pace is that of the last 12 full weeks, days off left out, without bulk closures. A commitment with 12 weeks and 25 finished items of its own is measured by its own pace; any other by its project's, behind everything that project owes no later; one whose items lie in several projects by its own project's, with the items that lie there. The forecast reads the same CTEs."
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
part AS (
    -- the projects a commitment's open items lie in
    SELECT subject, project, count(*) AS items
    FROM owed
    GROUP BY subject, project
),
lead_part AS (
    -- the one that its pace is taken from: its own while anything is open there, else the one with most of the work
    SELECT
        c.subject, count(*) AS parts,
        CASE WHEN bool_or(p.project = c.parent) THEN c.parent ELSE arg_max(p.project, (p.items, p.project)) END AS project
    FROM commitment AS c
    JOIN part AS p ON p.subject = c.subject
    GROUP BY c.subject, c.parent
),
basis AS (
    -- whose pace counts; several teams have no common one
    SELECT
        c.subject, c.due_on,
        CASE
            WHEN c.own_items >= 25 AND coalesce(l.parts, 1) = 1
                AND life.first_on <= date_trunc('week', moment.today + 1)::DATE - 84 THEN c.subject
            ELSE coalesce(l.project, c.parent)
        END AS pace_of
    FROM commitment AS c
    CROSS JOIN moment
    LEFT JOIN life ON life.subject = c.subject
    LEFT JOIN lead_part AS l ON l.subject = c.subject
),
queue AS (
    -- what the pace of a project must finish, by due date; a past one that nobody works on holds nobody up
    SELECT o.project, o.issue, c.due_on
    FROM owed AS o
    JOIN commitment AS c ON c.subject = o.subject
    CROSS JOIN moment
    WHERE c.due_on > moment.today OR c.own_items > 0
),
evidence AS (
    -- its own items that this pace must finish, and what must be first
    SELECT b.subject, o.issue, 1.0 AS measure
    FROM basis AS b
    JOIN owed AS o ON o.subject = b.subject AND b.pace_of IN (b.subject, o.project)
    UNION
    SELECT b.subject, q.issue, 1.0
    FROM basis AS b
    JOIN queue AS q ON q.project = b.pace_of AND q.due_on <= b.due_on
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
