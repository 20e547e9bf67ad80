// Package enginetest starts the real ClickHouse engine for a test. A package
// whose tests need one imports it and calls Start: the test binary itself becomes
// the engine process.
package enginetest

import (
	"context"
	"fmt"
	"log/slog"
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
	c, err := Config(folder)
	if err != nil {
		t.Fatal(err)
	}
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	e, err := engine.Start(t.Context(), c)
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
func Config(folder string) (engine.Config, error) {
	program, err := os.Executable()
	if err != nil {
		return engine.Config{}, err
	}
	library, err := library()
	return engine.Config{
		Data: folder, Library: library, Program: []string{program}, Env: []string{childVariable + "=1"},
	}, err
}

// library is the path of libchdb: SUYANG_LIBCHDB, else bin/libchdb.so at the root
// of the module.
func library() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return engine.FindLibrary(filepath.Join(folder, "bin"))
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return engine.FindLibrary("")
		}
		folder = parent
	}
}
