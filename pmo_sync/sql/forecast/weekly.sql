-- The weeks a forecast draws from, oldest first: items finished at the pace that counts, the week's working days and how
-- many are usual, and the net change of the commitment's own work in the same week; null in weeks before its
-- scope_baseline. Follows the CTEs of FC-3.
, step AS (
    SELECT subject, since AS at, 1 AS change
    FROM scope_stay
    WHERE NOT joined_done
    UNION ALL
    SELECT subject, until, -1
    FROM scope_stay
    WHERE until IS NOT NULL AND NOT left_done
),
growth AS (
    SELECT step.subject, date_trunc('week', local_day(step.at))::DATE AS week, sum(step.change) AS net
    FROM step
    JOIN basis ON basis.subject = step.subject
    GROUP BY 1, 2
)
SELECT
    weekly.subject, weekly.week, weekly.items, weekly.days, weekly.usual,
    CASE WHEN weekly.week >= local_day(b.at) THEN coalesce(growth.net, 0)::BIGINT END AS net_added
FROM weekly
LEFT JOIN scope_baseline AS b ON b.subject = weekly.subject
LEFT JOIN growth ON growth.subject = weekly.subject AND growth.week = weekly.week
ORDER BY weekly.subject, weekly.week
