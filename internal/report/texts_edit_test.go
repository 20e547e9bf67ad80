package report

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// What only the report can know is named together with what is wrong with the file itself, in
// the order of the lines.
func TestAllTextFaultsAtOnce(t *testing.T) {
	src := "文字\n## findings\n比例为 {rat}，{city.9}。\n### 小标题\n\n南湖市为 25.0%。\n\n## foundings\n文字\n\n## suggestions\n比例为 {rate。\n\n<!-- 说明\n"
	texts := read(t, src)
	opt := fixtureOptions
	opt.Texts, opt.Disclosure = texts, withheldPlaces{{Table: "city", Group: "3"}: TooFew}
	want := []TextFaultKind{FaultNoBlock, FaultNoNumber, FaultNoGroup, FaultHeading, FaultRevealing, FaultUnknownBlock, FaultBrace, FaultOpenComment}
	_, err := Build(full(), surveys.ZH, opt)
	if got := kinds(TextFaults(err)); !slices.Equal(got, want) || !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("the report names %v\nwant %v\n%v", got, want, err)
	}
	var out strings.Builder
	if got := kinds(TextFaults(WriteTexts(&out, full(), surveys.ZH, opt))); !slices.Equal(got, want) || out.Len() > 0 {
		t.Errorf("writing the file names %v and writes %q", got, out.String())
	}
}

func kinds(faults []*TextFault) (list []TextFaultKind) {
	for _, f := range faults {
		list = append(list, f.Kind)
	}
	return list
}

// Every kind has a text that fills in what the kind has.
func TestTextFaultsSayEverything(t *testing.T) {
	for _, kind := range TextFaultKinds() {
		f := &TextFault{Name: "x", Line: 1, Kind: kind}
		for range strings.Count(textFaultTexts[kind], "%") {
			f.What = append(f.What, "what")
		}
		if got := f.Error(); strings.Contains(got, "%!") || len(got) < 20 {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

func blockOf(t *testing.T, r *assess.Results, texts *Texts, id string) TextBlock {
	t.Helper()
	opt := fixtureOptions
	opt.Texts = texts
	list, err := TextBlocks(r, surveys.ZH, opt)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(b TextBlock) bool { return b.ID == id })
	if i < 0 {
		t.Fatalf("no block %s", id)
	}
	return list[i]
}

func edit(r *assess.Results, texts *Texts, e TextEdit) ([]byte, TextBlock, error) {
	opt := fixtureOptions
	opt.Texts = texts
	return EditTexts(r, surveys.ZH, opt, e)
}

// A block is saved, marked when its facts change, saved again with the new facts, and restored;
// the others stay as they are.
func TestEditOneBlock(t *testing.T) {
	const id = "text-group-residence"
	before := blockOf(t, full(), nil, id)
	if before.Edited || before.Version != "" || !strings.Contains(before.Draft, "16.2%") || before.Section == "" {
		t.Fatalf("the block is %+v", before)
	}
	src, now, err := edit(full(), nil, TextEdit{ID: id, Text: "城镇为 {residence.urban}。\r\n\r\n- 第一条 \r\n", Facts: before.Facts})
	if err != nil || now.Text != "城镇为 {residence.urban}。\n\n- 第一条" || !now.Edited || now.Stale {
		t.Fatalf("saved: %+v, %v", now, err)
	}
	texts := read(t, string(src))
	if got := textOf(withTexts(t, full(), texts), id); got == nil || got.Paragraphs[0] != "城镇为 16.2%。" {
		t.Errorf("the report has %+v", got)
	}
	if again := file(t, full(), texts); again != string(src) {
		t.Errorf("“suyang texts” writes another file:\n%s\nnot\n%s", again, src)
	}
	moved := full()
	moved.Tables[2].Groups[0].Rows[0].Estimate.Value = 0.171
	stale := blockOf(t, moved, texts, id)
	if !stale.Stale || !strings.Contains(stale.Draft, "17.1%") {
		t.Fatalf("after a change of numbers: %+v", stale)
	}
	// Whoever saw the old facts is still marked, whoever saw the new ones is not.
	for facts, want := range map[string]bool{before.Facts: true, stale.Facts: false} {
		if _, now, err = edit(moved, texts, TextEdit{ID: id, Text: "新", Facts: facts, Version: stale.Version}); err != nil || now.Stale != want {
			t.Errorf("saved with facts %s: %+v, %v", facts, now, err)
		}
	}
	src, now, err = edit(full(), texts, TextEdit{ID: id, Restore: true, Version: stale.Version})
	if err != nil || now.Edited || string(src) != file(t, full(), nil) {
		t.Errorf("restored: %+v, %v\n%s", now, err, src)
	}
	// The draft itself, sent back as it is, is no change.
	if _, now, err = edit(full(), nil, TextEdit{ID: id, Text: before.Draft, Facts: before.Facts}); err != nil || now.Edited {
		t.Errorf("the draft sent back: %+v, %v", now, err)
	}
	// An emptied block stays away.
	src, now, err = edit(full(), nil, TextEdit{ID: id, Text: " \r\n", Facts: before.Facts})
	if err != nil || !now.Edited || textOf(withTexts(t, full(), read(t, string(src))), id) != nil {
		t.Errorf("emptied: %+v, %v", now, err)
	}
}

// Of two who change one block the second one is told what the first one wrote; another block
// is no matter.
func TestEditConflict(t *testing.T) {
	src, _, err := edit(full(), nil, TextEdit{ID: "findings", Text: "甲"})
	if err != nil {
		t.Fatal(err)
	}
	texts := read(t, string(src))
	var conflict *TextConflict
	if _, _, err = edit(full(), texts, TextEdit{ID: "findings", Text: "乙"}); !errors.As(err, &conflict) || conflict.Now.Text != "甲" || !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("the second one: %v", err)
	}
	if _, _, err = edit(full(), texts, TextEdit{ID: "findings", Restore: true}); !errors.As(err, &conflict) {
		t.Errorf("who restores: %v", err)
	}
	if src, _, err = edit(full(), texts, TextEdit{ID: "suggestions", Text: "乙"}); err != nil || !strings.Contains(string(src), "甲") {
		t.Errorf("another block: %v\n%s", err, src)
	}
	if _, _, err = edit(full(), texts, TextEdit{ID: "nothing", Text: "乙"}); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("a block that is not there: %v", err)
	}
}

// Every fault of a text is named at once by its own lines, and nothing is written.
func TestEditFaults(t *testing.T) {
	text := "\n## 标题\n比例为 {rat}，{city.9}。\n文字 <!-- 待核 -->\n{rate\n响\x01铃\n"
	want := []TextFaultKind{FaultHeading, FaultNoNumber, FaultNoGroup, FaultComment, FaultBrace, FaultOdd}
	src, _, err := edit(full(), nil, TextEdit{ID: "findings", Text: text})
	if got := kinds(TextFaults(err)); !slices.Equal(got, want) || src != nil {
		t.Errorf("the faults are %v, want %v", got, want)
	}
	for i, line := range []int{2, 3, 3, 4, 5, 6} {
		if got := TextFaults(err)[i].Line; got != line {
			t.Errorf("fault %d is in line %d, want %d", i, got, line)
		}
	}
}

// What others wrote by hand is not lost: a block that the report does not have is kept until
// somebody takes it out, and a file with text outside any block is not written over. Faults of
// other blocks keep nobody from saving.
func TestEditKeepsTheRestOfTheFile(t *testing.T) {
	texts := read(t, "## foundings\n旧文\n\n## suggestions\n{rat} {rate\n")
	src, _, err := edit(full(), texts, TextEdit{ID: "findings", Text: "甲"})
	if err != nil || !strings.Contains(string(src), "## foundings\n\n旧文") || !strings.Contains(string(src), "{rat} {rate") {
		t.Fatalf("saved: %v\n%s", err, src)
	}
	kept := read(t, string(src))
	old := blockOf(t, full(), kept, "foundings")
	if !old.Unknown || old.Text != "旧文" {
		t.Errorf("the unknown block is %+v", old)
	}
	if got := kinds(blockOf(t, full(), kept, "suggestions").Faults); !slices.Equal(got, []TextFaultKind{FaultNoNumber, FaultBrace}) && !slices.Equal(got, []TextFaultKind{FaultBrace, FaultNoNumber}) {
		t.Errorf("the faults of another block are %v", got)
	}
	src, _, err = edit(full(), kept, TextEdit{ID: "foundings", Restore: true, Version: old.Version})
	if err != nil || strings.Contains(string(src), "foundings") {
		t.Errorf("taken out: %v\n%s", err, src)
	}
	stray := read(t, "备忘\n## findings\n甲\n")
	if src, _, err = edit(full(), stray, TextEdit{ID: "suggestions", Text: "乙"}); src != nil || !slices.Equal(kinds(TextFaults(err)), []TextFaultKind{FaultNoBlock}) {
		t.Errorf("a file with text outside: %v\n%s", err, src)
	}
}
