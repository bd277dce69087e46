-- How milestones changed before our eyes: no tracker tells it again.
SELECT * FROM unrecorded_interval
