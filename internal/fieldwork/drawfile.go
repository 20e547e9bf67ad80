package fieldwork

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/suyang-survey/suyang/surveys"
)

// DrawSchema is the version of the draw file: JSON, a line each for the draw and for
// every drawn unit. Files of the first version are read and replayed, too: their units have
// no names, their notes say nothing of units without a chance, and a stratum may be what a
// merge joined.
const (
	DrawSchema  = "suyang.draw.2"
	drawSchema1 = "suyang.draw.1"
)

// drawHead is the first line of a draw file. Cases and Body, their number and the SHA-256
// of all lines after the first, tell a file that was cut short or changed.
type drawHead struct {
	*Draw
	Cases int
	Body  string
}

// Write writes the draw file. The same draw gives the same bytes.
func (d *Draw) Write(w io.Writer) error {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	lines.SetEscapeHTML(false)
	for _, u := range d.Units {
		if err := lines.Encode(u); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(body.Bytes())
	head := json.NewEncoder(w)
	head.SetEscapeHTML(false)
	if err := head.Encode(drawHead{d, len(d.Units), hex.EncodeToString(sum[:])}); err != nil {
		return err
	}
	_, err := body.WriteTo(w)
	return err
}

// ReadDraw reads a draw file and checks that it is whole; name stands for the file.
func ReadDraw(name string, r io.Reader) (*Draw, error) {
	in := bufio.NewReader(r)
	fault := func(line int, format string, args ...any) error {
		return invalidf("%s:%d: %w", name, line, fmt.Errorf(format, args...))
	}
	head := drawHead{Draw: &Draw{}}
	first, err := in.ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := json.Unmarshal(first, &head); err != nil || head.Schema != DrawSchema && head.Schema != drawSchema1 {
		return nil, fault(1, "this is no draw file of the schema %s; give the file that “suyang draw --out” wrote", DrawSchema)
	}
	if head.Person != "" && personMethods[head.Person] == 0 {
		return nil, fault(1, "the person is selected by %q, which this program does not know; use the program that drew", head.Person)
	}
	body := sha256.New()
	seen := map[string]bool{}
	for line := 2; ; line++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		body.Write(text)
		var u DrawnUnit
		if err := json.Unmarshal(text, &u); err != nil {
			return nil, fault(line, "cannot be read: %w", err)
		}
		if err := head.check(u); err != nil {
			return nil, fault(line, "%w", err)
		}
		if seen[u.Case] {
			return nil, fault(line, "case %q stands there twice", u.Case)
		}
		seen[u.Case] = true
		head.Units = append(head.Units, u)
	}
	if sum := hex.EncodeToString(body.Sum(nil)); sum != head.Body || len(head.Units) != head.Cases {
		return nil, fmt.Errorf("%s was changed or cut short after it was drawn: it has %d cases, and the head says %d; draw again with --replay: %w",
			name, len(head.Units), head.Cases, surveys.ErrConflict)
	}
	return head.Draw, nil
}

// check says what of a drawn unit cannot be.
func (d *Draw) check(u DrawnUnit) error {
	if len(d.Stages) == 0 || len(u.Codes) != len(d.Stages) || len(u.P) != len(d.Stages) {
		return fmt.Errorf("case %q has %d codes and %d probabilities, and the draw %d stages", u.Case, len(u.Codes), len(u.P), len(d.Stages))
	}
	for k, p := range u.P {
		if !(p > 0) || k > 0 && p > 1 {
			return fmt.Errorf("case %q: the probability of stage %d is %v", u.Case, k+1, p)
		}
	}
	if u.Replicate < 0 || u.Replicate > d.Replicates {
		return fmt.Errorf("case %q has the replicate %d of %d", u.Case, u.Replicate, d.Replicates)
	}
	return nil
}

// Replay draws again what a draw file records, from the frame as it is now. It fails with
// surveys.ErrConflict and says what differs: the frame, the plan, or what the program
// makes of them.
func (d *Draw) Replay(f *Frame, program string, progress func(done, total int)) (*Draw, error) {
	if f.Hash != d.Frame.Hash {
		return nil, fmt.Errorf("the frame has changed: %s had %d units and the hash %.12s…, and now has %d and %.12s…; give the frame of the draw: %w",
			d.Frame.File, d.Frame.Units, d.Frame.Hash, len(f.Units), f.Hash, surveys.ErrConflict)
	}
	plan, err := ReadDrawPlan("the plan in the draw file", []byte(d.Plan.Text))
	if err != nil {
		return nil, err
	}
	if plan.Hash() != d.Plan.Hash {
		return nil, fmt.Errorf("the plan has changed: its text in the draw file has the hash %.12s…, and the draw was made with %.12s…: %w", plan.Hash(), d.Plan.Hash, surveys.ErrConflict)
	}
	again, err := plan.draw(f, d.Schema, d.Program, progress)
	if err != nil {
		return nil, err
	}
	var was, is bytes.Buffer
	if err := errors.Join(d.Write(&was), again.Write(&is)); err != nil {
		return nil, err
	}
	if !bytes.Equal(was.Bytes(), is.Bytes()) {
		return nil, fmt.Errorf("%s draws otherwise than %s did, or the file was changed: %s; use that version of the program: %w",
			program, d.Program, difference(d, again), surveys.ErrConflict)
	}
	return again, nil
}

// difference names the first unit in which two draws differ.
func difference(was, is *Draw) string {
	line := func(d *Draw, k int) string {
		if k >= len(d.Units) {
			return "nothing"
		}
		b, err := json.Marshal(d.Units[k])
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	for k := range max(len(was.Units), len(is.Units)) {
		if a, b := line(was, k), line(is, k); a != b {
			return fmt.Sprintf("case %d was %s and is %s", k+1, a, b)
		}
	}
	return "the cases are the same, the head is not"
}
