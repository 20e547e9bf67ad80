// Package fieldwork keeps what was drawn and what became of it: draws from a frame and
// their sample file, cases by their events, dispositions and outcome rates.
package fieldwork

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
)

// Case is one drawn unit of a wave, whether or not it responded.
type Case struct {
	ID, Stratum, PSU string
	// Weight is the base weight, the inverse of the product of all stage
	// probabilities. A case with weight 0 only declares its PSU as part of the design.
	Weight float64
	// Columns are the classifications known before the interview, such as city.
	Columns map[string]string
}

// The limits of a case: the bytes of its ID, because an interview must name it, and the
// weights, which are summed without loss.
const (
	MaxID                = 128
	MinWeight, MaxWeight = 1e-12, 1e9
)

// Check says what keeps a case from being interviewed, stored or told from others.
func (c Case) Check() error {
	if c.ID == "" || c.Stratum == "" || c.PSU == "" {
		return errors.New("case, stratum and psu must not be empty")
	}
	if len(c.ID) > MaxID {
		return fmt.Errorf("the ID of a case has %d bytes; it must have at most %d", len(c.ID), MaxID)
	}
	for _, s := range []string{c.ID, c.Stratum, c.PSU} {
		if err := checkText(s); err != nil {
			return fmt.Errorf("case %q: %w", c.ID, err)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(c.Columns)) {
		if err := checkText(c.Columns[n]); err != nil {
			return fmt.Errorf("case %q, column %s: %w", c.ID, n, err)
		}
	}
	if w := c.Weight; w != 0 && !(w >= MinWeight && w <= MaxWeight) {
		return fmt.Errorf("case %q: the weight is %v; weights are 0 or more, from %g to %g, so scale them", c.ID, w, MinWeight, MaxWeight)
	}
	return nil
}

// ColumnBooklet is the column of the sample file with the booklet that each case was given
// when it was drawn.
const ColumnBooklet = "booklet"

// ColumnSubstitute is the column of the sample file with the case that this one takes the
// place of. A case that has one was not drawn, and the outcome rates say so. Why, stands in
// the column ColumnSubstituteReason.
const (
	ColumnSubstitute       = "substitute"
	ColumnSubstituteReason = "substitute_reason"
)

// reasoned says that a substitute has no reason.
func (c Case) reasoned() error {
	if of := c.Columns[ColumnSubstitute]; of != "" && c.Columns[ColumnSubstituteReason] == "" {
		return invalidf("case %q takes the place of %q without a reason; say why in the column %s", c.ID, of, ColumnSubstituteReason)
	}
	return nil
}

// Booklet is the booklet the case was given, empty when it was given none.
func (c Case) Booklet() string { return c.Columns[ColumnBooklet] }

// CheckBooklets says which cases cannot be interviewed because they have no booklet of
// the questionnaire, or have one though it has none. Cases of weight 0 need none.
func CheckBooklets(name string, cases []Case, booklets []surveys.Booklet) error {
	var faults []error
	for _, c := range cases {
		b := c.Booklet()
		known := slices.ContainsFunc(booklets, func(k surveys.Booklet) bool { return k.ID == b })
		switch {
		case known || b == "" && (len(booklets) == 0 || c.Weight == 0):
			continue
		case len(booklets) == 0:
			return fmt.Errorf("%s: case %q has the booklet %q, but the questionnaire has no booklets; publish the one it was drawn for, or remove the column %s", name, c.ID, b, ColumnBooklet)
		case b == "":
			faults = append(faults, fmt.Errorf("%s: case %q has no booklet; add the column %s with “suyang bank allocate”", name, c.ID, ColumnBooklet))
		default:
			faults = append(faults, fmt.Errorf("%s: case %q has the booklet %q, which the questionnaire does not have; allocate the cases again", name, c.ID, b))
		}
		if len(faults) == maxFaults {
			break
		}
	}
	return errors.Join(faults...)
}

// checkText refuses what looks like another text than it is, or like none.
func checkText(s string) error {
	switch {
	case !utf8.ValidString(s):
		return fmt.Errorf("%q is not UTF-8; save the file as UTF-8", s)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%q has a control character or a line break in it", s)
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("%q begins or ends with a blank; remove it", s)
	}
	return nil
}

// invalid is an error whose own words say enough. It is surveys.ErrInvalid.
type invalid struct{ error }

func (e invalid) Is(target error) bool { return target == surveys.ErrInvalid }

func (e invalid) Unwrap() error { return e.error }

func invalidf(format string, args ...any) error { return invalid{fmt.Errorf(format, args...)} }

// maxFaults is how many faults of a sample file are reported at once.
const maxFaults = 20

// ReadSample reads a sample file: CSV with the columns case, stratum and psu, and
// either weight or the stage probabilities p1, p2, … . Every other column is a
// classification of the case, and so is booklet; see CheckBooklets. A substitute needs a
// reason; see ColumnSubstitute. name is used in error messages, which give the line of each
// fault.
func ReadSample(name string, r io.Reader) ([]Case, error) {
	return readSample(name, r, Case.reasoned)
}

// ReadKeptSample reads a sample file that was published before, when substitutes needed no
// reason yet.
func ReadKeptSample(name string, r io.Reader) ([]Case, error) {
	return readSample(name, r, func(Case) error { return nil })
}

// readSample reads a sample file whose cases check accepts.
func readSample(name string, r io.Reader, check func(Case) error) ([]Case, error) {
	cr := csv.NewReader(r)
	cr.ReuseRecord = true
	head, err := cr.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read the header of the sample file: %w", name, err)
	}
	cols, err := sampleColumns(name, head)
	if err != nil {
		return nil, err
	}
	var cases []Case
	var faults []error
	seen := map[string]int{}
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := cr.FieldPos(0)
		c, err := cols.parse(rec)
		if err == nil {
			err = check(c)
		}
		if first := seen[c.ID]; err == nil && first > 0 {
			err = fmt.Errorf("case %q stands on line %d already; every case needs its own ID", c.ID, first)
		}
		if err != nil {
			if faults = append(faults, fmt.Errorf("%s:%d: %w", name, line, err)); len(faults) == maxFaults {
				break
			}
			continue
		}
		seen[c.ID] = line
		cases = append(cases, c)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s: the sample file has no cases", name)
	}
	return cases, nil
}

// columns says where the parts of a case stand in a row.
type columns struct {
	id, stratum, psu, weight int
	stages                   []int
	names                    map[int]string
}

func sampleColumns(name string, head []string) (columns, error) {
	c := columns{id: -1, stratum: -1, psu: -1, weight: -1, names: map[int]string{}}
	stages := map[int]int{}
	for i, h := range head {
		h = strings.TrimPrefix(strings.TrimSpace(h), "\ufeff")
		if slices.Contains(head[:i], h) {
			return c, fmt.Errorf("%s:1: column %q stands there twice", name, h)
		}
		switch h {
		case "case":
			c.id = i
		case "stratum":
			c.stratum = i
		case "psu":
			c.psu = i
		case "weight":
			c.weight = i
		default:
			n, err := strconv.Atoi(strings.TrimPrefix(h, "p"))
			switch {
			case err != nil || h[0] != 'p':
				c.names[i] = h
			case n < 1 || h != "p"+strconv.Itoa(n):
				return c, fmt.Errorf("%s:1: column %q: the stage probabilities are p1, p2, …", name, h)
			default:
				stages[n] = i
			}
		}
	}
	for n := 1; n <= len(stages); n++ {
		i, ok := stages[n]
		if !ok {
			return c, fmt.Errorf("%s:1: the stage probabilities must be p1, p2, … without a gap; p%d is missing", name, n)
		}
		c.stages = append(c.stages, i)
	}
	if c.id < 0 || c.stratum < 0 || c.psu < 0 {
		return c, fmt.Errorf("%s:1: the columns case, stratum and psu are needed; found %s", name, strings.Join(head, ", "))
	}
	if (c.weight < 0) == (len(c.stages) == 0) {
		return c, fmt.Errorf("%s:1: give either a column weight or the stage probabilities p1, p2, …", name)
	}
	return c, nil
}

func (c columns) parse(rec []string) (Case, error) {
	out := Case{
		ID: strings.Clone(rec[c.id]), Stratum: strings.Clone(rec[c.stratum]), PSU: strings.Clone(rec[c.psu]),
		Columns: make(map[string]string, len(c.names)),
	}
	for i, n := range c.names {
		out.Columns[n] = strings.Clone(rec[i])
	}
	if c.weight >= 0 {
		w, err := strconv.ParseFloat(rec[c.weight], 64)
		if err != nil || math.IsNaN(w) || math.IsInf(w, 0) || w < 0 {
			return out, fmt.Errorf("case %q: weight %q must be a number, 0 or more", out.ID, rec[c.weight])
		}
		out.Weight = w
		return out, out.Check()
	}
	out.Weight = 1
	for n, i := range c.stages {
		p, err := strconv.ParseFloat(rec[i], 64)
		if err != nil || !(p > 0 && p <= 1) {
			return out, fmt.Errorf("case %q: probability p%d is %q; it must be above 0 and at most 1", out.ID, n+1, rec[i])
		}
		out.Weight /= p
	}
	return out, out.Check()
}

// WriteSample writes a sample file with base weights that ReadSample reads back to
// the same cases.
func WriteSample(w io.Writer, cases []Case) error {
	names := map[string]bool{}
	for _, c := range cases {
		for n := range c.Columns {
			names[n] = true
		}
	}
	columns := slices.Sorted(maps.Keys(names))
	cw := csv.NewWriter(w)
	if err := cw.Write(append([]string{"case", "stratum", "psu", "weight"}, columns...)); err != nil {
		return err
	}
	for _, c := range cases {
		rec := []string{c.ID, c.Stratum, c.PSU, strconv.FormatFloat(c.Weight, 'g', -1, 64)}
		for _, n := range columns {
			rec = append(rec, c.Columns[n])
		}
		if err := cw.Write(rec); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

// Extends checks that a sample has every case of another one as it was, but for its weight,
// and further ones, as when a replicate of the reserve is released. Otherwise it is an error that wraps
// surveys.ErrConflict and names the first case that differs.
func Extends(old, cases []Case) error {
	byID := make(map[string]Case, len(cases))
	for _, c := range cases {
		byID[c.ID] = c
	}
	if len(cases) <= len(old) {
		return fmt.Errorf("there are %d cases, and no further ones: %w", len(cases), surveys.ErrConflict)
	}
	for _, was := range old {
		is, there := byID[was.ID]
		switch {
		case !there:
			return fmt.Errorf("case %q is missing: %w", was.ID, surveys.ErrConflict)
		case is.Stratum != was.Stratum || is.PSU != was.PSU || !maps.Equal(is.Columns, was.Columns):
			return fmt.Errorf("case %q has another stratum, PSU or column than before: %w", was.ID, surveys.ErrConflict)
		}
	}
	return nil
}
