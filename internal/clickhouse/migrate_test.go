package clickhouse

import (
	"testing"
	"testing/fstest"

	"github.com/suyang-survey/suyang/surveys"
)

func TestMigrate(t *testing.T) {
	s := openBare(t)
	steps, err := readMigrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) == 0 {
		t.Fatal("there are no migrations")
	}
	migrate := func(name string, steps []migration, want int) {
		t.Helper()
		n, err := s.migrate(t.Context(), steps)
		if err != nil || n != want {
			t.Errorf("%s: migrate() = %d, %v, want %d steps", name, n, err, want)
		}
	}
	migrate("half of the way", steps[:2], 2)
	migrate("the rest", steps, len(steps)-2)
	migrate("again", steps, 0)
}

func TestMigrateRefusesOtherFiles(t *testing.T) {
	s := openBare(t)
	read := func(text string) []migration {
		t.Helper()
		steps, err := readMigrations(fstest.MapFS{"migrations/0001_a.sql": {Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return steps
	}
	released := read("CREATE TABLE IF NOT EXISTS a (x Int32) ENGINE = MergeTree ORDER BY x")
	if _, err := s.migrate(t.Context(), released); err != nil {
		t.Fatal(err)
	}
	_, err := s.migrate(t.Context(), read("CREATE TABLE IF NOT EXISTS a (x Int64) ENGINE = MergeTree ORDER BY x"))
	wantError(t, err, surveys.ErrConflict, "0001_a.sql", "restore")
	_, err = s.migrate(t.Context(), nil)
	wantError(t, err, surveys.ErrConflict, "0001_a.sql", "newer program")
}
