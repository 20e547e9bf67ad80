package report

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// TextBlock is a block of text that people may edit.
type TextBlock struct {
	// ID names the block, Section is the heading of the section in which it stands, empty for
	// a block that the report does not have.
	ID, Section string
	// Draft is what the program drafts from the facts there are now, and Facts their digest.
	Draft, Facts string
	// Text is what a person wrote, as it stands in the file, where Edited says that one did.
	Text   string
	Edited bool
	// Stale says that the facts have changed since the text was written.
	Stale bool
	// Unknown says that the report has no such block, as after a change of its plan.
	Unknown bool
	// Version stands for what the file has of the block, empty where nobody changed the draft.
	Version string
	// Faults are what is wrong with the text; their lines are those of Text.
	Faults []*TextFault
}

// TextBlocks lists the blocks of a report as they stand in Options.Texts, in the order of the
// report, and last those that the report does not have. The error names what is wrong with the
// file itself and keeps the report from being made: the list is complete all the same.
func TextBlocks(r *assess.Results, lang surveys.Lang, opt Options) (list []TextBlock, err error) {
	b, err := drafting(r, lang, opt)
	if err != nil {
		return nil, err
	}
	b.eachText(func(section, id string) { list = append(list, b.block(section, id)) })
	for _, id := range b.strangers() {
		w := opt.Texts.blocks[id]
		list = append(list, TextBlock{ID: id, Text: w.raw, Edited: true, Unknown: true, Version: w.version()})
	}
	return list, joined(opt.Texts.lost())
}

// block describes one block.
func (b *builder) block(section, id string) TextBlock {
	d := b.drafts[id]
	out := TextBlock{ID: id, Section: section, Draft: d.markdown(), Facts: d.fingerprint()}
	w, ok := b.edited(id)
	if !ok {
		return out
	}
	out.Text, out.Edited, out.Stale, out.Version = w.raw, true, w.stale(d), w.version()
	out.Faults = b.typedFaults(id, w.raw)
	return out
}

// version stands for what a person wrote.
func (w written) version() string { return digest("text " + w.raw) }

// lost are the faults of a file with which it cannot be written again without losing
// something; nil for no file.
func (t *Texts) lost() (list []*TextFault) {
	if t == nil {
		return nil
	}
	for _, f := range t.faults {
		switch f.Kind {
		case FaultBrace, FaultComment: // they are in the text of a block, which is kept
		default:
			list = append(list, f)
		}
	}
	return list
}

// TextEdit is a change that somebody makes to a block.
type TextEdit struct {
	ID string
	// Text is the new text; with Restore the draft takes its place.
	Text    string
	Restore bool
	// Facts is TextBlock.Facts as the writer saw it, Version what TextBlock.Version was.
	Facts, Version string
}

// TextConflict says that somebody else changed a block meanwhile. It wraps
// surveys.ErrConflict.
type TextConflict struct {
	// Now is the block as it is now.
	Now TextBlock
}

func (c *TextConflict) Error() string {
	return fmt.Sprintf("the block %q was changed meanwhile: %v", c.Now.ID, surveys.ErrConflict)
}

func (c *TextConflict) Unwrap() error { return surveys.ErrConflict }

// factsDigest is the form of TextBlock.Facts.
var factsDigest = regexp.MustCompile(`^[0-9a-f]{12}$`)

// EditTexts makes a change and returns the new file of texts and the block as it is then.
// When somebody else changed the block since the writer saw it, the error is a *TextConflict.
// Otherwise it has every TextFault of the new text, with the lines of the text; or those of
// the file, when it cannot be written again without losing something. A block that neither
// the report nor the file has is surveys.ErrNotFound.
func EditTexts(r *assess.Results, lang surveys.Lang, opt Options, e TextEdit) (file []byte, now TextBlock, err error) {
	b, err := drafting(r, lang, opt)
	if err != nil {
		return nil, now, err
	}
	if err := joined(opt.Texts.lost()); err != nil {
		return nil, now, err
	}
	list, err := TextBlocks(r, lang, opt)
	if err != nil {
		return nil, now, err
	}
	at := slices.IndexFunc(list, func(t TextBlock) bool { return t.ID == e.ID })
	if at < 0 {
		return nil, now, fmt.Errorf("the report has no block %.60q: %w", e.ID, surveys.ErrNotFound)
	}
	if old := list[at]; old.Version != e.Version {
		return nil, old, &TextConflict{old}
	}
	if list[at].Unknown && !e.Restore {
		return nil, list[at], fmt.Errorf("the report has no block %.60q, so its text can only be taken out: %w", e.ID, surveys.ErrConflict)
	}
	changed := opt.Texts.with(e, b.drafts[e.ID])
	if !e.Restore {
		if err := joined(b.typedFaults(e.ID, e.Text)); err != nil {
			return nil, list[at], err
		}
	}
	b.opt.Texts = changed
	var out strings.Builder
	if err := b.writeTexts(&out); err != nil {
		return nil, list[at], err
	}
	if out.Len() > maxTexts {
		return nil, list[at], fmt.Errorf("the texts would have %d bytes; the limit is %d: %w", out.Len(), maxTexts, surveys.ErrTooLarge)
	}
	if list[at].Unknown {
		return []byte(out.String()), TextBlock{ID: e.ID, Unknown: true}, nil
	}
	return []byte(out.String()), b.block(list[at].Section, e.ID), nil
}

// with is a copy of the texts with a change.
func (t *Texts) with(e TextEdit, d draft) *Texts {
	out := &Texts{blocks: map[string]written{}}
	if t != nil {
		out.name, out.blocks = t.name, maps.Clone(t.blocks)
	}
	if e.Restore {
		delete(out.blocks, e.ID)
		return out
	}
	w := written{facts: d.fingerprint(), draft: digest(d.markdown())}
	if factsDigest.MatchString(e.Facts) {
		w.facts = e.Facts
	}
	var raw []string
	for _, l := range linesOf(e.Text) {
		raw = append(raw, l.text)
	}
	w.raw = strings.TrimSpace(strings.Join(raw, "\n"))
	out.blocks[e.ID] = w
	return out
}

// linesOf are the lines of a text, as a file has them.
func linesOf(text string) (list []textLine) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	for i, line := range strings.Split(text, "\n") {
		list = append(list, textLine{i + 1, strings.TrimRight(line, " \t")})
	}
	return list
}

// typedFaults are what is wrong with the text of a block, by the lines of the text.
func (b *builder) typedFaults(id, text string) (faults []*TextFault) {
	t := &Texts{name: id}
	lines := linesOf(text)
	for _, l := range lines {
		switch {
		case !utf8.ValidString(l.text) || strings.ContainsFunc(l.text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
			faults = append(faults, t.fault(l.number, FaultOdd))
		case strings.HasPrefix(l.text, "#"):
			faults = append(faults, t.fault(l.number, FaultHeading, l.text))
		case hasComment(l.text):
			faults = append(faults, t.fault(l.number, FaultComment))
		case strings.Count(l.text, "{") != strings.Count(l.text, "}"):
			faults = append(faults, t.fault(l.number, FaultBrace))
		}
	}
	alone := *b
	alone.opt.Texts = t
	_, found := alone.byHand(id, written{lines: lines}, b.drafts[id])
	return inOrder(append(faults, found...))
}
