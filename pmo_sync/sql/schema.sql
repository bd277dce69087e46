-- The mirror and the loaded record. Integer keys inside, source:id at the edges; UTC TIMESTAMP without zone.
-- No primary keys: uniqueness is kept by delete-and-insert in one transaction and checked by tests.

CREATE TABLE IF NOT EXISTS schema_version (version INTEGER);

-- which parts of the record this database was built from; a part that is not here has yet to be loaded
CREATE TABLE IF NOT EXISTS loaded (part VARCHAR);

-- every issue and milestone gets its integer here, once
CREATE SEQUENCE IF NOT EXISTS entity_sequence;
CREATE TABLE IF NOT EXISTS entity (entity INTEGER, entity_id VARCHAR);

CREATE TABLE IF NOT EXISTS project (
    project_id VARCHAR, source VARCHAR, key VARCHAR, name VARCHAR, url VARCHAR, is_archived BOOLEAN
);
CREATE TABLE IF NOT EXISTS status (status_id VARCHAR, source VARCHAR, name VARCHAR, category VARCHAR);
CREATE TABLE IF NOT EXISTS person (person_id VARCHAR, source VARCHAR, name VARCHAR);
-- pseudonyms nothing is taken in of, ever again; from the record
CREATE TABLE IF NOT EXISTS erased_person (person_id VARCHAR);

-- milestones as last seen; their own history is in history (field name, state, start_on, due_on, closed_on),
-- grown from snapshots, and known only since first_seen_at
CREATE TABLE IF NOT EXISTS milestone (
    milestone INTEGER, milestone_id VARCHAR, source VARCHAR, project_id VARCHAR, kind VARCHAR, name VARCHAR,
    state VARCHAR, start_on DATE, due_on DATE, closed_on DATE, url VARCHAR, first_seen_at TIMESTAMP,
    vanished_at TIMESTAMP  -- set when a complete catalogue no longer has it; its past stays
);

CREATE TABLE IF NOT EXISTS issue (
    issue INTEGER, issue_id VARCHAR, source VARCHAR, project_id VARCHAR, key VARCHAR, title VARCHAR, kind VARCHAR,
    level INTEGER, created_at TIMESTAMP, updated_at TIMESTAMP, url VARCHAR, is_confidential BOOLEAN,
    superseded VARCHAR,
    vanished_at TIMESTAMP, -- set when two censuses a day apart missed it; null while the tracker shows it
    fate VARCHAR           -- of the vanished: moved, archived, gone
);

-- one stay of one value; entity is an issue or a milestone. Ordered by field, then entity, when compacted
CREATE TABLE IF NOT EXISTS history (
    field VARCHAR, entity INTEGER, value VARCHAR, label VARCHAR, since TIMESTAMP, until TIMESTAMP
);

-- where each project's next pull resumes (null: at the beginning), written in the transaction of the pages it belongs to;
-- and the cursor that the pass under way began with, to go back to where a change of it could not be read
CREATE TABLE IF NOT EXISTS cursor (source VARCHAR, project_id VARCHAR, cursor VARCHAR, began_with VARCHAR);
-- what could not be read, by the tracker's key or our id, and in how many passes; no pass comes by what was passed over
CREATE TABLE IF NOT EXISTS unreadable (
    project_id VARCHAR, subject VARCHAR, what VARCHAR, passes INTEGER, is_passed_over BOOLEAN
);
-- what the census missed once: vanished only after a second miss; without a time: shown again, but not read since
CREATE TABLE IF NOT EXISTS missed (issue_id VARCHAR, missed_at TIMESTAMP);
-- what a census showed and no pull has brought, and in how many pulls so far: the second is worth a full reading
CREATE TABLE IF NOT EXISTS unread (issue_id VARCHAR, project_id VARCHAR, pulls INTEGER);
-- when each project was last read to its end, and when its ids were last compared one by one
CREATE TABLE IF NOT EXISTS compared (project_id VARCHAR, read_at TIMESTAMP, swept_at TIMESTAMP);

-- what the database knows and the record not yet: nothing here is lost by a kill between the two
CREATE TABLE IF NOT EXISTS unrecorded_interval (
    entity_id VARCHAR, field VARCHAR, value VARCHAR, label VARCHAR, since TIMESTAMP, until TIMESTAMP
);
CREATE TABLE IF NOT EXISTS unrecorded_milestone (milestone_id VARCHAR);
CREATE TABLE IF NOT EXISTS unrecorded_vanished (issue_id VARCHAR);
