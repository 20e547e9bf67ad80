package form

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// The behaviour of the engine is told by testdata/*.txt, one story in each file. A
// script is a list of commands; # begins a comment.
//
//	form NAME             start an interview with testdata/forms/NAME.json
//	answer ITEM VALUE…    set an answer; without a value the item is left blank
//	ignored ITEM VALUE…   set an answer and expect that the form does not take it
//	submit ITEM V… / …    send the page of the present section
//	asked ITEM…           these items are relevant
//	not asked ITEM…       these are not
//	value ITEM VALUE…     what the session holds for the item
//	problem WHERE CODE [MESSAGE]   what is wrong with an item or section
//	no problem WHERE      nothing is wrong with it
//	stay                  the present section cannot be left
//	next                  leave it for the next one, or for the end
//	back                  go back one section, whatever is wrong
//	at SECTION            where the person is now; after the last section, at end
//	done                  the interview finishes, and its replay is accepted
//	final ITEM VALUE…     what the final answers hold
//	not final ITEM…       items that the final answers do not hold
//
// Values are words, or in double quotes with the escapes of Go.

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 12 {
		t.Fatalf("found %d scripts in testdata, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			runScript(t, file, string(src))
		})
	}
}

// readForm compiles a form of testdata/forms.
func readForm(t testing.TB, name string) *Form {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", "forms", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var q surveys.Questionnaire
	if err := json.Unmarshal(src, &q); err != nil {
		t.Fatalf("form %s: %v", name, err)
	}
	f, err := Compile(&q)
	if err != nil {
		t.Fatalf("form %s: %v", name, err)
	}
	return f
}

// end is where a script is after the last section.
const end = "end"

// script is a script while it runs.
type script struct {
	t       *testing.T
	where   string // file and line
	f       *Form
	s       *Session
	section string // or end
	final   surveys.Answers
}

func runScript(t *testing.T, file, src string) {
	t.Helper()
	sc := &script{t: t}
	for n, line := range strings.Split(src, "\n") {
		sc.where = file + ":" + strconv.Itoa(n+1)
		words := sc.words(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == "not" || words[0] == "no" {
			words = append([]string{words[0] + " " + words[1]}, words[2:]...)
		}
		sc.command(words[0], words[1:])
	}
	if sc.f == nil {
		t.Fatalf("%s: the script names no form", file)
	}
}

func (sc *script) fatalf(format string, args ...any) {
	sc.t.Helper()
	sc.t.Fatalf(sc.where+": "+format, args...)
}

// words cuts a line into words.
func (sc *script) words(line string) []string {
	sc.t.Helper()
	var words []string
	for {
		line = strings.TrimLeft(line, " ")
		if line == "" || line[0] == '#' {
			return words
		}
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			sc.fatalf("%v", err)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			sc.fatalf("%v", err)
		}
		words, line = append(words, word), line[len(quoted):]
	}
}

func (sc *script) command(name string, args []string) {
	sc.t.Helper()
	switch name {
	case "form":
		sc.f = readForm(sc.t, args[0])
		sc.s = sc.f.Start()
		sc.turn(sc.s.Next)
	case "answer", "ignored":
		if sc.s.Set(args[0], args[1:]) != (name == "answer") {
			sc.fatalf("Set(%s) did not return %v", args[0], name == "answer")
		}
	case "asked", "not asked":
		for _, id := range args {
			sc.relevant(id, name == "asked")
		}
	case "value":
		sc.same("value", sc.item(args[0]).Values, args[1:])
	case "problem":
		sc.problem(args)
	case "no problem":
		if p := sc.problemOf(args[0]); p.Code != "" {
			sc.fatalf("%v, want no problem", p)
		}
	case "submit", "stay", "next", "back", "at":
		sc.move(name, args)
	case "done", "final", "not final":
		sc.finish(name, args)
	default:
		sc.fatalf("there is no command %q", name)
	}
}

// item returns the state of an item.
func (sc *script) item(id string) ItemState {
	sc.t.Helper()
	st := sc.s.State()
	for _, sec := range st.Sections {
		for _, it := range sec.Items {
			if it.Item.ID == id {
				return it
			}
		}
	}
	sc.fatalf("there is no item %q", id)
	return ItemState{}
}

func (sc *script) relevant(id string, want bool) {
	sc.t.Helper()
	if got := sc.item(id).Relevant; got != want {
		sc.fatalf("%s: asked = %v, want %v", id, got, want)
	}
}

func (sc *script) same(what string, got, want []string) {
	sc.t.Helper()
	if !slices.Equal(got, want) {
		sc.fatalf("%s = %q, want %q", what, got, want)
	}
}

// problemOf returns the problem of an item or a section.
func (sc *script) problemOf(where string) Problem {
	sc.t.Helper()
	for _, sec := range sc.s.State().Sections {
		for _, p := range sc.s.Check(sec.Section.ID) {
			if p.Item == where || p.Item == "" && p.Section == where {
				return p
			}
		}
	}
	return Problem{}
}

func (sc *script) problem(args []string) {
	sc.t.Helper()
	p := sc.problemOf(args[0])
	if string(p.Code) != args[1] {
		sc.fatalf("problem of %s = %q, want %s", args[0], p.Code, args[1])
	}
	if len(args) > 2 && p.Message.In(surveys.ZH) != args[2] {
		sc.fatalf("message %q, want %q", p.Message, args[2])
	}
}

func (sc *script) move(name string, args []string) {
	sc.t.Helper()
	problems := sc.s.Check(sc.section)
	switch name {
	case "submit":
		sc.s.Submit(sc.section, page(args))
	case "stay":
		if len(problems) == 0 {
			sc.fatalf("section %s can be left", sc.section)
		}
	case "next":
		if len(problems) > 0 {
			sc.fatalf("section %s cannot be left: %v", sc.section, problems)
		}
		sc.turn(sc.s.Next)
	case "back":
		sc.turn(sc.s.Prev)
	case "at":
		if sc.section != args[0] {
			sc.fatalf("at section %q, want %q", sc.section, args[0])
		}
	}
}

// turn goes to another section; from and to the end, the engine calls it "".
func (sc *script) turn(to func(string) (string, bool)) {
	if sc.section == end {
		sc.section = ""
	}
	var ok bool
	if sc.section, ok = to(sc.section); !ok {
		sc.section = end
	}
}

// page is what a browser sends: item and values, the next item after a slash.
func page(words []string) map[string][]string {
	values := map[string][]string{}
	for len(words) > 0 {
		n := slices.Index(words, "/")
		if n < 0 {
			n = len(words)
		}
		values[words[0]] = words[1:n]
		words = words[min(n+1, len(words)):]
	}
	return values
}

func (sc *script) finish(name string, args []string) {
	sc.t.Helper()
	switch name {
	case "done":
		final, problems := sc.s.Finish()
		if len(problems) > 0 {
			sc.fatalf("not done: %v", problems)
		}
		if again := sc.f.Replay(final); len(again) > 0 {
			sc.fatalf("Replay(%v) = %v", final, again)
		}
		sc.final = final
	case "final":
		values, ok := sc.final[args[0]]
		if !ok {
			sc.fatalf("the final answers have no %s", args[0])
		}
		sc.same("final "+args[0], values, args[1:])
	case "not final":
		for _, id := range args {
			if v, ok := sc.final[id]; ok {
				sc.fatalf("the final answers have %s: %q", id, v)
			}
		}
	}
}
