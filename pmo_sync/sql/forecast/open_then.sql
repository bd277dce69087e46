-- open_then: the open items of every open commitment at the moment the tables are cut at, kept for a later cut.
CREATE OR REPLACE TEMP TABLE open_then AS
SELECT subject, issue, project
FROM owed;
