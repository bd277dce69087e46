-- The weeks a forecast draws from, oldest first: items finished at the pace that counts, and the net change of the
-- commitment's own scope in the same week, from its baseline (SP-1) on. Follows the CTEs of FC-3.
, stay AS (
    SELECT h.subject, h.since, least(h.until, l.removed_at) AS until
    FROM scope_history AS h
    JOIN basis AS b ON b.subject = h.subject
    JOIN work_item AS l ON l.issue = h.issue
),
baseline AS (
    SELECT subject, min(since) + INTERVAL 7 DAY AS at
    FROM stay
    GROUP BY subject
),
step AS (
    SELECT subject, since AS at, 1 AS change FROM stay
    UNION ALL
    SELECT subject, until, -1 FROM stay WHERE until IS NOT NULL
),
growth AS (
    SELECT step.subject, date_trunc('week', local_day(step.at))::DATE AS week, sum(step.change) AS net
    FROM step
    JOIN baseline ON baseline.subject = step.subject AND step.at >= baseline.at
    GROUP BY 1, 2
)
SELECT weekly.subject, weekly.week, weekly.items, coalesce(growth.net, 0)::BIGINT AS net_added
FROM weekly
LEFT JOIN growth ON growth.subject = weekly.subject AND growth.week = weekly.week
ORDER BY weekly.subject, weekly.week
