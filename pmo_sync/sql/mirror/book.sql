-- Booked times, incoming_worklog, beside what is known of others; removed(id) are gone; page(source, cursor), one row.
DELETE FROM worklog USING incoming_worklog AS n WHERE worklog.worklog_id = n.worklog_id;
DELETE FROM worklog USING removed WHERE worklog.worklog_id = removed.id;
INSERT INTO worklog SELECT DISTINCT ON (worklog_id) * FROM incoming_worklog;
DELETE FROM worklog_cursor USING page WHERE worklog_cursor.source = page.source;
INSERT INTO worklog_cursor SELECT source, cursor FROM page;
