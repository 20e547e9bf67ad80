package wal_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
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

// childWriters is how many goroutines of a child write.
const childWriters = 32

// writeForEver appends records from many writers and prints each with its sequence number
// once it is acknowledged.
func writeForEver(dir string) error {
	fs, err := wal.Folder(dir)
	if err != nil {
		return err
	}
	s, err := openLog(nil)(place{dir, fs})
	if err != nil {
		return err
	}
	begin := s.(*wal.Log).Stat().Next
	failed := make(chan error)
	for w := range uint64(childWriters) {
		go func() {
			for n := w<<40 + begin; ; n++ { // no run before this one came so far
				seq, err := s.Append(context.Background(), []wal.Record{large(n)})
				if err != nil {
					failed <- err
				}
				fmt.Printf("%d %d\n", n, seq)
			}
		}()
	}
	return <-failed
}

// TestKilledProcess kills a process that writes, again and again over one folder of real
// files.
func TestKilledProcess(t *testing.T) {
	dir := t.TempDir()
	fs, err := wal.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	p := place{dir, fs}
	rng := rand.New(rand.NewPCG(9, 9))
	kept := &ledger{seq: map[uint64]uint64{}}
	c := crash{}
	for c.cuts < *kills {
		killChild(t, dir, 1+rng.IntN(300), kept)
		s, err := openLog(nil)(p)
		if err != nil {
			t.Fatalf("kill %d: %v", c.cuts, err)
		}
		c.compare(s, kept)
		s.Close()
		c.checkChain(p)
		c.cuts++
	}
	c.acked = kept.acked
	t.Logf("kill -9, real files: %s", &c.tally)
	if c.bad() {
		t.Errorf("%s\n%s", &c.tally, strings.Join(c.trouble, "\n"))
	}
}

// killChild starts a writing child and kills it after some acknowledgements. What it
// printed until then, and what was still in the pipe, was acknowledged.
func killChild(t *testing.T, dir string, after int, kept *ledger) {
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
		var n, seq uint64
		if _, err := fmt.Sscan(scanner.Text(), &n, &seq); err != nil {
			t.Fatalf("the child printed %q", scanner.Text())
		}
		kept.note(n, seq)
		if lines++; lines == after {
			cmd.Process.Kill()
		}
	}
	if cmd.Wait() == nil || lines < after {
		t.Fatalf("the child ended by itself after %d acknowledgements", lines)
	}
}
