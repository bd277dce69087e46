-- flow: every stay of an issue in one of our categories, cut at as_of. An issue was superseded by the closing that still
-- holds: until then, and in earlier stays in done, nobody knew.
CREATE OR REPLACE TEMP TABLE flow AS
WITH stay AS (
    SELECT
        h.entity AS issue,
        CASE
            WHEN m.category = 'done' AND e.superseded <> '' AND h.until IS NULL THEN 'canceled' ELSE m.category
        END AS category,
        h.since,
        CASE WHEN h.until < moment.as_of THEN h.until END AS until
    FROM history AS h
    JOIN existing AS e ON e.issue = h.entity
    JOIN status_meaning AS m ON m.value = h.value AND m.label = h.label
    CROSS JOIN moment
    WHERE h.field = 'status' AND h.since < moment.as_of
),
refusal AS (
    -- while an issue had a resolution by which nothing was delivered
    SELECT h.entity AS issue, h.since, CASE WHEN h.until < moment.as_of THEN h.until END AS until
    FROM history AS h
    JOIN existing AS e ON e.issue = h.entity
    JOIN canceled_resolution AS c ON c.source = e.source AND c.name = lower(trim(h.label))
    CROSS JOIN moment
    WHERE h.field = 'resolution' AND h.since < moment.as_of
),
refused_stay AS (
    -- stays in done during some of which that was so
    SELECT stay.issue, stay.since, stay.until
    FROM stay
    WHERE stay.category = 'done'
        AND EXISTS (
            SELECT 1
            FROM refusal AS r
            WHERE r.issue = stay.issue AND (stay.until IS NULL OR r.since < stay.until)
                AND (r.until IS NULL OR r.until > stay.since)
        )
),
cut AS (
    SELECT issue, since, until, since AS moment FROM refused_stay
    UNION
    SELECT s.issue, s.since, s.until, r.since
    FROM refused_stay AS s
    JOIN refusal AS r ON r.issue = s.issue AND r.since > s.since AND (s.until IS NULL OR r.since < s.until)
    UNION
    SELECT s.issue, s.since, s.until, r.until
    FROM refused_stay AS s
    JOIN refusal AS r ON r.issue = s.issue AND r.until > s.since AND (s.until IS NULL OR r.until < s.until)
),
part AS (
    SELECT
        issue, moment AS since, coalesce(lead(moment) OVER (PARTITION BY issue, since ORDER BY moment), until) AS until
    FROM cut
),
piece AS (
    SELECT s.issue, s.category, s.since, s.until
    FROM stay AS s
    ANTI JOIN refused_stay AS r ON r.issue = s.issue AND r.since = s.since
    UNION ALL
    SELECT p.issue, CASE WHEN r.issue IS NULL THEN 'done' ELSE 'canceled' END, p.since, p.until
    FROM part AS p
    LEFT JOIN refusal AS r ON r.issue = p.issue AND r.since <= p.since AND (r.until IS NULL OR r.until > p.since)
),
-- equal neighbours become one stay
beside AS (
    SELECT
        issue, category, since,
        lag(category) OVER earlier AS category_before,
        lag(until) OVER earlier AS until_before,
        last_value(until) OVER (
            PARTITION BY issue ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS last_until
    FROM piece
    WINDOW earlier AS (PARTITION BY issue ORDER BY since)
),
first_of_stay AS (
    SELECT *
    FROM beside
    WHERE category_before IS NULL OR category_before <> category OR until_before <> since
)
SELECT
    issue, category, since,
    CASE
        WHEN row_number() OVER later = 1 THEN last_until
        ELSE lag(until_before) OVER later
    END AS until
FROM first_of_stay
WINDOW later AS (PARTITION BY issue ORDER BY since DESC);
