-- What tables of progress and rates need, so that they read neither whole cases nor all
-- events.
ALTER TABLE cases ADD COLUMN substitute INTEGER NOT NULL DEFAULT 0; -- 1: it took the place of a drawn case
ALTER TABLE cases ADD COLUMN interview TEXT NOT NULL DEFAULT ''; -- the one that stands; empty: none does
ALTER TABLE cases ADD COLUMN day TEXT NOT NULL DEFAULT ''; -- of the last event, in China; empty: there was none
UPDATE cases SET substitute = coalesce(columns ->> 'substitute', '') <> '', interview = coalesce(progress ->> 'interview', ''),
	day = coalesce((SELECT date(event ->> 'at', '+8 hours') FROM events e
	WHERE e.wave = cases.wave AND e.id = cases.id ORDER BY n DESC LIMIT 1), '');
CREATE INDEX cases_for_tallies ON cases (wave, area, stratum, enumerator, state, disposition, day, substitute, weight);
CREATE INDEX cases_interviewed ON cases (wave, area, enumerator, interview, id) WHERE interview <> '';

-- What happened on each day: attempts, and the changes of the numbers of cases that are
-- done, have an interview that stands, and are approved.
CREATE TABLE daily (
	wave       TEXT NOT NULL,
	area       TEXT NOT NULL,
	enumerator TEXT NOT NULL,
	day        TEXT NOT NULL, -- in China
	what       TEXT NOT NULL,
	n          INTEGER NOT NULL,
	PRIMARY KEY (wave, area, enumerator, day, what)
) STRICT, WITHOUT ROWID;

INSERT INTO daily (wave, area, enumerator, day, what, n)
WITH acts AS (
	SELECT wave, id, e.n, area, enumerator, date(event ->> 'at', '+8 hours') AS day, event ->> 'action' AS action
	FROM events e JOIN cases USING (wave, id)
), ends AS (
	SELECT *, lag(action) OVER (PARTITION BY wave, id ORDER BY n) AS last FROM acts
	WHERE action IN ('submit', 'close', 'reject', 'reopen')
), interviews AS (
	SELECT *, lag(action) OVER (PARTITION BY wave, id ORDER BY n) AS last FROM acts
	WHERE action IN ('submit', 'reject')
), reviews AS ( -- passed is how many reviews had been passed since the interview before came
	SELECT *, sum(action <> 'approve') OVER (PARTITION BY wave, id ORDER BY n) AS turn FROM acts
	WHERE action IN ('submit', 'reject', 'approve')
), passes AS (
	SELECT *, row_number() OVER (PARTITION BY wave, id, turn ORDER BY n) - 1 AS passed FROM reviews
), turns AS (
	SELECT *, lag(passed) OVER (PARTITION BY wave, id ORDER BY n) AS before FROM passes
), moves AS (
	SELECT wave, area, enumerator, day, 'attempt' AS what, 1 AS n FROM acts WHERE action = 'attempt'
	UNION ALL SELECT wave, area, enumerator, day, 'done', iif(action IN ('submit', 'close'), 1, -1) FROM ends
		WHERE (action IN ('submit', 'close')) <> (coalesce(last, '') IN ('submit', 'close'))
	UNION ALL SELECT wave, area, enumerator, day, 'interview', iif(action = 'submit', 1, -1) FROM interviews
		WHERE (action = 'submit') <> (coalesce(last, '') = 'submit')
	UNION ALL SELECT wave, area, enumerator, day, 'approved', iif(action = 'approve', 1, -1) FROM turns
		WHERE passed = 2 OR passed = 0 AND before = 2
)
SELECT wave, area, enumerator, day, what, sum(n) FROM moves GROUP BY 1, 2, 3, 4, 5;
