package definition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
)

// Fault is one thing that is wrong in a definition: where, what, and the way out.
type Fault struct {
	File string
	// Line and Col count from 1, Col in characters; 0 when the place is not known.
	Line, Col int
	// Path is the place in the questionnaire, such as sections[2].items[0].key.
	Path string
	Msg  string
	// Way is the way out.
	Way string
	// Excerpt is the faulty line of the file with a caret below the fault, or empty.
	Excerpt string
}

// Error writes the fault as file:line:col: cause; way out.
func (f Fault) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Msg)
	if f.Way != "" {
		s += "; " + f.Way
	}
	if f.Excerpt != "" {
		s += "\n" + f.Excerpt
	}
	return s
}

// Faults are all the faults of a definition, in the order of the file.
type Faults []Fault

// Error writes one fault on each line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.Is(err, surveys.ErrInvalid) true.
func (f Faults) Unwrap() error { return surveys.ErrInvalid }

// report gathers faults while a definition is read and checked.
type report struct {
	file   string
	source []byte
	// at is where each path was written.
	at     map[string]*yaml.Node
	faults Faults
}

// fault reports something at a node.
func (r *report) fault(n *yaml.Node, path, msg, way string) {
	r.faults = append(r.faults, Fault{File: r.file, Line: n.Line, Col: n.Column, Path: path, Msg: msg, Way: way})
}

// faultAt reports something at a path, or at the nearest enclosing thing that was
// written when the path itself was not.
func (r *report) faultAt(path, msg, way string) {
	n, ok := r.node(path)
	if !ok {
		n = &yaml.Node{Line: 1, Column: 1}
	}
	r.fault(n, path, msg, way)
}

// node finds where a path, or what encloses it, was written.
func (r *report) node(path string) (*yaml.Node, bool) {
	for {
		if n, ok := r.at[path]; ok {
			return n, true
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			n, ok := r.at[""]
			return n, ok
		}
		path = path[:i]
	}
}

// err returns the faults in the order of the file, each once, or nil.
func (r *report) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(r.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Msg, b.Msg))
	})
	return slices.CompactFunc(r.faults, func(a, b Fault) bool {
		return a.Line == b.Line && a.Col == b.Col && a.Msg == b.Msg
	})
}

// excerpt shows line of the source with a caret below column col.
func (r *report) excerpt(line, col int) string {
	lines := strings.Split(string(r.source), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	text := []rune(strings.TrimRight(lines[line-1], "\r"))
	if col < 1 || col > len(text)+1 {
		return ""
	}
	var pad strings.Builder
	for _, c := range text[:col-1] {
		switch {
		case c == '\t':
			pad.WriteByte('\t')
		case c >= 0x2E80:
			pad.WriteString("  ") // wide in a terminal, as Chinese is
		default:
			pad.WriteByte(' ')
		}
	}
	return "    " + string(text) + "\n    " + pad.String() + "^"
}
