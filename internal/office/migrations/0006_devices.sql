-- Tokens with which tablets are enrolled, each once.
CREATE TABLE enrolments (
	hash    BLOB PRIMARY KEY, -- of the token; the token itself is not stored
	login   TEXT NOT NULL REFERENCES accounts (login), -- the enumerator
	who     TEXT NOT NULL,    -- made it
	made    INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	device  TEXT NOT NULL DEFAULT '' -- that used it; empty: none did yet
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
	id       TEXT PRIMARY KEY,
	login    TEXT NOT NULL REFERENCES accounts (login), -- the enumerator
	name     TEXT NOT NULL,
	secret   BLOB NOT NULL,    -- a hash
	enrolled INTEGER NOT NULL,
	revoked  INTEGER NOT NULL DEFAULT 0,  -- 0: it is not
	reason   TEXT NOT NULL DEFAULT '',    -- why it was revoked
	contact  INTEGER NOT NULL DEFAULT 0,  -- when it was last heard of
	report   TEXT NOT NULL DEFAULT '',    -- JSON of office.DeviceReport, the last one
	carried  INTEGER NOT NULL DEFAULT 0   -- events of its journal that were carried out
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_login ON devices (login);

-- The cases that a tablet was ever given: what it brings of them is taken, whoever has them
-- by then.
CREATE TABLE given (
	device TEXT NOT NULL REFERENCES devices (id),
	wave   TEXT NOT NULL,
	id     TEXT NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (device, wave, id)
) STRICT, WITHOUT ROWID;

-- What tablets brought and could not be done.
CREATE TABLE held (
	device    TEXT NOT NULL REFERENCES devices (id),
	seq       INTEGER NOT NULL, -- in the journal of the device
	wave      TEXT NOT NULL,
	id        TEXT NOT NULL,
	action    TEXT NOT NULL,
	why       TEXT NOT NULL,
	detail    TEXT NOT NULL,
	at        INTEGER NOT NULL, -- when it came to be held
	event     TEXT NOT NULL,    -- JSON of fieldwork.Event
	dismissed INTEGER NOT NULL DEFAULT 0, -- 0: it waits for somebody to look at it
	who       TEXT NOT NULL DEFAULT '',   -- dismissed it
	reason    TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (device, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX relistings ON events (wave) WHERE event ->> 'action' = 'relist';
