-- Words the other files use, made for each connection. Another engine brings its own.

-- exact and interpolated; never the engine's approximate one
CREATE OR REPLACE TEMP MACRO percentile(x, p) AS quantile_cont(x, p);

-- two ways to write one issue's address are one address
CREATE OR REPLACE TEMP MACRO address(url) AS
    rtrim(replace(regexp_replace(url, '[?#].*$', ''), '/-/work_items/', '/-/issues/'), '/');
