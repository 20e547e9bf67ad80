package tablet_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/tablet"
)

// childEnv holds the folder in which a child process of a test takes in a journal.
const childEnv = "SUYANG_TABLET_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		takeForEver(dir)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// childT ends the child when anything fails.
type childT struct{}

func (childT) Helper() {}
func (childT) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}
func (c childT) Fatalf(format string, args ...any) { c.Fatal(fmt.Sprintf(format, args...)) }
func (c childT) Errorf(format string, args ...any) { c.Fatal(fmt.Sprintf(format, args...)) }

// mostKilled is how many events there are for the children to take.
const mostKilled = 2000

// takeForEver takes events three by three while they are carried out, and prints for each
// batch up to where a receipt and a checkpoint go.
func takeForEver(dir string) {
	r := &rig{t: childT{}, dir: dir, now: nine.Add(time.Hour), tries: &tries{}}
	r.intake = newTryIntake(r.tries)
	r.in = r.intake
	r.start()
	go r.tablets.Run(context.Background())
	c := notes(mostKilled)
	for n := int(r.tablets.Counts(device).Last); n+3 <= mostKilled; n += 3 {
		a := r.mustTake(c.batch(n+1, n+3))
		upto := uint64(0)
		if a.Checkpoint != nil {
			upto = a.Checkpoint.Upto
		}
		fmt.Println(a.Receipt.To, upto)
	}
}

// A process that is killed, several times over one folder, loses nothing that it signed for,
// and does nothing twice.
func TestKilledProcess(t *testing.T) {
	dir := t.TempDir()
	newRig(t, dir).close()
	rng := rand.New(rand.NewPCG(3, 3))
	for run := range 4 {
		received, covered := killChild(t, dir, 5+rng.IntN(40))
		r := &rig{t: t, dir: dir, now: nine.Add(time.Hour), tries: &tries{}}
		r.intake = newTryIntake(r.tries)
		r.in = r.intake
		r.start()
		if n := r.tablets.Counts(device); n.Last < received || n.Carried < covered || n.Upto != n.Last {
			t.Fatalf("run %d: a receipt was for %d and a checkpoint for %d, there are %+v", run, received, covered, n)
		}
		r.flush()
		events := r.events("c1")
		if uint64(len(events)) != r.tablets.Counts(device).Last {
			t.Fatalf("run %d: %d events were done of %d", run, len(events), r.tablets.Counts(device).Last)
		}
		for n, e := range events {
			if e.Reason != fmt.Sprint(n+1) {
				t.Fatalf("run %d: event %d is %s", run, n+1, e.Reason)
			}
		}
		if a := r.mustTake(tablet.Batch{}); a.Checkpoint == nil || a.Checkpoint.Upto != uint64(len(events)) {
			t.Errorf("run %d: the checkpoint is %+v", run, a.Checkpoint)
		}
		r.close()
	}
}

// killChild starts a child, kills it after some batches, and returns up to where its last
// receipt and checkpoint went.
func killChild(t *testing.T, dir string, after int) (received, covered uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer guard.Stop()
	lines := 0
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if _, err := fmt.Sscan(scanner.Text(), &received, &covered); err != nil {
			t.Fatalf("the child printed %q", scanner.Text())
		}
		if lines++; lines == after {
			cmd.Process.Kill()
		}
	}
	if cmd.Wait() == nil || lines < after {
		t.Fatalf("the child ended by itself after %d batches", lines)
	}
	return received, covered
}
