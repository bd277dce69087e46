-- delivery: finished work of each subject. Of a day on which a tracker project closed more than ten items and more
-- than six times its usual (the median of its days with closures in the 180 days before, where there were ten such days),
-- the items beyond that are bulk.
CREATE OR REPLACE TEMP TABLE delivery AS
WITH finished AS (
    SELECT
        issue, project_id, local_day(done_at) AS done_on,
        row_number() OVER (PARTITION BY project_id, local_day(done_at) ORDER BY done_at, issue) AS place
    FROM work_item
    WHERE done_at IS NOT NULL
),
daily AS (
    SELECT project_id, done_on, count(*) AS items
    FROM finished
    GROUP BY project_id, done_on
),
cap AS (
    SELECT
        d.project_id, d.done_on,
        CASE WHEN count(before.items) >= 10 THEN greatest(10, 6 * percentile(before.items, 0.5)) ELSE 10 END AS items
    FROM daily AS d
    LEFT JOIN daily AS before ON before.project_id = d.project_id AND before.done_on < d.done_on
        AND before.done_on >= d.done_on - 180
    WHERE d.items > 10
    GROUP BY d.project_id, d.done_on
)
SELECT
    m.subject, f.issue, f.done_on, date_trunc('week', f.done_on)::DATE AS week,
    coalesce(f.place > cap.items, FALSE) AS is_bulk
FROM finished AS f
JOIN membership AS m ON m.issue = f.issue
LEFT JOIN cap ON cap.project_id = f.project_id AND cap.done_on = f.done_on;
