-- The interviews of cases that came and count, unless another one does: several nodes may
-- take the same interview, another body of it, or another interview of the case.
CREATE TABLE arrivals (
	wave      TEXT NOT NULL,
	id        TEXT NOT NULL,    -- of the case
	interview TEXT NOT NULL,
	revision  INTEGER NOT NULL,
	hash      BLOB NOT NULL,    -- SHA-256 of the body
	finished  INTEGER NOT NULL, -- Unix milliseconds
	partial   INTEGER NOT NULL,
	PRIMARY KEY (wave, id, interview, revision, hash)
) STRICT, WITHOUT ROWID;
