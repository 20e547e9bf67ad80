-- The frames that were drawn from, by the SHA-256 of the file.
CREATE TABLE frames (
	hash    TEXT PRIMARY KEY,
	name    TEXT NOT NULL,
	at      INTEGER NOT NULL,
	who     TEXT NOT NULL,
	content BLOB NOT NULL -- the file, packed by gzip
) STRICT;
