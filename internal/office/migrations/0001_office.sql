-- Who signs in.
CREATE TABLE accounts (
	login        TEXT PRIMARY KEY,
	name         TEXT NOT NULL,
	role         TEXT NOT NULL,
	area         TEXT NOT NULL,
	disabled     INTEGER NOT NULL DEFAULT 0,
	created      INTEGER NOT NULL,            -- Unix seconds, as all times here
	password     TEXT NOT NULL DEFAULT '',    -- a hash; empty: nobody can sign in
	failed       INTEGER NOT NULL DEFAULT 0,  -- wrong passwords since the last right one
	locked_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
	hash    BLOB PRIMARY KEY, -- of the token; the token itself is not stored
	login   TEXT NOT NULL REFERENCES accounts (login),
	created INTEGER NOT NULL,
	seen    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_login ON sessions (login);

-- The cases of the waves, each where its events have brought it.
CREATE TABLE cases (
	wave       TEXT NOT NULL,
	id         TEXT NOT NULL,
	stratum    TEXT NOT NULL,
	psu        TEXT NOT NULL,
	area       TEXT NOT NULL,  -- code of the division it lies in, in short form
	weight     REAL NOT NULL,
	columns    TEXT NOT NULL,  -- JSON: the other columns of the sample
	state      TEXT NOT NULL,
	enumerator TEXT NOT NULL DEFAULT '',
	changes    INTEGER NOT NULL DEFAULT 0, -- how many events there were: who changes it says which it saw
	progress   TEXT NOT NULL,  -- JSON of fieldwork.Progress
	PRIMARY KEY (wave, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX cases_by_area ON cases (wave, area);
CREATE INDEX cases_by_enumerator ON cases (enumerator, wave);
CREATE INDEX cases_by_state ON cases (wave, state);

CREATE TABLE events (
	wave  TEXT NOT NULL,
	id    TEXT NOT NULL,
	n     INTEGER NOT NULL, -- from 1 for each case
	event TEXT NOT NULL,    -- JSON of fieldwork.Event
	PRIMARY KEY (wave, id, n)
) STRICT, WITHOUT ROWID;

-- What was done, or refused, that somebody may have to answer for.
CREATE TABLE audit (
	n       INTEGER PRIMARY KEY,
	at      INTEGER NOT NULL,
	who     TEXT NOT NULL,
	action  TEXT NOT NULL,
	object  TEXT NOT NULL,
	outcome TEXT NOT NULL
) STRICT;
