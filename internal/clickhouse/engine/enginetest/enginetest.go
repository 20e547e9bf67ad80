// Package enginetest starts the real ClickHouse engine for a test. A package
// whose tests need one imports it and calls Start: the test binary itself becomes
// the engine process.
package enginetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine"
)

// childVariable tells the test binary that it is the engine process.
const childVariable = "SUYANG_TEST_ENGINE"

func init() {
	if os.Getenv(childVariable) == "" {
		return
	}
	if err := engine.Run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Start starts an engine on an empty folder and ends it with the test.
func Start(t testing.TB) *engine.Engine {
	t.Helper()
	return StartIn(t, t.TempDir())
}

// StartIn starts an engine on a folder and ends it with the test.
func StartIn(t testing.TB, folder string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), Config(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close the engine: %v", err)
		}
	})
	return e
}

// Config is what StartIn starts, for tests that change it.
func Config(t testing.TB, folder string) engine.Config {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return engine.Config{
		Data: folder, Library: Library(t), Program: []string{program}, Env: []string{childVariable + "=1"},
	}
}

// Library is the path of libchdb: SUYANG_LIBCHDB, else bin/libchdb.so at the root
// of the module.
func Library(t testing.TB) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if parent := filepath.Dir(root); parent != root {
			root = parent
			continue
		}
		t.Fatal("no go.mod above the folder of the test")
	}
	path, err := engine.FindLibrary(filepath.Join(root, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
