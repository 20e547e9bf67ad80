package tablet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/tablet"
)

// spoil changes a byte of the log, in the event that holds some words.
func (r *rig) spoil(words string) {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(r.dir, "tablets", "*"))
	must(r.t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(r.t, err)
		if at := bytes.Index(text, []byte(words)); at >= 0 {
			f, err := os.OpenFile(file, os.O_WRONLY, 0)
			must(r.t, err)
			_, err = f.WriteAt([]byte{text[at] ^ 1}, int64(at))
			must(r.t, err)
			must(r.t, f.Close())
			return
		}
	}
	r.t.Fatalf("no file holds %q", words)
}

// What the disk of the server has lost is asked for again, and what comes after it waits.
// Nothing is done twice, and a checkpoint does not go over what is not there.
func TestDamagedLog(t *testing.T) {
	for name, open := range map[string]bool{"while it is open": true, "while it is closed": false} {
		t.Run(name, func(t *testing.T) {
			r := rigOf(t)
			c := notes(9)
			r.mustTake(c.batch(1, 3))
			r.flush()
			for n := 4; n <= 9; n++ {
				r.mustTake(c.batch(n, n))
			}
			if !open {
				r.close()
			}
			r.spoil(`"text":"2"`)
			r.spoil(`"text":"5"`)
			if !open {
				r.start()
			}
			r.flush()
			if n := len(r.events("c1")); n != 4 {
				t.Errorf("%d events were done, want those before the fifth", n)
			}
			want := [][2]uint64{{5, 5}}
			if !open { // what was carried out is looked at only when the log is read
				want = [][2]uint64{{2, 2}, {5, 5}}
			}
			a := r.mustTake(tablet.Batch{})
			if d := cmp.Diff(want, a.Want); d != "" {
				t.Errorf("asked for (-want +got):\n%s", d)
			}
			if !open && a.Checkpoint.Upto != 1 {
				t.Errorf("the checkpoint is %+v, want 1", a.Checkpoint)
			}
			for _, gap := range a.Want {
				r.mustTake(c.batch(int(gap[0]), int(gap[1])))
			}
			for range 2 {
				r.flush()
				a = r.mustTake(tablet.Batch{})
				if n := len(r.events("c1")); n != 9 || a.Checkpoint == nil || a.Checkpoint.Upto != 9 {
					t.Errorf("%d events were done, checkpoint %+v", n, a.Checkpoint)
				}
				if len(r.held()) != 0 {
					t.Errorf("held are %v", r.held())
				}
				r.restart()
				r.mustTake(c.batch(1, 9))
			}
		})
	}
}

// The head of a checkpoint that the log has lost is not signed for.
func TestNoHead(t *testing.T) {
	r := rigOf(t)
	c := notes(2)
	r.mustTake(c.batch(1, 2))
	r.flush()
	r.spoil(`"text":"2"`)
	if a := r.mustTake(tablet.Batch{}); a.Checkpoint != nil {
		t.Errorf("the checkpoint is %+v", a.Checkpoint)
	}
	r.restart()
	if a := r.mustTake(c.batch(2, 2)); a.Checkpoint == nil || a.Checkpoint.Upto != 1 {
		t.Errorf("the checkpoint is %+v", a.Checkpoint)
	}
	if a := r.mustTake(tablet.Batch{}); a.Checkpoint.Upto != 2 || len(r.events("c1")) != 2 {
		t.Errorf("the checkpoint is %+v", a.Checkpoint)
	}
}
