-- The order in which the cases last changed, so that whoever keeps figures of them reads
-- only what is new.
CREATE TABLE moves (
	wave TEXT NOT NULL,
	id   TEXT NOT NULL,
	n    INTEGER NOT NULL,
	PRIMARY KEY (wave, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX moves_in_order ON moves (n);
INSERT INTO moves (wave, id, n) SELECT wave, id, row_number() OVER (ORDER BY wave, last, id) FROM cases;
CREATE TRIGGER case_drawn AFTER INSERT ON cases BEGIN
	INSERT OR REPLACE INTO moves (wave, id, n) VALUES (NEW.wave, NEW.id, (SELECT coalesce(max(n), 0) + 1 FROM moves));
END;
CREATE TRIGGER case_changed AFTER UPDATE OF changes, weight ON cases BEGIN
	INSERT OR REPLACE INTO moves (wave, id, n) VALUES (NEW.wave, NEW.id, (SELECT coalesce(max(n), 0) + 1 FROM moves));
END;
