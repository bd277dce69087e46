-- Milestones as last seen: one that vanishes, be it while there is no database, stays in its issues' past.
SELECT milestone.* EXCLUDE (milestone)
FROM milestone
SEMI JOIN unrecorded_milestone USING (milestone_id)
