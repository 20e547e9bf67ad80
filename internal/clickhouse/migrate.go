package clickhouse

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/surveys"
)

// Each file is one statement that does no harm when it runs twice, because ClickHouse
// has no transaction around it and its record. A released file is never changed.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema; digest is the hash of its text.
type migration struct {
	name, text, digest string
}

// Migrate brings the tables to the present schema. Where it has been already, it
// does nothing.
func (s *Store) Migrate(ctx context.Context) error {
	steps, err := readMigrations(migrationFiles)
	if err != nil {
		return err
	}
	_, err = s.migrate(ctx, steps)
	return err
}

// migrate applies what is missing and says how many steps it did.
func (s *Store) migrate(ctx context.Context, steps []migration) (int, error) {
	if err := s.conn.Exec(ctx, statement("migrate")); err != nil {
		return 0, explain("migrate the store", err)
	}
	done, err := s.applied(ctx)
	if err != nil {
		return 0, err
	}
	if err := checkApplied(steps, done); err != nil {
		return 0, err
	}
	n := 0
	for _, m := range steps {
		if done[m.name] != "" {
			continue
		}
		if err := s.apply(ctx, m); err != nil {
			return n, explain("apply migration "+m.name, err)
		}
		n++
	}
	return n, nil
}

// applied returns the digests of the steps that were done, by name.
func (s *Store) applied(ctx context.Context) (map[string]string, error) {
	done := map[string]string{}
	err := s.query(ctx, "migrations", nil, func(rows driver.Rows) error {
		var name, digest string
		err := rows.Scan(&name, &digest)
		done[name] = digest
		return err
	})
	return done, explain("read the migrations of the store", err)
}

// apply does one step and then writes down that it was done.
func (s *Store) apply(ctx context.Context, m migration) error {
	if err := s.conn.Exec(ctx, m.text); err != nil {
		return err
	}
	return s.insert(ctx, "migrated", func(b driver.Batch) error { return b.Append(m.name, m.digest) })
}

// checkApplied refuses a store that was made by other files than ours.
func checkApplied(steps []migration, done map[string]string) error {
	known := map[string]bool{}
	for _, m := range steps {
		known[m.name] = true
		if d := done[m.name]; d != "" && d != m.digest {
			return fmt.Errorf("%w: migration %s was applied to this store with another text; restore the released file and put the change into a new one", surveys.ErrConflict, m.name)
		}
	}
	for name := range done {
		if !known[name] {
			return fmt.Errorf("%w: this store has had migration %s, which this program does not know; use the newer program", surveys.ErrConflict, name)
		}
	}
	return nil
}

// readMigrations reads the files in the order of their names.
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]migration, len(names))
	for i, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		steps[i] = migration{path.Base(name), string(text), hex.EncodeToString(sum[:])}
	}
	return steps, nil
}
