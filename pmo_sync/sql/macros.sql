-- Words the other files use, made for each connection. Another engine brings its own.

-- exact and interpolated; never the engine's approximate one
CREATE OR REPLACE TEMP MACRO percentile(x, p) AS quantile_cont(x, p);

-- a day as trackers write it; null where it is none, or one no calendar here has
CREATE OR REPLACE TEMP MACRO as_day(x) AS
    CASE WHEN try_cast(x AS DATE) BETWEEN DATE '0001-01-01' AND DATE '9998-12-31' THEN try_cast(x AS DATE) END;

-- two ways to write one issue's address are one address
CREATE OR REPLACE TEMP MACRO address(url) AS
    rtrim(replace(regexp_replace(url, '[?#].*$', ''), '/-/work_items/', '/-/issues/'), '/');
