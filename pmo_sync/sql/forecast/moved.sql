-- What became of a commitment's open items since open_then: came in (new, moved in or opened again), left without being
-- done, done. By the project whose team does or did it; of those that came or left the first $most, to be named.
WITH own AS (
    SELECT m.subject, m.issue, l.done_at IS NOT NULL AS is_done
    FROM membership AS m
    JOIN subject AS s ON s.subject = m.subject
    JOIN work_item AS l ON l.issue = m.issue
    WHERE s.is_committed AND s.state = 'open' AND l.removed_at IS NULL
),
moved AS (
    SELECT o.subject, o.issue, o.project, 'scope_in' AS cause
    FROM owed AS o
    ANTI JOIN open_then AS t ON t.subject = o.subject AND t.issue = o.issue
    UNION ALL
    SELECT t.subject, t.issue, t.project, CASE WHEN own.is_done THEN 'progress' ELSE 'scope_out' END
    FROM open_then AS t
    LEFT JOIN own ON own.subject = t.subject AND own.issue = t.issue
    WHERE own.issue IS NULL OR own.is_done
)
SELECT
    moved.subject, moved.project, moved.cause, count(*) AS items,
    list(
        {'key': i.key, 'title': i.title, 'url': i.url, 'is_confidential': i.is_confidential} ORDER BY i.key
    )[:$most] AS named
FROM moved
JOIN issue AS i ON i.issue = moved.issue
GROUP BY moved.subject, moved.project, moved.cause
ORDER BY moved.subject, moved.project, moved.cause
