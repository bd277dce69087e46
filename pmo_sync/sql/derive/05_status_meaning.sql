-- status_meaning: every status that ever was, with the name it has or had, in our categories: the configuration's word
-- over the tracker's.
CREATE OR REPLACE TEMP TABLE status_meaning AS
WITH spelling AS (
    SELECT DISTINCT h.value, h.label, coalesce(s.source, split_part(h.value, ':', 1)) AS source, s.name, s.category
    FROM history AS h
    LEFT JOIN status AS s ON s.status_id = h.value
    WHERE h.field = 'status'
)
SELECT
    w.value, w.label, coalesce(w.name, w.label) AS name,
    coalesce(now_named.category, then_named.category, w.category, 'unmapped') AS category
FROM spelling AS w
LEFT JOIN status_map AS now_named ON now_named.source = w.source AND now_named.name = lower(trim(w.name))
LEFT JOIN status_map AS then_named ON then_named.source = w.source AND then_named.name = lower(trim(w.label));
