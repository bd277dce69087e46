-- scope_stay: while an item counted in a milestone or epic: in it, and not given up. Whether it was done when it joined,
-- and when it left: then neither made the work more or less.
CREATE OR REPLACE TEMP TABLE scope_stay AS
SELECT
    h.subject, h.issue, h.since, least(h.until, l.removed_at) AS until,
    coalesce(l.done_at <= h.since, FALSE) AS joined_done,
    coalesce(l.done_at <= h.until, FALSE) AS left_done
FROM scope_history AS h
JOIN subject AS s ON s.subject = h.subject AND s.kind IN ('milestone', 'epic')
JOIN work_item AS l ON l.issue = h.issue
WHERE l.removed_at IS NULL OR l.removed_at > h.since;

-- scope_baseline: the moment a date was last approved; where none was, or nothing was in it by then, seven days after the
-- fifth item joined: one placeholder is no plan, and filling a new milestone no growth.
CREATE OR REPLACE TEMP TABLE scope_baseline AS
WITH joined AS (
    SELECT subject, issue, min(since) AS since
    FROM scope_stay
    GROUP BY subject, issue
)
SELECT j.subject, coalesce(any_value(b.approved_at), min(j.since, 5)[5] + INTERVAL 7 DAY) AS at
FROM joined AS j
LEFT JOIN baseline AS b ON b.subject = j.subject AND b.approved_at > j.since
GROUP BY j.subject
HAVING count(*) >= 5 OR count(b.subject) > 0;
