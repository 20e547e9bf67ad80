package tablet_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
)

var inURL = base64.RawURLEncoding.EncodeToString

// seal closes a text as tablets do.
func seal(t T, key []byte, text, about string) (iv, box string) {
	t.Helper()
	block, err := aes.NewCipher(key)
	must(t, err)
	gcm, err := cipher.NewGCM(block)
	must(t, err)
	random := make([]byte, 12)
	rand.Read(random)
	return inURL(random), inURL(gcm.Seal(nil, random, []byte(text), []byte(about)))
}

// rescueFile is what a tablet writes of the events from one number to another, by lines.
func (r *rig) rescueFile(c *chain, from, to int) []string {
	r.t.Helper()
	point, err := base64.RawURLEncoding.DecodeString(r.tablets.RescueKey())
	must(r.t, err)
	office, err := ecdh.P256().NewPublicKey(point)
	must(r.t, err)
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	must(r.t, err)
	shared, err := own.ECDH(office)
	must(r.t, err)
	wrap, err := hkdf.Key(sha256.New, shared, nil, "suyang rescue 1\n"+device, 32)
	must(r.t, err)
	storage := make([]byte, 32)
	rand.Read(storage)
	iv, box := seal(r.t, wrap, string(storage), device)
	epk := inURL(own.PublicKey().Bytes())
	shares := sha256.Sum256([]byte("device\x00" + secret))
	proof := hmac.New(sha256.New, shares[:])
	proof.Write([]byte(strings.Join([]string{"suyang rescue proof 1", device, epk, iv, box, ""}, "\n")))
	line := func(v any) string {
		text, err := json.Marshal(v)
		must(r.t, err)
		return string(text)
	}
	lines := []string{line(map[string]any{"suyang": "rescue 1", "device": device, "made": "2026-11-27T00:00:00Z", "prev": hexOf(c.hashes[from-1]),
		"key": map[string]string{"epk": epk, "iv": iv, "box": box, "proof": inURL(proof.Sum(nil))}, "report": map[string]any{"last": len(c.texts)}})}
	for n := from; n <= to; n++ {
		iv, data := seal(r.t, storage, c.texts[n-1], fmt.Sprintf("%s\n%d", device, n))
		lines = append(lines, line(map[string]any{"seq": n, "hash": hexOf(c.hashes[n]), "iv": iv, "data": data}))
	}
	return append(lines, line(map[string]int{"end": to - from + 1}))
}

func (r *rig) rescue(lines []string) (tablet.RescueResult, error) {
	return r.tablets.Rescue(context.Background(), strings.NewReader(strings.Join(lines, "\n")+"\n"), func(string) error { return nil })
}

func (r *rig) mustRescue(lines []string) tablet.RescueResult {
	r.t.Helper()
	result, err := r.rescue(lines)
	must(r.t, err)
	return result
}

// notes are the events of a tablet that wrote notes only.
func notes(n int) *chain {
	c := newChain(device)
	for i := range n {
		c.add(note("c1", fmt.Sprint(i+1)))
	}
	return c
}

// A rescue file brings what the tablet could not send, also when the tablet was revoked; what
// it sent before counts once.
func TestRescue(t *testing.T) {
	r := rigOf(t)
	c := notes(1200)
	r.mustTake(c.batch(1, 2))
	must(t, r.office.Revoke(t.Context(), boss, device, "lost", nine))
	lines := r.rescueFile(c, 1, 1200)
	permit := func(id string) error {
		_, err := r.office.DeviceOf(t.Context(), boss, id)
		return err
	}
	result, err := r.tablets.Rescue(t.Context(), strings.NewReader(strings.Join(lines, "\n")), permit) // without the last line break
	must(t, err)
	if result.Taken != 1198 || result.Repeated != 2 || !result.Whole || result.First != 1 || result.Last != 1200 || result.Device != device || result.Report == nil || result.Report.Last != 1200 ||
		len(result.Damaged)+result.Lost+len(result.Conflicts) != 0 {
		t.Errorf("the first time %+v", result)
	}
	if result = r.mustRescue(lines); result.Taken != 0 || result.Repeated != 1200 {
		t.Errorf("the second time %+v", result)
	}
	r.restart()
	r.flush()
	if n := len(r.events("c1")); n != 1200 {
		t.Errorf("%d events were done, want 1200", n)
	}
	if a := r.mustTake(tablet.Batch{}); a.Checkpoint == nil || a.Checkpoint.Upto != 1200 || a.Checkpoint.Head != hexOf(c.hashes[1200]) {
		t.Errorf("the checkpoint is %+v", a.Checkpoint)
	}
	refused := errors.New("of another county")
	if _, err := r.tablets.Rescue(t.Context(), strings.NewReader(strings.Join(lines, "\n")), func(string) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("a file that is not permitted: %v", err)
	}
}

// Lines that are damaged, or missing, are named, and all others taken.
func TestDamagedRescue(t *testing.T) {
	for name, x := range map[string]struct {
		change            func(lines []string) []string
		taken, lost       int
		damaged           []uint64
		whole, checkpoint bool
	}{
		"nothing": {func(l []string) []string { return l }, 10, 0, nil, true, true},
		"the text of a record": {func(l []string) []string {
			l[4] = strings.Replace(l[4], `"data":"`, `"data":"AA`, 1)
			return l
		}, 9, 0, []uint64{4}, true, false},
		"a whole line":           {func(l []string) []string { l[4] = "#"; return l }, 9, 0, []uint64{4}, true, false},
		"two lines":              {func(l []string) []string { l[4], l[5] = "#", "\x00"; return l }, 8, 0, []uint64{4, 5}, true, false},
		"the first record":       {func(l []string) []string { l[1] = "{}"; return l }, 9, 1, nil, true, false},
		"the last record":        {func(l []string) []string { l[10] = "{}"; return l }, 9, 1, nil, true, false},
		"a line that is gone":    {func(l []string) []string { return slices.Delete(l, 4, 5) }, 9, 0, []uint64{4}, false, false},
		"the end":                {func(l []string) []string { return l[:11] }, 10, 0, nil, false, true},
		"the middle of the last": {func(l []string) []string { l[10] = l[10][:50]; return l[:11] }, 9, 1, nil, false, false},
		"a line twice":           {func(l []string) []string { return slices.Insert(l, 4, l[4]) }, 10, 0, nil, false, true},
		"lines turned around":    {func(l []string) []string { l[4], l[5] = l[5], l[4]; return l }, 9, 0, []uint64{4}, true, false},
		"a line without end":     {func(l []string) []string { l[4] = strings.Repeat("x", 1<<20); return l }, 9, 0, []uint64{4}, true, false},
		"the hash of a record":   {func(l []string) []string { l[4] = strings.Replace(l[4], `"hash":"`, `"hash":"x`, 1); return l }, 10, 0, nil, true, true},
		"another hash": {func(l []string) []string {
			l[4] = strings.Replace(l[4], hexOf(notes(4).hashes[4]), hexOf([32]byte{}), 1)
			return l
		}, 10, 0, nil, true, true},
		"the number of a record":    {func(l []string) []string { l[4] = strings.Replace(l[4], `"seq":4`, `"seq":3`, 1); return l }, 9, 0, []uint64{4}, true, false},
		"the hash before the first": {func(l []string) []string { l[0] = strings.Replace(l[0], `"prev":"`, `"prev":"x`, 1); return l }, 10, 0, nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := rigOf(t)
			c := notes(10)
			lines := r.rescueFile(c, 1, 10)
			result := r.mustRescue(x.change(slices.Clone(lines)))
			if result.Taken != x.taken || result.Lost != x.lost || !slices.Equal(result.Damaged, x.damaged) || result.Whole != x.whole || len(result.Conflicts) > 0 {
				t.Errorf("%+v, want %d taken, %d lost, %v damaged, whole %v", result, x.taken, x.lost, x.damaged, x.whole)
			}
			r.flush()
			again := r.mustRescue(lines)
			if again.Taken != 10-x.taken || len(again.Conflicts) > 0 {
				t.Errorf("the file as it was: %+v", again)
			}
			r.flush()
			a := r.mustTake(tablet.Batch{})
			if n := len(r.events("c1")); n != 10 || a.Checkpoint == nil || a.Checkpoint.Upto != 10 || a.Checkpoint.Head != hexOf(c.hashes[10]) {
				t.Errorf("in the end %d events, checkpoint %+v", n, a.Checkpoint)
			}
		})
	}
}

func TestNoRescueFile(t *testing.T) {
	r := rigOf(t)
	lines := r.rescueFile(notes(2), 1, 2)
	head := func(old, new string) []string {
		if !strings.Contains(lines[0], old) {
			t.Fatalf("the first line has no %s", old)
		}
		return append([]string{strings.Replace(lines[0], old, new, 1)}, lines[1:]...)
	}
	// Whoever knows the office's key can make a box, but not prove that it is the tablet's.
	var mine, others struct {
		Key map[string]string `json:"key"`
	}
	must(t, json.Unmarshal([]byte(lines[0]), &mine))
	must(t, json.Unmarshal([]byte(r.rescueFile(notes(2), 1, 2)[0]), &others))
	forged := strings.Replace(lines[0], mine.Key["proof"], others.Key["proof"], 1)
	if _, err := r.rescue(head(device, "0f8fad5b-d9cb-469f-a165-70867728950f")); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("another device: %v, want ErrNotFound", err)
	}
	for name, file := range map[string][]string{
		"nothing":             nil,
		"text":                {"hello"},
		"another version":     head("rescue 1", "rescue 2"),
		"no device":           head(device, "x"),
		"no proof":            head(`"proof":"`, `"proof":"","x":"`),
		"another's proof":     {forged, lines[1], lines[2], lines[3]},
		"no point":            head(`"epk":"`, `"epk":"AAAA`),
		"a key of other size": head(`"iv":"`, `"iv":"AAAA`),
		"a changed key":       head(`"box":"`, `"box":"AAAA`),
		"no base64":           head(`"box":"`, `"box":"!`),
	} {
		if _, err := r.rescue(file); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	other, err := tablet.Open(t.Context(), tablet.DefaultConfig(), r.log, r.office, r.intake, []byte(strings.Repeat("o", 32)), nil)
	must(t, err)
	if _, err := other.Rescue(t.Context(), strings.NewReader(strings.Join(lines, "\n")), func(string) error { return nil }); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("of another installation: %v", err)
	}
	if n := r.tablets.Counts(device).Last; n != 0 {
		t.Errorf("%d events were kept", n)
	}
}

// Whatever bytes of a rescue file are changed, in lines that do not follow each other: the records that were not touched are taken, all
// of them genuine, and the file as it was brings the rest without a conflict.
func TestRescueWithAnyByteChanged(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(5, 5))
	for round := range 60 {
		r := newRig(t, t.TempDir())
		c := notes(12)
		from := []int{1, 5}[round%2]
		if from > 1 {
			r.mustTake(c.batch(1, from-1))
		}
		whole := []byte(strings.Join(r.rescueFile(c, from, 12), "\n") + "\n")
		start := bytes.IndexByte(whole, '\n') + 1
		bad := slices.Clone(whole)
		touched := map[int]bool{}
		for range 1 + rng.IntN(3) {
			at := start + rng.IntN(len(bad)-start)
			line := bytes.Count(whole[start:at], []byte("\n"))
			if whole[at] == '\n' || touched[line-1] || touched[line] || touched[line+1] {
				continue // what a record bears that follows a lost one has to be taken as it is
			}
			bad[at] ^= byte(1 + rng.IntN(255))
			touched[line] = true
		}
		result, err := r.tablets.Rescue(t.Context(), bytes.NewReader(bad), func(string) error { return nil })
		must(t, err)
		if result.Taken < 12-from+1-len(touched) || len(result.Conflicts) > 0 {
			t.Fatalf("round %d: %+v, %d lines were changed", round, result, len(touched))
		}
		again, err := r.tablets.Rescue(t.Context(), bytes.NewReader(whole), func(string) error { return nil })
		must(t, err)
		if again.Taken+again.Repeated != 12-from+1 || result.Taken+again.Taken != 12-from+1 || len(again.Conflicts) > 0 {
			t.Fatalf("round %d: %+v, then %+v", round, result, again)
		}
		r.flush()
		var got []string
		for _, e := range r.events("c1") {
			got = append(got, e.Reason)
		}
		if strings.Join(got, " ") != "1 2 3 4 5 6 7 8 9 10 11 12" {
			t.Fatalf("round %d: the office has %v", round, got)
		}
		r.close()
	}
}

// FuzzRescue: no file does any harm.
func FuzzRescue(f *testing.F) {
	r := newRig(f, f.TempDir())
	f.Add(strings.Join(r.rescueFile(notes(3), 1, 3), "\n"))
	f.Add(`{"suyang":"rescue 1","device":"` + device + `","key":{}}`)
	f.Fuzz(func(t *testing.T, file string) {
		if _, err := r.tablets.Rescue(t.Context(), strings.NewReader(file), func(string) error { return nil }); err != nil && !errors.Is(err, surveys.ErrInvalid) {
			t.Error(err)
		}
		_ = r.tablets.Counts(device)
		_, err := r.tablets.Take(t.Context(), office.Device{ID: device}, tablet.Batch{})
		must(t, err)
	})
}
