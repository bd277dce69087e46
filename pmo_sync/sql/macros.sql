-- Words the other files use, made for each connection. Another engine brings its own.

-- exact and interpolated; never the engine's approximate one
CREATE OR REPLACE TEMP MACRO percentile(x, p) AS quantile_cont(x, p);

-- a day as trackers write it; null where it is none, or one no calendar here has
CREATE OR REPLACE TEMP MACRO as_day(x) AS
    CASE WHEN try_cast(x AS DATE) BETWEEN DATE '0001-01-01' AND DATE '9998-12-31' THEN try_cast(x AS DATE) END;

-- whether a problem's subject names an issue: as its key, or as its id where the key may not be told or is not known
-- (123, id 123, group/app: id 123)
CREATE OR REPLACE TEMP MACRO names_issue(subject, issue_id, source, key) AS
    subject IN (issue_id, key, substr(issue_id, length(source) + 2), 'id ' || substr(issue_id, length(source) + 2))
    OR ends_with(subject, ': id ' || substr(issue_id, length(source) + 2));

-- two ways to write one issue's address are one address
CREATE OR REPLACE TEMP MACRO address(url) AS
    rtrim(replace(regexp_replace(url, '[?#].*$', ''), '/-/work_items/', '/-/issues/'), '/');

-- the seconds of working days that are over at a moment, of a day with so many working days before it; in local time
-- (tables.prepare says whose), a day of 25 hours as one of 24
CREATE OR REPLACE TEMP MACRO worked(before, works, stamp) AS
    before * 86400 + CASE WHEN works THEN date_diff('second', date_trunc('day', local_time(stamp)), local_time(stamp)) ELSE 0 END;
