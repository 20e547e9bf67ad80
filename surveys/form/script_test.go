package form

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// The behaviour of the engine is told by testdata/*.txt, one story in each file. A
// script is a list of commands; # begins a comment.
//
//	form NAME [seed N] [booklet ID]   start an interview with testdata/forms/NAME.json
//	answer ITEM VALUE…    set an answer; without a value the item is left blank
//	ignored ITEM VALUE…   set an answer and expect that the form does not take it
//	submit ITEM V… / …    send the page that is shown
//	asked ITEM…           these items are relevant
//	not asked ITEM…       these are not
//	value ITEM VALUE…     what the session holds for the item
//	options ITEM CODE…    the options that are offered, in the order shown
//	steps ITEM CODE…      the levels of a region to choose from: what each lies in
//	says ITEM TEXT        the question as it is put, in Chinese
//	title TEXT            the title of the page's section, and intro TEXT its intro
//	problem WHERE CODE [MESSAGE]   what is wrong with an item or section
//	soft WHERE CHECK      this soft check is broken
//	no problem WHERE      nothing is wrong with it
//	stay                  the page cannot be left
//	next                  leave it for the next one, or for the end
//	back                  go back one page, whatever is wrong
//	jump ITEM             go to the page of an item; no jump ITEM: that is not possible
//	page ITEM…            the page holds just these items, in this order
//	row N                 the page belongs to this row of a roster
//	section N of M        the page is of the N-th of M relevant sections
//	begins                the page is the first of its section; not begins: it is not
//	at SECTION            where the person is now; after the last section, at end
//	resume                put the interview away and take it up again
//	done                  the interview finishes, and its replay is accepted
//	final ITEM VALUE…     what the final answers hold
//	not final ITEM…       items that the final answers do not hold
//	kept CHECK…           the soft checks that the person went past
//	order WHERE WHAT…     the recorded order of options, rows, items, or with "" of sections
//	broken off ITEM       the interview as a break-off is accepted, and this item was reached
//	forged ITEM VALUE… CODE   the final answers, or the break-off, with this one changed are not accepted
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

// divisions is a code list of two provinces.
func divisions(t testing.TB) *geo.List {
	t.Helper()
	l, err := geo.Read("cn-test", strings.NewReader(`code,name_zh,name_en
330000,浙江省,Zhejiang
330100,杭州市,Hangzhou
330106,西湖区,Xihu
330108,滨江区,Binjiang
330200,宁波市,Ningbo
330203,海曙区,Haishu
420000,湖北省,Hubei
429004,仙桃市,Xiantao
440000,广东省,Guangdong
440100,广州市,Guangzhou
440106,天河区,Tianhe
440106001,五山街道,Wushan
441900,东莞市,Dongguan
441900003,东城街道,Dongcheng
500000,重庆市,Chongqing
`))
	if err != nil {
		t.Fatal(err)
	}
	return l
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
	f, err := Compile(&q, divisions(t))
	if err != nil {
		t.Fatalf("form %s: %v", name, err)
	}
	return f
}

// end is where a script is after the last section.
const end = "end"

// script is a script while it runs.
type script struct {
	t     *testing.T
	where string // file and line
	f     *Form
	s     *Session
	final Result
	off   bool // final is a break-off
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
		if words[0] == "not" || words[0] == "no" || words[0] == "broken" {
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
		sc.start(args)
	case "answer", "ignored":
		if sc.s.Set(args[0], args[1:]) != (name == "answer") {
			sc.fatalf("Set(%s) did not return %v", args[0], name == "answer")
		}
	case "asked", "not asked":
		for _, key := range args {
			if got := sc.item(key).Relevant; got != (name == "asked") {
				sc.fatalf("%s: asked = %v", key, got)
			}
		}
	case "value":
		sc.same("value", sc.item(args[0]).Values, args[1:])
	case "options", "steps", "says":
		sc.shown(name, args)
	case "problem", "soft", "no problem":
		sc.problem(name, args)
	case "submit", "stay", "next", "back", "jump", "no jump", "page", "row", "section", "begins", "not begins", "title", "intro", "at", "resume":
		sc.move(name, args)
	case "done", "final", "not final", "kept", "order", "broken off", "forged":
		sc.finish(name, args)
	default:
		sc.fatalf("there is no command %q", name)
	}
}

func (sc *script) start(args []string) {
	sc.t.Helper()
	var o Start
	for rest := args[1:]; len(rest) >= 2; rest = rest[2:] {
		if rest[0] == "booklet" {
			o.Booklet = rest[1]
			continue
		}
		seed, err := strconv.ParseUint(rest[1], 10, 32)
		if err != nil || rest[0] != "seed" {
			sc.fatalf("%v", args)
		}
		o.Seed = uint32(seed)
	}
	sc.f = readForm(sc.t, args[0])
	var err error
	if sc.s, err = sc.f.Start(o); err != nil {
		sc.fatalf("%v", err)
	}
}

// item returns the state of an item.
func (sc *script) item(key string) ItemState {
	sc.t.Helper()
	i, row, ok := sc.f.find(key)
	if !ok {
		sc.fatalf("there is no item %q", key)
	}
	sc.s.refresh()
	return sc.s.item(i, row)
}

func (sc *script) shown(name string, args []string) {
	sc.t.Helper()
	it := sc.item(args[0])
	var got []string
	switch name {
	case "options":
		for _, o := range it.Options {
			got = append(got, o.Code)
		}
	case "steps":
		for _, s := range it.Steps {
			within := s.Within
			if within == "" {
				within = "top"
			}
			got = append(got, within)
		}
	case "says":
		got = []string{sc.s.Text(it.Item.Text, surveys.ZH, it.Key)}
	}
	sc.same(name, got, args[1:])
}

func (sc *script) same(what string, got, want []string) {
	sc.t.Helper()
	if !slices.Equal(got, want) {
		sc.fatalf("%s = %q, want %q", what, got, want)
	}
}

// problemsOf returns the problems of an item or a section.
func (sc *script) problemsOf(where string) (found []Problem) {
	sc.s.refresh()
	for n := range sc.f.sections {
		for _, p := range sc.s.appendProblems(nil, n) {
			if p.Item == where || p.Item == "" && p.Section == where {
				found = append(found, p)
			}
		}
	}
	return found
}

func (sc *script) problem(name string, args []string) {
	sc.t.Helper()
	found := sc.problemsOf(args[0])
	switch name {
	case "no problem":
		if len(found) > 0 {
			sc.fatalf("%v, want no problem", found)
		}
		return
	case "soft":
		if !slices.ContainsFunc(found, func(p Problem) bool { return p.Soft && strconv.Itoa(p.Check) == args[1] }) {
			sc.fatalf("%v, want soft check %s", found, args[1])
		}
		return
	}
	if len(found) == 0 || string(found[0].Code) != args[1] || found[0].Soft {
		sc.fatalf("problems of %s: %v, want %s", args[0], found, args[1])
	}
	if len(args) > 2 && found[0].Message.In(surveys.ZH) != args[2] {
		sc.fatalf("message %q, want %q", found[0].Message, args[2])
	}
}

func (sc *script) move(name string, args []string) {
	sc.t.Helper()
	page := sc.s.State().Page
	switch name {
	case "submit":
		sc.s.SubmitShown(sent(args), 0)
	case "stay":
		if problems := sc.s.Next(); len(problems) == 0 {
			sc.fatalf("page %s can be left", page.ID)
		}
	case "next":
		if problems := sc.s.Next(); len(problems) > 0 {
			sc.fatalf("page %s cannot be left: %v", page.ID, problems)
		}
	case "back":
		if !sc.s.Back() {
			sc.fatalf("there is no page before")
		}
	case "jump", "no jump":
		if sc.s.Jump(args[0]) != (name == "jump") {
			sc.fatalf("Jump(%s) did not return %v", args[0], name == "jump")
		}
	case "resume":
		again, err := sc.f.Resume(sc.s.Save())
		if err != nil {
			sc.fatalf("%v", err)
		}
		sc.s = again
	default:
		sc.place(name, args, page)
	}
}

func (sc *script) place(name string, args []string, page *Page) {
	sc.t.Helper()
	at := end
	if page != nil {
		at = page.Section.ID
	} else if name != "at" {
		sc.fatalf("no page is shown at the end")
	}
	switch name {
	case "at":
		sc.same("at", []string{at}, args)
	case "page":
		var keys []string
		for _, it := range page.Items {
			keys = append(keys, it.Key)
		}
		sc.same("page", keys, args)
	case "row":
		sc.same("row", []string{strconv.Itoa(page.Row)}, args)
	case "title":
		sc.same("title", []string{sc.s.Text(page.Section.Title, surveys.ZH, "")}, args)
	case "intro":
		sc.same("intro", []string{sc.s.Text(page.Section.Intro, surveys.ZH, "")}, args)
	case "begins", "not begins":
		if page.First != (name == "begins") {
			sc.fatalf("First is %v", page.First)
		}
	case "section":
		st := sc.s.State()
		n := slices.IndexFunc(st.Sections, func(ss SectionState) bool { return ss.Section == page.Section })
		sc.same("section", []string{strconv.Itoa(st.Sections[n].Position), "of", strconv.Itoa(st.Relevant)}, args)
	}
}

// sent is what a browser sends: item and values, the next item after a slash.
func sent(words []string) map[string][]string {
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
		sc.accepted(final, false)
		sc.final, sc.off = final, false
	case "broken off":
		sc.final, sc.off = sc.s.Partial(), true
		sc.accepted(sc.final, true)
		sc.same("reached", []string{sc.final.Last}, args)
	case "final":
		values, ok := sc.final.Answers[args[0]]
		if !ok {
			sc.fatalf("the final answers have no %s", args[0])
		}
		sc.same("final "+args[0], values, args[1:])
	case "not final":
		for _, key := range args {
			if v, ok := sc.final.Answers[key]; ok {
				sc.fatalf("the final answers have %s: %q", key, v)
			}
		}
	case "order":
		sc.same("order of "+args[0], sc.final.Paradata.Orders[args[0]], args[1:])
	case "kept":
		sc.same("kept", sc.final.Paradata.Kept, args)
	case "forged":
		code := args[len(args)-1]
		iv := sc.interview(sc.final, sc.off)
		iv.Answers = maps.Clone(iv.Answers)
		iv.Answers[args[0]] = args[1 : len(args)-1]
		found := sc.f.Replay(iv)
		if !slices.ContainsFunc(found, func(p Problem) bool { return string(p.Code) == code }) {
			sc.fatalf("Replay = %v, want %s", found, code)
		}
	}
}

func (sc *script) interview(r Result, partial bool) *surveys.Interview {
	return &surveys.Interview{Answers: r.Answers, Paradata: r.Paradata, Booklet: sc.s.start.Booklet, Partial: partial, Last: r.Last}
}

func (sc *script) accepted(r Result, partial bool) {
	sc.t.Helper()
	if again := sc.f.Replay(sc.interview(r, partial)); len(again) > 0 {
		sc.fatalf("Replay(%v) = %v", r, again)
	}
}
