-- Numbers in the journals of tablets that the office goes on without.
CREATE TABLE given_up (
	device  TEXT NOT NULL REFERENCES devices (id),
	at      INTEGER NOT NULL,
	who     TEXT NOT NULL,
	reason  TEXT NOT NULL,
	numbers TEXT NOT NULL -- JSON of ranges, from and to
) STRICT;
CREATE INDEX given_up_by_device ON given_up (device);
