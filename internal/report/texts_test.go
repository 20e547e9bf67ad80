package report

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// file writes the file of texts of results, with the texts there were.
func file(t *testing.T, r *assess.Results, old *Texts) string {
	t.Helper()
	opt := fixtureOptions
	opt.Texts = old
	var out bytes.Buffer
	if err := WriteTexts(&out, r, surveys.ZH, opt); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func read(t *testing.T, src string) *Texts {
	t.Helper()
	texts, err := ReadTexts("findings.zh.md", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// textOf is the first text with an ID.
func textOf(doc *document.Document, id string) *document.Text {
	for _, s := range doc.Sections {
		for _, b := range s.Blocks {
			if b.Text != nil && b.Text.ID == id {
				return b.Text
			}
		}
	}
	return nil
}

func withTexts(t *testing.T, r *assess.Results, texts *Texts) *document.Document {
	t.Helper()
	opt := fixtureOptions
	opt.Texts = texts
	return built(t, r, surveys.ZH, opt)
}

func TestTextsFile(t *testing.T) {
	golden(t, "findings.zh.md", file(t, full(), nil))
}

// A file that nobody touched changes nothing, not even when the numbers change: the drafts
// follow the numbers.
func TestUntouchedDraftsFollowTheNumbers(t *testing.T) {
	texts := read(t, file(t, full(), nil))
	r := full()
	r.Tables[2].Groups[0].Rows[0].Estimate.Value = 0.171
	got := textOf(withTexts(t, r, texts), "text-group-residence")
	if got == nil || got.Edited || got.Stale || !strings.Contains(got.Paragraphs[0], "17.1%") {
		t.Errorf("the draft is %+v", got)
	}
	if again := file(t, r, texts); again != file(t, r, nil) {
		t.Error("an untouched file is not written anew from the new drafts")
	}
}

// What a person wrote survives the making of report and file, and is marked when the facts
// of its draft have changed.
func TestEditedTextSurvivesAndStaleIsMarked(t *testing.T) {
	const mine = "城乡之间仍有差距，城镇为 {residence.urban}（{residence.urban.interval}），平均 {residence.urban.score} 分，总体 {score} 分。\n\n- 第一条\n- 第二条"
	src := file(t, full(), nil)
	at := strings.Index(src, "## text-group-residence")
	from := at + strings.Index(src[at:], "按城乡分")
	to := from + strings.Index(src[from:], "\n\n<!--")
	src = src[:from] + mine + src[to:]
	src = strings.Replace(src, "## suggestions\n", "## suggestions\n加强农村科普。\n", 1)
	texts := read(t, src)

	doc := withTexts(t, full(), texts)
	got := textOf(doc, "text-group-residence")
	if got == nil || !got.Edited || got.Stale || got.Paragraphs[0] != "城乡之间仍有差距，城镇为 16.2%（14.1%–18.3%），平均 54.3 分，总体 52.4 分。" {
		t.Fatalf("the text is %+v", got)
	}
	if s := textOf(doc, "suggestions"); s == nil || !s.Edited || s.Paragraphs[0] != "加强农村科普。" {
		t.Errorf("the suggestions are %+v", s)
	}
	var page strings.Builder
	if err := WriteHTML(&page, doc, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<li>第一条</li>", "本段文字由编写者撰写"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.String(), "数字已变") {
		t.Error("a text is marked though its numbers are the same")
	}
	if again := file(t, full(), texts); !strings.Contains(again, mine) || read(t, again).blocks["text-group-residence"].facts != texts.blocks["text-group-residence"].facts {
		t.Error("the file does not keep what a person wrote")
	}

	r := full()
	r.Tables[2].Groups[0].Rows[0].Estimate.Value = 0.171
	changed := withTexts(t, r, texts)
	got = textOf(changed, "text-group-residence")
	if got == nil || !got.Stale || !strings.Contains(got.Paragraphs[0], "17.1%") {
		t.Errorf("after a change of numbers the text is %+v", got)
	}
	page.Reset()
	if err := WriteHTML(&page, changed, nil); err != nil || !strings.Contains(page.String(), "数字已变") {
		t.Error("the page does not say that the numbers have changed")
	}
	again := file(t, r, texts)
	if !strings.Contains(again, mine) || !strings.Contains(again, "数字已变") || !strings.Contains(again, "17.1%") {
		t.Error("the file lacks the person's text or the new draft")
	}
	if kept := read(t, again); kept.blocks["text-group-residence"].raw != mine {
		t.Errorf("read again, the text is %q", kept.blocks["text-group-residence"].raw)
	}
	// The code of the new facts ends the mark.
	old := texts.blocks["text-group-residence"].facts
	fresh := again[strings.Index(again, "facts 的编号改为 ")+len("facts 的编号改为 "):][:12]
	settled := withTexts(t, r, read(t, strings.Replace(again, "facts "+old, "facts "+fresh, 1)))
	if got := textOf(settled, "text-group-residence"); got == nil || got.Stale {
		t.Errorf("with the new code the text is %+v", got)
	}
}

// A text that a person emptied stays away.
func TestEmptiedTextStaysAway(t *testing.T) {
	src := file(t, full(), nil)
	at := strings.Index(src, "## text-targets")
	from := at + strings.Index(src[at:], "-->\n") + 4
	to := from + strings.Index(src[from:], "\n<!--")
	doc := withTexts(t, full(), read(t, src[:from]+src[to:]))
	if got := textOf(doc, "text-targets"); got != nil {
		t.Errorf("the text is %+v", got)
	}
}

// Nonsense is named with its line and the way out.
func TestTextsFaultsAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"no block":              {"文字\n", `findings.zh.md:1: invalid: "文字" stands before the first block`},
		"wrong heading":         {"## findings\n### 小标题\n", `findings.zh.md:2: invalid: "### 小标题" is no heading of a block`},
		"twice":                 {"## findings\na\n\n## findings\nb\n", `findings.zh.md:4: invalid: the block "findings" stands there twice, first in line 1`},
		"comment behind text":   {"## findings\n文字 <!-- 待核 -->\n", `findings.zh.md:2: invalid: a comment stands behind text`},
		"text behind a comment": {"## findings\n<!-- 待核 --> 文字\n\n<!-- 说明 -->\n", `findings.zh.md:2: invalid: "文字" stands behind a comment`},
		"open comment":          {"## findings\n<!-- 说明\n文字\n", `findings.zh.md:2: invalid: this comment never ends`},
		"open brace":            {"## findings\n\n比例为 {rate。\n", `findings.zh.md:3: invalid: a brace is open`},
		"unknown block":         {"## foundings\n文字\n", `findings.zh.md:1: invalid: the report has no block "foundings"; blocks of this report: findings, suggestions`},
		"unknown blank":         {"## findings\n\n文字。\n\n比例为 {rat}。\n", `findings.zh.md:5: invalid: {rat}: there is no such number`},
		"unknown group":         {"## findings\n{city.9}\n", `findings.zh.md:2: invalid: {city.9}: the table "city" has no group "9"`},
		"unknown table":         {"## findings\n{town.9}\n", `findings.zh.md:2: invalid: {town.9}: the report has no table "town"`},
		"no number":             {"## findings\n{city.4}\n", `findings.zh.md:2: invalid: {city.4}: the number does not exist`},
		"withheld":              {"## findings\n{city.3}\n", `findings.zh.md:2: invalid: {city.3}: the number is withheld`},
		"withheld score":        {"## findings\n{city.3.score}\n", `findings.zh.md:2: invalid: {city.3.score}: the number is withheld`},
		"no score":              {"## findings\n{city.4.score}\n", `findings.zh.md:2: invalid: {city.4.score}: the number does not exist`},
		"told withheld score":   {"## findings\n\n南湖市平均 58.1 分。\n", `findings.zh.md:3: invalid: the paragraph gives the rate or the mean score of "南湖市", which is withheld`},
		"told withheld":         {"## findings\n\n南湖市为 25.0%。\n", `findings.zh.md:3: invalid: the paragraph gives the rate or the mean score of "南湖市", which is withheld`},
	} {
		t.Run(name, func(t *testing.T) {
			texts, err := ReadTexts("findings.zh.md", []byte(c.src))
			if err == nil {
				opt := fixtureOptions
				opt.Texts, opt.Disclosure = texts, withheldPlaces{{Table: "city", Group: "3"}: TooFew}
				_, err = Build(full(), surveys.ZH, opt)
			}
			if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
	score, err := ReadTexts("findings.zh.md", []byte("## findings\n\n平均 {score} 分。\n"))
	if err != nil {
		t.Fatal(err)
	}
	opt := fixtureOptions
	opt.Texts, opt.Disclosure = score, withheldPlaces{{Table: TableHeadline}: TooFew}
	if _, err := Build(full(), surveys.ZH, opt); err == nil || !strings.Contains(err.Error(), "{score}: the number is withheld") {
		t.Errorf("the score of everybody, whose rate is withheld: %v", err)
	}
	if _, err := ReadTexts("x.md", make([]byte, maxTexts+1)); !errors.Is(err, surveys.ErrTooLarge) {
		t.Errorf("a file that is too large: %v", err)
	}
}

// Every drafted block has a section to stand in, so that each ID of the file is unique.
func TestBlocksOfTheFileAreUnique(t *testing.T) {
	var ids []string
	for line := range strings.SplitSeq(file(t, full(), nil), "\n") {
		if m := blockHead.FindStringSubmatch(line); m != nil {
			if slices.Contains(ids, m[1]) {
				t.Errorf("the block %s stands there twice", m[1])
			}
			ids = append(ids, m[1])
		}
	}
	if len(ids) < 15 {
		t.Errorf("the file has %d blocks", len(ids))
	}
}
