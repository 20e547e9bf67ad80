-- What lists of cases are sorted by, so that they need not read the events.
ALTER TABLE cases ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN last INTEGER NOT NULL DEFAULT 0;        -- event; 0: none yet
ALTER TABLE cases ADD COLUMN appointment INTEGER NOT NULL DEFAULT 0; -- to be kept; 0: none
ALTER TABLE cases ADD COLUMN disposition TEXT NOT NULL DEFAULT '';   -- empty: to be worked out from progress
UPDATE cases SET attempts = coalesce(json_array_length(progress, '$.attempts'), 0),
	last = coalesce((SELECT unixepoch(event ->> 'at') FROM events e WHERE e.wave = cases.wave AND e.id = cases.id ORDER BY n DESC LIMIT 1), 0),
	appointment = CASE state WHEN 'appointment' THEN coalesce(unixepoch(progress ->> '$.attempts[#-1].appointment'), 0) ELSE 0 END;
CREATE INDEX cases_listed ON cases (wave, area, enumerator, state, attempts, last, appointment, disposition, stratum);
CREATE INDEX cases_without_disposition ON cases (disposition) WHERE disposition = '';
CREATE INDEX audit_refused ON audit (object) WHERE outcome = 'refused';
