-- Issues of the project that the tracker's list, told(issue_id, changed_at), knows to have changed after what we hold, for
-- more than an hour before the pull of bound(began_at): no pass has come by. Not those that are known to be unreadable.
SELECT issue.issue_id
FROM told
JOIN issue ON issue.issue_id = told.issue_id
CROSS JOIN bound
ANTI JOIN unreadable AS u ON u.project_id = issue.project_id AND names_issue(u.subject, issue.issue_id, issue.source, issue.key)
WHERE issue.project_id = ? AND issue.vanished_at IS NULL AND told.changed_at > issue.updated_at + INTERVAL 1 SECOND
    AND told.changed_at < bound.began_at - INTERVAL 1 HOUR
