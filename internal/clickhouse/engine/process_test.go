package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
)

// pid reads which process holds the data folder.
func pid(t *testing.T, folder string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, "engine.lock"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// await waits until the condition holds. The minute is for a machine that is
// busy with something else.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func isAlive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil {
		_, state, _ := strings.Cut(string(b), ") ")
		return !strings.HasPrefix(state, "Z") // a zombie only waits for its parent
	}
	return !errors.Is(err, os.ErrNotExist) && syscall.Kill(pid, 0) == nil
}

func TestAKilledEngineIsReplacedAndKeepsItsData(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGSEGV} {
		t.Run(signal.String(), func(t *testing.T) {
			folder := t.TempDir()
			c := connect(t, enginetest.StartIn(t, folder))
			exec(t, c, "CREATE TABLE kept (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS fsync_after_insert = 1, fsync_part_directory = 1")
			exec(t, c, "INSERT INTO kept VALUES (1), (2), (3)")
			first := pid(t, folder)
			if err := syscall.Kill(first, signal); err != nil {
				t.Fatal(err)
			}
			await(t, "the engine answers again", func() bool {
				return c.Ping(t.Context()) == nil && pid(t, folder) != first
			})
			check(t, "rows", value[uint64](t, c, "SELECT count() FROM kept"), 3)
		})
	}
}

func TestDataOutliveTheEngine(t *testing.T) {
	folder := t.TempDir()
	e := enginetest.StartIn(t, folder)
	c := connect(t, e)
	exec(t, c, "CREATE DATABASE wave")
	exec(t, c, "CREATE TABLE wave.kept (id UInt64) ENGINE = MergeTree ORDER BY id")
	exec(t, c, "INSERT INTO wave.kept VALUES (1)")
	child := pid(t, folder)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, "alive after Close", isAlive(child), false)
	check(t, "Err after Close", e.Err(), nil)
	check(t, "rows", value[uint64](t, connect(t, enginetest.StartIn(t, folder)), "SELECT count() FROM wave.kept"), 1)
}

func TestASecondEngineOnTheFolderIsRefused(t *testing.T) {
	c, err := enginetest.Config(folder)
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.Start(t.Context(), c)
	want := fmt.Sprintf("the data folder %s is in use by another engine (process %d); stop that one or choose another folder", folder, pid(t, folder))
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
}

// After a kill the program may be started again while its old engine still ends.
func TestAnEngineThatEndsIsWaitedFor(t *testing.T) {
	data := t.TempDir()
	held, err := os.Create(filepath.Join(data, "engine.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(500*time.Millisecond, func() { held.Close() })
	check(t, "answer", value[uint8](t, connect(t, enginetest.StartIn(t, data)), "SELECT 1"), 1)
}

func TestAMissingLibraryIsSaidInOneLine(t *testing.T) {
	t.Setenv("SUYANG_LIBCHDB", "")
	_, err := engine.Start(t.Context(), engine.Config{Data: t.TempDir()})
	if !errors.Is(err, engine.ErrNoLibrary) {
		t.Errorf("error = %v, want ErrNoLibrary", err)
	}
	if text := engine.ErrNoLibrary.Error(); !strings.Contains(text, "make engine") || !strings.Contains(text, "SUYANG_LIBCHDB") {
		t.Errorf("%q does not say what to do", text)
	}
	t.Setenv("SUYANG_LIBCHDB", "/nowhere/libchdb.so")
	if _, err := engine.FindLibrary(""); err == nil || !strings.Contains(err.Error(), "/nowhere/libchdb.so") {
		t.Errorf("error = %v, want one that names the path", err)
	}
}

func TestTheLibraryIsFoundInTheDataFolder(t *testing.T) {
	t.Setenv("SUYANG_LIBCHDB", "")
	data := t.TempDir()
	want := filepath.Join(data, "libchdb.so")
	if err := os.WriteFile(want, []byte("not yet a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := engine.FindLibrary(data)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "path", got, want)
	c, err := enginetest.Config(data)
	if err != nil {
		t.Fatal(err)
	}
	c.Library = got
	if _, err := engine.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "load the ClickHouse engine: "+want) {
		t.Errorf("error = %v, want one that names the broken library", err)
	}
}

func TestAProgramThatIsNoEngineIsReported(t *testing.T) {
	c, err := enginetest.Config(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c.Program = []string{"/bin/sh", "-c", "echo first >&2; echo last words >&2; exit 3"}
	_, err = engine.Start(t.Context(), c)
	if want := "the engine process ended (exit status 3): last words"; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestStartCanBeGivenUp(t *testing.T) {
	c, err := enginetest.Config(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c.Program = []string{"/bin/sh", "-c", "cat >/dev/null"}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = engine.Start(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want a deadline exceeded", err)
	}
}

func TestAnEngineThatCannotStartAgainIsGivenUp(t *testing.T) {
	c, err := enginetest.Config(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	once := filepath.Join(t.TempDir(), "once")
	c.Program = []string{"/bin/sh", "-c", `mkdir "$1" && exec "$0" || { echo worn out >&2; exit 1; }`, c.Program[0], once}
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	e, err := engine.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	conn := connect(t, e)
	exec(t, conn, "SELECT 1")
	check(t, "Err while it serves", e.Err(), nil)
	if err := syscall.Kill(pid(t, c.Data), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-e.Done()
	if err := e.Err(); err == nil || !strings.HasSuffix(err.Error(), "worn out") {
		t.Errorf("Err() = %v, want the last words of the process", err)
	}
	if err := conn.Ping(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Ping() = %v, want the connection refused", err)
	}
}

func TestAFolderWithAnOddNameWorks(t *testing.T) {
	folder := filepath.Join(t.TempDir(), `数据 [a]'\\ %41`)
	c := connect(t, enginetest.StartIn(t, folder))
	exec(t, c, "CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id")
	batch, err := c.PrepareBatch(t.Context(), "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	if err := batch.Append(uint64(7)); err != nil {
		t.Fatal(err)
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	check(t, "row", value[uint64](t, c, "SELECT id FROM t"), 7)
}

func TestAFolderThatIsAPatternIsRefused(t *testing.T) {
	for _, name := range []string{"a*", "a?", "{a,b}", "a::b"} {
		c, err := enginetest.Config(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := engine.Start(t.Context(), c); err == nil || !strings.HasSuffix(err.Error(), "choose another folder") {
			t.Errorf("%s: error = %v, want one that asks for another folder", name, err)
		}
	}
}

// parentFolder tells the test binary that it is the parent of an engine in that
// folder, and shall do nothing but live.
const parentFolder = "SUYANG_TEST_PARENT"

func TestAnEngineDiesWithItsParent(t *testing.T) {
	if folder := os.Getenv(parentFolder); folder != "" {
		enginetest.StartIn(t, folder)
		fmt.Println("started")
		select {}
	}
	folder := t.TempDir()
	parent := osexec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	parent.Env = append(os.Environ(), parentFolder+"="+folder)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer parent.Wait()
	defer parent.Process.Kill()
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	child := pid(t, folder)
	check(t, "alive before", isAlive(child), true)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "the engine is gone", func() bool { return !isAlive(child) })
}
