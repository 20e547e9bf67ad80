// Package definition reads questionnaires that people write as YAML files.
//
// Reading is strict: an unknown key, a key given twice, a value of the wrong type
// and everything that would not work in the field is a fault with its line, column,
// cause and way out, and all faults are reported at once. What Read returns can be
// asked by package form and scored by package score.
//
// The keys are the JSON names of surveys.Questionnaire. For the author's comfort
// there are additions: options shared by several items stand under option_lists and
// are used by name (options: NAME); a list with one entry may be written without the
// dash (key: a); a figure may name its file (figure: {file: m07.svg, alt: {…}}), which
// must be a harmless SVG drawing or a picture; and a grid may be written with its rows
// (rows: [{id: …, text: …}]), which become the items after it. The code list of a
// region is one that comes with the program, or the file LIST.csv beside the definition.
//
// Whatever is read, time and memory are bounded: the limits are constants here and
// stand in the manual, reference/questionnaire.
package definition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
)

// MaxSize is the largest definition that is read, in bytes.
const MaxSize = 1 << 20

// ReadFile reads and checks the definition in a file; figures are looked for beside
// it. A definition with faults gives Faults.
func ReadFile(path string) (*surveys.Questionnaire, error) {
	src, err := Load(path)
	if err != nil {
		return nil, err
	}
	return Read(path, src, os.DirFS(filepath.Dir(path)))
}

// Load returns the bytes of a definition's file, of one that is too large only as many
// as show that.
func Load(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	return src, nil
}

// Read reads and checks a definition. The name is used in messages, files holds the
// figures and may be nil. A definition with faults gives Faults.
func Read(name string, src []byte, files fs.FS) (*surveys.Questionnaire, error) {
	var q surveys.Questionnaire
	s, err := Decode(name, src, files, &q)
	if err != nil {
		return nil, err
	}
	if s.Lint(&q); s.Err() != nil {
		return nil, s.Err()
	}
	return &q, nil
}

// Source is a file that was decoded without fault. It knows where everything was
// written, so that those who check what it says can report faults with their place.
type Source struct{ *report }

// Decode reads a file into a struct with json tags, as strictly as Read does and with
// its additions, but checks nothing more.
func Decode(name string, src []byte, files fs.FS, into any) (*Source, error) {
	d := &decoder{
		report: newReport(name, src, files),
		lists:  map[string]*yaml.Node{},
		used:   map[string]bool{},
		known:  map[reflect.Type][]reflect.StructField{},
	}
	root := d.parse()
	if root == nil {
		return nil, d.err()
	}
	d.takeLists(root)
	d.value(root, reflect.ValueOf(into).Elem(), "")
	d.unusedLists()
	if err := d.err(); err != nil {
		return nil, err
	}
	return &Source{&d.report}, nil
}

// Lint checks the questionnaire that was decoded, or what was made of it.
func (s *Source) Lint(q *surveys.Questionnaire) {
	l := linter{report: s.report, q: q}
	l.lint()
}

// LintItem checks an item that was written at a path by itself, in the languages and
// for the criterion of q.
func (s *Source) LintItem(q *surveys.Questionnaire, path string, it *surveys.Item) {
	l := linter{report: s.report, q: q}
	l.id(path+".id", it.ID, itemID)
	l.item(path, it)
}

// Fault reports what is wrong at a path, such as items[2].key, and the way out.
func (s *Source) Fault(path, msg, way string) { s.faultAt(path, msg, way) }

// Err returns the faults reported so far as Faults, or nil.
func (s *Source) Err() error { return s.err() }

// parse returns the root of the only document, or nil and a fault.
func (d *decoder) parse() *yaml.Node {
	start := &yaml.Node{Line: 1, Column: 1}
	switch {
	case len(d.source) > MaxSize:
		d.fault(start, "", "the definition is larger than 1 MiB", "move figures into files of their own")
		return nil
	case !utf8.Valid(d.source):
		d.fault(start, "", "the definition is not UTF-8 text", "save the file as UTF-8")
		return nil
	}
	if d.hidden(); len(d.faults) > 0 {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(d.source))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		d.fault(start, "", "the definition is empty", "write a questionnaire, beginning with “id: …”")
		return nil
	} else if err != nil {
		d.syntax(err)
		return nil
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		d.fault(&second, "", "a second document begins here", "remove the line “---”; one file holds one questionnaire")
		return nil
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil
	}
	return doc.Content[0]
}

var (
	yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	// lineBefore marks the messages of the parser that count lines from 0.
	lineBefore = regexp.MustCompile(`^did not find expected (',' or '[]}]'|key|'-' indicator|node content|<)`)
)

// syntax reports an error of the YAML parser, which knows only the line.
func (d *decoder) syntax(err error) {
	at := &yaml.Node{Line: 1, Column: 1}
	msg := err.Error()
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		msg = strings.TrimPrefix(msg, m[0])
		if n, err := strconv.Atoi(m[1]); err == nil {
			at.Line = n
			if lineBefore.MatchString(msg) {
				at.Line++
			}
		}
	}
	if d.tab(at.Line) || d.wideColonNear(at.Line) {
		return
	}
	if at.Line <= len(d.lines) {
		at.Column += len(indent([]rune(d.lines[at.Line-1])))
	}
	d.fault(at, "", "this is not YAML: "+msg, "check indentation and brackets near this line, and put texts with : # ? , [ ] { } in quotes")
}

// tab reports a tab in the indentation of a line.
func (d *decoder) tab(line int) bool {
	if line < 1 || line > len(d.lines) {
		return false
	}
	before := indent([]rune(d.lines[line-1]))
	i := slices.Index(before, '\t')
	if i >= 0 {
		d.faultIn(spot{line, i + 1}, "", "here stands a tab, and YAML is indented with blanks", "replace it with blanks, as many as in the lines beside it")
	}
	return i >= 0
}

// wideColon is a key with the colon of Chinese texts behind it.
var wideColon = regexp.MustCompile(`^[ \t]*(?:- +)*[A-Za-z_][A-Za-z0-9_-]*[ \t]*：`)

const (
	msgWideColon = "here stands the full-width colon ：, which is no sign of YAML"
	wayWideColon = "write “: ” behind a key, the colon of the English keyboard and a blank"
)

// wideColonNear reports such a key in a line or the two before it, where the parser
// notices it late.
func (d *decoder) wideColonNear(line int) bool {
	for at := min(line, len(d.lines)); at >= 1 && at >= line-2; at-- {
		if key := wideColon.FindString(d.lines[at-1]); key != "" {
			d.faultIn(spot{at, utf8.RuneCountInString(key)}, "", msgWideColon, wayWideColon)
			return true
		}
	}
	return false
}

// wideColonIn reports such a key that the parser took for a text.
func (d *decoder) wideColonIn(n *yaml.Node, path string) bool {
	key := wideColon.FindString(n.Value)
	if n.Kind != yaml.ScalarNode || n.Style != 0 || key == "" {
		return false
	}
	d.faultIn(spot{n.Line, n.Column + utf8.RuneCountInString(key) - 1}, path, msgWideColon, wayWideColon)
	return true
}

func (d *decoder) unusedLists() {
	for name := range d.lists {
		if !d.used[name] {
			d.faultAt("option_lists."+name, fmt.Sprintf("option list %q is not used", name), "use it or remove it")
		}
	}
}
