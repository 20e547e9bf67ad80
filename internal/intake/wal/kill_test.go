package wal_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// childEnv holds the folder in which a child process of a test writes.
const childEnv = "SUYANG_WAL_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		fmt.Fprintln(os.Stderr, writeForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForEver appends record n as n and prints n once it is acknowledged.
func writeForEver(dir string) error {
	l, err := wal.Open(small(nil, dir))
	if err != nil {
		return err
	}
	for n := l.Stat().Next; ; n += 2 {
		seq, err := l.Append(context.Background(), []wal.Record{record(n), record(n + 1)})
		if err != nil || seq != n {
			return fmt.Errorf("append %d: %d, %w", n, seq, err)
		}
		fmt.Println(n + 1)
	}
}

// TestKilledProcess kills a process that writes, several times over one folder.
func TestKilledProcess(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(9, 9))
	for run := range 5 {
		last := killChild(t, dir, 20+rng.IntN(60))
		l := open(t, small(nil, dir))
		st := l.Stat()
		if st.Next <= last || len(st.Damaged) > 0 {
			t.Fatalf("run %d: %d was acknowledged, Stat() = %+v", run, last, st)
		}
		checkAll(t, l, 1, st.Next-1)
		l.Close()
	}
}

// killChild starts a writing child, kills it after some acknowledgements and returns
// the last record that it saw acknowledged.
func killChild(t *testing.T, dir string, after int) (last uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer guard.Stop()
	lines := 0
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if _, err := fmt.Sscan(scanner.Text(), &last); err != nil {
			t.Fatalf("the child printed %q", scanner.Text())
		}
		if lines++; lines == after {
			cmd.Process.Kill()
		}
	}
	if cmd.Wait() == nil || lines < after {
		t.Fatalf("the child ended by itself after %d acknowledgements", lines)
	}
	return last
}
