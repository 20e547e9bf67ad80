package definition

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

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

// Error writes one fault after the other.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.Is(err, surveys.ErrInvalid) true.
func (f Faults) Unwrap() error { return surveys.ErrInvalid }

// maxFaults is how many faults are told at once; the last one says how many more
// there are.
const maxFaults = 100

// report gathers faults while a definition is read and checked.
type report struct {
	file   string
	source []byte
	lines  []string
	files  fs.FS // what lies beside the file; may be nil
	// at is where each path was written.
	at     map[string]*yaml.Node
	faults Faults
}

// newReport splits the source into lines, which end with LF, CR LF or CR.
func newReport(file string, source []byte, files fs.FS) report {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(source))
	return report{file: file, source: source, files: files, lines: strings.Split(text, "\n"), at: map[string]*yaml.Node{}}
}

// fault reports something at a node.
func (r *report) fault(n *yaml.Node, path, msg, way string) {
	r.faultIn(spot{n.Line, n.Column}, path, msg, way)
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

// faultIn reports something at a place of the file.
func (r *report) faultIn(at spot, path, msg, way string) {
	r.faults = append(r.faults, Fault{File: r.file, Line: at.line, Col: at.col, Path: path, Msg: msg, Way: way})
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

// err returns the faults in the order of the file, each once and with the line it is
// in, or nil.
func (r *report) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	faults := slices.Clone(r.faults)
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Msg, b.Msg))
	})
	faults = slices.CompactFunc(faults, func(a, b Fault) bool {
		return a.Line == b.Line && a.Col == b.Col && a.Msg == b.Msg
	})
	if more := len(faults) - maxFaults; more > 0 {
		faults = faults[:maxFaults]
		last := faults[maxFaults-1]
		faults = append(faults, Fault{File: r.file, Line: last.Line, Col: last.Col,
			Msg: fmt.Sprintf("%d more faults are not shown", more), Way: "correct these first"})
	}
	for i := range faults {
		faults[i].Excerpt = r.excerpt(faults[i].Line, faults[i].Col)
	}
	return faults
}

// Of a long line the excerpt shows some characters before and after the fault.
const excerptBefore, excerptAfter = 60, 60

// excerpt shows a line of the source with a caret below the column, or nothing when
// there is no such place. What would not show as itself is shown as a dot.
func (r *report) excerpt(line, col int) string {
	if line < 1 || line > len(r.lines) {
		return ""
	}
	text, before := window(r.lines[line-1], col)
	if text == nil && col != 1 {
		return ""
	}
	var shown, pad strings.Builder
	for i, c := range text {
		if hidden(c) != "" {
			c = '·'
		}
		shown.WriteRune(c)
		if i < before {
			pad.WriteString(blank(c))
		}
	}
	return "    " + shown.String() + "\n    " + pad.String() + "^"
}

// window cuts a line around its column col and counts the runes before the column;
// nil when the line is shorter than that.
func window(line string, col int) (cut []rune, before int) {
	first, last := col-excerptBefore, col+excerptAfter
	n := 0
	for _, c := range line {
		n++
		if n > last {
			cut = append(cut, '…')
			break
		}
		if n < first {
			continue
		}
		if n < col {
			before++
		}
		cut = append(cut, c)
	}
	if col < 1 || col > n+1 {
		return nil, 0
	}
	if first > 1 {
		return append([]rune{'…'}, cut...), before + 1
	}
	return cut, before
}

// blank is a space as wide as c is in a terminal.
func blank(c rune) string {
	switch {
	case c == '\t':
		return "\t"
	case unicode.In(c, unicode.Mn, unicode.Me):
		return ""
	}
	switch width.LookupRune(c).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return "  "
	}
	return " "
}
