-- work_item: the leaves that are work (not risks, decisions, ...): what progress, pace and scope count.
CREATE OR REPLACE TEMP VIEW work_item AS
SELECT * EXCLUDE (role, is_leaf)
FROM lifecycle
WHERE role = 'work' AND is_leaf;
