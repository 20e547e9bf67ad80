package fieldwork

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Change is what is to be done with one unit of a frame before the draw.
type Change struct {
	// Action is ActionMerge or ActionSplit.
	Action string
	Code   string
	// Into names the unit that a merged one becomes part of: the lowest code among those
	// with the same Into.
	Into string
	// Parts is how many parts a unit is to be split into.
	Parts int
	// Households are those of the unit, Total those of the merged unit, or of each part.
	Households, Total int
	Name, Why         string

	row int
}

// The actions.
const (
	ActionMerge = "merge"
	ActionSplit = "split"
)

// Proposal says how units with fewer households than rules.Take may be merged with their
// neighbours, and into how many parts those with more than rules.Most may be split.
//
// A unit that is too small goes together with the smaller of its neighbours in the order of
// codes, of the same township and class, the smallest unit first, until all are large
// enough or nothing is left to merge with; remarks name what stays too small. Neighbours by
// code are not always neighbours on the map: the office reads the proposal before it is
// applied.
func (f *Frame) Proposal(rules FrameRules) ([]Change, []Remark) {
	var out []Change
	var left remarks
	if !f.has("households") {
		return nil, nil
	}
	for _, units := range f.neighbourhoods() {
		for _, g := range merged(f, units, rules.Take) {
			if total := f.households(g); len(g) > 1 {
				for _, i := range g {
					u := f.Units[i]
					why := "goes together with a small one"
					if u.Households < rules.Take {
						why = fmt.Sprintf("fewer than %d households", rules.Take)
					}
					out = append(out, Change{Action: ActionMerge, Code: u.Code, Into: f.Units[g[0]].Code, Households: u.Households, Total: total, Name: u.Name, Why: why})
				}
			}
			u := f.Units[g[0]]
			switch total := f.households(g); {
			case total < rules.Take:
				left.at(RemarkSmall, "units stay too small, since nothing of their township and class is left to merge with", u.Row, "households", "%s has %d of %d", u.Code, total, rules.Take)
			case len(g) == 1 && rules.Most > 0 && total > rules.Most:
				parts := (total + rules.Most - 1) / rules.Most
				out = append(out, Change{Action: ActionSplit, Code: u.Code, Parts: parts, Households: total, Total: (total + parts - 1) / parts, Name: u.Name, Why: fmt.Sprintf("more than %d households", rules.Most)})
			}
		}
	}
	return out, left.sorted()
}

// neighbourhoods are the units of each township and class, in the order of codes.
func (f *Frame) neighbourhoods() [][]int {
	of := map[string][]int{}
	for i, u := range f.Units {
		key := u.Code[:9] + u.Class
		of[key] = append(of[key], i)
	}
	var out [][]int
	for _, key := range slices.Sorted(maps.Keys(of)) {
		slices.SortFunc(of[key], func(a, b int) int { return strings.Compare(f.Units[a].Code, f.Units[b].Code) })
		out = append(out, of[key])
	}
	return out
}

func (f *Frame) households(units []int) (n int) {
	for _, i := range units {
		n += f.Units[i].Households
	}
	return n
}

// merged puts units of one neighbourhood together until each group has take households.
func merged(f *Frame, units []int, take int) [][]int {
	groups, sizes := make([][]int, len(units)), make([]int, len(units))
	for k, i := range units {
		groups[k], sizes[k] = []int{i}, f.Units[i].Households
	}
	for len(groups) > 1 {
		k := slices.Index(sizes, slices.Min(sizes))
		if sizes[k] >= take {
			break
		}
		if k == len(groups)-1 || k > 0 && sizes[k-1] < sizes[k+1] {
			k--
		}
		groups[k], sizes[k] = slices.Concat(groups[k], groups[k+1]), sizes[k]+sizes[k+1]
		groups, sizes = slices.Delete(groups, k+1, k+2), slices.Delete(sizes, k+1, k+2)
	}
	return groups
}

// changeColumns are the columns of a proposal; those after into are for the reader.
var changeColumns = []string{"action", "code", "into", "parts", "households", "total", "name", "why"}

// WriteChanges writes a proposal as CSV.
func WriteChanges(w io.Writer, changes []Change) error {
	cw := csv.NewWriter(w)
	rows := [][]string{changeColumns}
	for _, c := range changes {
		parts := ""
		if c.Action == ActionSplit {
			parts = strconv.Itoa(c.Parts)
		}
		rows = append(rows, []string{c.Action, c.Code, c.Into, parts, strconv.Itoa(c.Households), strconv.Itoa(c.Total), c.Name, c.Why})
	}
	return cw.WriteAll(rows)
}

// ReadChanges reads a proposal, as it was written or as the office changed it: CSV with the
// columns action, code and into. Faults name the row; name stands for the file.
func ReadChanges(name string, r io.Reader) ([]Change, error) {
	cr := csv.NewReader(r)
	head, err := cr.Read()
	if err != nil {
		return nil, invalidf("%s: cannot read the header of the proposal: %w", name, err)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	at := make([]int, 3)
	for i, column := range changeColumns[:3] {
		if at[i] = slices.Index(head, column); at[i] < 0 {
			return nil, invalidf("%s:1: the column %s is needed; found %s", name, column, strings.Join(head, ", "))
		}
	}
	var out []Change
	var faults []error
	seen := map[string]int{}
	for len(faults) < maxFaults {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, invalidf("%s: %w", name, err)
		}
		line, _ := cr.FieldPos(0)
		c := Change{Action: rec[at[0]], Code: rec[at[1]], Into: rec[at[2]], row: line}
		if err := c.check(seen); err != nil {
			faults = append(faults, invalidf("%s: row %d, column %w", name, line, err))
		}
		seen[c.Code] = line
		out = append(out, c)
	}
	return out, errors.Join(faults...)
}

// check says what is wrong with a row of a proposal. It begins with the column.
func (c Change) check(seen map[string]int) error {
	if c.Action != ActionMerge && c.Action != ActionSplit {
		return fmt.Errorf("action: %q is neither %s nor %s", c.Action, ActionMerge, ActionSplit)
	}
	if err := checkCode(c.Code); err != nil {
		return fmt.Errorf("code: %w", err)
	}
	if at := seen[c.Code]; at > 0 {
		return fmt.Errorf("code: %s stands in row %d already", c.Code, at)
	}
	if err := checkCode(c.Into); c.Action == ActionMerge && err != nil {
		return fmt.Errorf("into: %w", err)
	}
	return nil
}

// ColumnMerged is the column of a frame with the codes of the units that were merged into
// one, with blanks between.
const ColumnMerged = "merged"

// mergedJoint stands between the different values that merged units have in a column.
const mergedJoint = "＋"

// Merge applies the merges of a proposal and returns the new frame. A merged unit has the
// lowest code of its units and their names, the sums of their sizes, and in every other
// column what they all have, or else all values in order. Its households are listed in the
// order of the codes in the column merged. Units are only merged within a township and a
// class. Splits are not applied: only the office knows which households a part has.
//
// Faults name the row of the proposal; name stands for its file.
func (f *Frame) Merge(name string, changes []Change) (*Frame, error) {
	at := make(map[string]int, len(f.Units))
	for i, u := range f.Units {
		at[u.Code] = i
	}
	groups := map[string][]Change{}
	for _, c := range changes {
		if c.Action == ActionMerge {
			groups[c.Into] = append(groups[c.Into], c)
		}
	}
	out := &Frame{Hash: f.Hash, Vintage: f.Vintage, Columns: slices.Clone(f.Columns), Remarks: f.Remarks}
	if !out.has(ColumnMerged) {
		out.Columns = append(out.Columns, ColumnMerged)
	}
	into, gone := map[int]FrameUnit{}, map[int]bool{}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		group, err := f.group(groups[key], at)
		if err != nil {
			if faults = append(faults, invalidf("%s: %w", name, err)); len(faults) == maxFaults {
				break
			}
			continue
		}
		for _, i := range group[1:] {
			gone[i] = true
		}
		into[group[0]] = f.joined(group)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	for i, u := range f.Units {
		if m, ok := into[i]; ok {
			u = m
		}
		if !gone[i] {
			out.Units = append(out.Units, u)
		}
	}
	return out, nil
}

// group finds the units that are merged into one, in the order of codes. An error begins
// with row and column.
func (f *Frame) group(changes []Change, at map[string]int) ([]int, error) {
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Code, b.Code) })
	first := changes[0]
	switch {
	case first.Code != first.Into:
		return nil, fmt.Errorf("row %d, column into: %s is not the lowest of the units merged into it; give it a row, and take the lowest code", first.row, first.Into)
	case len(changes) == 1:
		return nil, fmt.Errorf("row %d, column into: no other unit is merged into %s", first.row, first.Into)
	}
	var group []int
	for _, c := range changes {
		i, ok := at[c.Code]
		if !ok {
			return nil, fmt.Errorf("row %d, column code: the frame has no unit %s", c.row, c.Code)
		}
		if len(group) > 0 {
			u, v := f.Units[group[0]], f.Units[i]
			if u.Code[:9] != v.Code[:9] || u.Class != v.Class {
				return nil, fmt.Errorf("row %d, column into: %s and %s are of another township or class, which a draw keeps apart", c.row, u.Code, v.Code)
			}
		}
		group = append(group, i)
	}
	return group, nil
}

// joined is the unit that units are merged into.
func (f *Frame) joined(group []int) FrameUnit {
	first := f.Units[group[0]]
	u := FrameUnit{Code: first.Code, Class: first.Class, Row: first.Row, Columns: map[string]string{}}
	var codes []string
	for _, i := range group {
		x := f.Units[i]
		codes = append(codes, cmp.Or(x.Columns[ColumnMerged], x.Code))
		u.Households, u.Adults, u.Size = u.Households+x.Households, u.Adults+x.Adults, u.Size+x.Size
	}
	all := func(of func(FrameUnit) string) string {
		var values []string
		for _, i := range group {
			if v := of(f.Units[i]); v != "" && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		return strings.Join(values, mergedJoint)
	}
	u.Name = all(func(x FrameUnit) string { return x.Name })
	if u.ClassCode = first.ClassCode; slices.ContainsFunc(group, func(i int) bool { return f.Units[i].ClassCode != u.ClassCode }) {
		u.ClassCode = "" // of several
	}
	for c := range first.Columns {
		u.Columns[c] = all(func(x FrameUnit) string { return x.Columns[c] })
	}
	u.Columns[ColumnMerged] = strings.Join(codes, " ")
	return u
}
