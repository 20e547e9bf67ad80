-- The draw of each wave: the file with which it can be drawn again, the secret that the
-- numbers of its households come from, and its seal, which is published.
CREATE TABLE draws (
	wave     TEXT PRIMARY KEY,
	at       INTEGER NOT NULL,
	who      TEXT NOT NULL,
	file     BLOB NOT NULL,
	hash     TEXT NOT NULL,    -- SHA-256 of the file, in hexadecimal digits
	released INTEGER NOT NULL, -- replicates of the reserve
	method   INTEGER NOT NULL, -- household.Method, 0 when persons were drawn
	secret   BLOB NOT NULL,
	seal     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What binds the office to the random number of a household before it is listed.
ALTER TABLE cases ADD COLUMN commitment TEXT NOT NULL DEFAULT '';

CREATE INDEX selections ON events (wave) WHERE event ->> 'action' = 'select';

-- How far the log of each node was read for interviews of cases.
CREATE TABLE taken (
	node INTEGER PRIMARY KEY,
	seq  INTEGER NOT NULL
) STRICT;

-- Interviews that are asked about again. One is drawn once.
CREATE TABLE backchecks (
	wave       TEXT NOT NULL,
	id         TEXT NOT NULL,
	interview  TEXT NOT NULL,
	enumerator TEXT NOT NULL, -- who did the interview
	drawn      INTEGER NOT NULL,
	who        TEXT NOT NULL, -- drew it
	seed       INTEGER NOT NULL,
	done       INTEGER NOT NULL DEFAULT 0, -- 0: not done yet
	result     TEXT NOT NULL DEFAULT '',   -- JSON of fieldwork.BackCheck
	PRIMARY KEY (wave, id, interview)
) STRICT, WITHOUT ROWID;
