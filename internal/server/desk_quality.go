package server

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork/quality"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// deskQuality is web/pages/desk-quality: what the quality flags say of the interviews of
// the area. Who may not see single cases sees how many were flagged.
type deskQuality struct {
	figuresFrame
	Judged                     string
	Flags, Staff, Apart, Waves deskTable
	// Interviews are the flagged ones, of which Single says that the account sees them.
	Interviews deskTable
	Single     bool
}

// judgedInterview is an interview with the flags that were raised about it.
type judgedInterview struct {
	office.Interview
	flags []quality.Finding
}

// judgement is what an account is told of the findings about a wave.
type judgement struct {
	findings   []quality.Finding
	interviews map[string]*judgedInterview // by ID
	staff      map[string]*staffFlags      // by enumerator
}

// staffFlags are the flags about an enumerator's interviews.
type staffFlags struct {
	interviews, flagged int
	of                  map[quality.Flag]int
}

func (d *desk) quality(v *call) error {
	f, err := d.figures(v, "figures.quality")
	if err != nil {
		return err
	}
	if d.deps.Findings == nil {
		return fmt.Errorf("no interviews are judged here: %w", surveys.ErrUnavailable)
	}
	findings, at, err := d.deps.Findings(v.Request().Context(), f.wave.ID)
	if err != nil {
		return err
	}
	j, err := d.judgementFor(v, f, findings)
	if err != nil {
		return err
	}
	p := deskQuality{figuresFrame: f, Judged: at.In(surveys.ChinaTime).Format(time.DateTime), Single: v.account.May(auth.ReadCases)}
	tables := []*deskTable{&p.Flags, &p.Staff, &p.Apart, &p.Waves}
	makers := []func(figuresFrame, *judgement) (deskTable, error){d.flagTable, d.flagStaffTable, d.apartTable, d.effectTable}
	if p.Single {
		tables, makers = append(tables, &p.Interviews), append(makers, d.flaggedTable)
	}
	var all []deskTable
	for i, make := range makers {
		if *tables[i], err = make(f, j); err != nil {
			return err
		}
		all = append(all, *tables[i])
	}
	p.Interviews.cut(f.deskFrame)
	return d.showFigures(v, f, "desk-quality", p, all...)
}

// judgementFor leaves of the findings those about interviews and enumerators of the area
// that the account asks about, and those about the whole wave. An interview of no case
// of the office lies in no area, so only an account without an area sees it.
func (d *desk) judgementFor(v *call, f figuresFrame, findings []quality.Finding) (*judgement, error) {
	j := &judgement{interviews: map[string]*judgedInterview{}, staff: map[string]*staffFlags{}}
	err := d.office.Interviews(v.Request().Context(), v.account, f.wave.ID, f.Area, func(i office.Interview) {
		j.interviews[i.Interview] = &judgedInterview{Interview: i}
		j.of(i.Enumerator).interviews++
	})
	if err != nil {
		return nil, err
	}
	for _, x := range findings {
		if x.Interview != "" && j.interviews[x.Interview] == nil && f.scope(v) == "" {
			j.interviews[x.Interview] = &judgedInterview{Interview: office.Interview{Interview: x.Interview, Enumerator: x.Enumerator}}
			j.of(x.Enumerator).interviews++
		}
		j.add(x)
	}
	for _, i := range j.interviews {
		if len(i.flags) > 0 {
			j.of(i.Enumerator).flagged++
		}
	}
	return j, nil
}

// of are the flags about an enumerator.
func (j *judgement) of(enumerator string) *staffFlags {
	if j.staff[enumerator] == nil {
		j.staff[enumerator] = &staffFlags{of: map[quality.Flag]int{}}
	}
	return j.staff[enumerator]
}

// add takes a finding that the account may be told of.
func (j *judgement) add(x quality.Finding) {
	switch i := j.interviews[x.Interview]; {
	case x.Interview != "" && i == nil:
		return
	case x.Interview == "" && x.Enumerator != "" && j.staff[x.Enumerator] == nil:
		return
	case x.Outcome != quality.Flagged:
	case i != nil:
		i.flags = append(i.flags, x)
		j.of(i.Enumerator).of[x.Flag]++
	}
	j.findings = append(j.findings, x)
}

// flagTable has for each flag how often it was raised, and how often it strikes honest
// interviews.
func (d *desk) flagTable(f figuresFrame, j *judgement) (deskTable, error) {
	t, err := d.table(f.deskFrame, "flags", "figures.flags", "figures.flag", "#figures.flagged", "#figures.judged", "#figures.unjudged", "#figures.flaggedshare", "#figures.honest", "#figures.bychance")
	if err != nil {
		return t, err
	}
	for _, c := range quality.Tally(j.findings) {
		honest := deskCell{Text: fmt.Sprintf("%.2f%%", 100*c.Flag.Honest()), Number: true, Value: c.Flag.Honest(), Full: true}
		t.add(deskCell{Text: c.Flag.Name().In(f.lang)}, whole(c.Flagged), whole(c.Judged), whole(c.Unjudged), percent(shareOf(c.Flagged, c.Judged)), honest, decimal(c.Expected, 1))
	}
	t.Notes = []string{f.say.words("figures.honestnote")}
	return t, t.arrange(f.deskFrame)
}

// interviewFlags are the flags about single interviews.
func interviewFlags() []quality.Flag {
	return slices.DeleteFunc(quality.Flags(), func(f quality.Flag) bool { return f == quality.EnumeratorApart || f == quality.EnumeratorEffect })
}

// flagStaffTable has the flags by enumerator.
func (d *desk) flagStaffTable(f figuresFrame, j *judgement) (deskTable, error) {
	t, err := d.table(f.deskFrame, "enumerators", "figures.flagsbystaff", "figures.enumerator", "#figures.interviews", "#figures.withflag", "#figures.flaggedshare")
	if err != nil {
		return t, err
	}
	for _, flag := range interviewFlags() {
		t.Columns = append(t.Columns, deskColumn{Key: string(flag), Name: flag.Name().In(f.lang), Number: true})
	}
	for _, login := range slices.Sorted(maps.Keys(j.staff)) {
		s := j.staff[login]
		cells := []deskCell{f.staffCell(login), whole(s.interviews), whole(s.flagged), percent(shareOf(s.flagged, s.interviews))}
		for _, flag := range interviewFlags() {
			cells = append(cells, whole(s.of[flag]))
		}
		t.add(cells...)
	}
	return t, t.arrange(f.deskFrame)
}

// pCell is a cell with a p value.
func pCell(p float64) deskCell {
	return deskCell{Text: fmt.Sprintf("%.2g", p), Number: true, Value: p, Full: true}
}

// apartTable lists the enumerators who were found to be unlike those beside them.
func (d *desk) apartTable(f figuresFrame, j *judgement) (deskTable, error) {
	t, err := d.table(f.deskFrame, "apart", "figures.apart", "figures.enumerator", "figures.measure", "#figures.difference", "#figures.bound", "#figures.p", "#figures.interviews")
	if err != nil {
		return t, err
	}
	for _, x := range j.findings {
		if x.Flag == quality.EnumeratorApart && x.Outcome == quality.Flagged {
			t.add(f.staffCell(x.Enumerator), deskCell{Text: x.Measure.Name().In(f.lang)}, decimal(x.Value, 3), decimal(x.Threshold, 3), pCell(x.P), whole(x.N))
		}
	}
	t.Notes = []string{f.say.words("figures.apartnote")}
	return t, t.arrange(f.deskFrame)
}

// effectTable has the effect of enumerators on the wave for each measure.
func (d *desk) effectTable(f figuresFrame, j *judgement) (deskTable, error) {
	t, err := d.table(f.deskFrame, "effects", "figures.effects", "figures.measure", "#figures.icc", "#figures.tolerated", "#figures.p", "#figures.interviews", "figures.meaning")
	if err != nil {
		return t, err
	}
	for _, x := range j.findings {
		if x.Flag != quality.EnumeratorEffect {
			continue
		}
		none := percent(0, false)
		cells := []deskCell{{Text: x.Measure.Name().In(f.lang)}, none, none, none, whole(x.N), {Text: x.Words().In(f.lang)}}
		if x.Outcome != quality.Unjudged {
			cells[1], cells[2], cells[3] = decimal(x.Value, 3), decimal(x.Threshold, 3), pCell(x.P)
		}
		t.add(cells...)
	}
	return t, t.arrange(f.deskFrame)
}

// flaggedTable lists the flagged interviews, those with most flags first.
func (d *desk) flaggedTable(f figuresFrame, j *judgement) (deskTable, error) {
	t, err := d.table(f.deskFrame, "interviews", "figures.flaggedinterviews", "figures.case", "figures.area", "figures.enumerator", "#figures.flagcount", "figures.flag", "figures.seen")
	if err != nil {
		return t, err
	}
	list := slices.SortedFunc(maps.Values(j.interviews), func(a, b *judgedInterview) int {
		return cmp.Or(cmp.Compare(len(b.flags), len(a.flags)), cmp.Compare(a.Case, b.Case), cmp.Compare(a.Interview.Interview, b.Interview.Interview))
	})
	for _, i := range list {
		if len(i.flags) == 0 {
			break
		}
		var names, words []string
		for _, x := range i.flags {
			names, words = append(names, x.Flag.Name().In(f.lang)), append(words, x.Words().In(f.lang))
		}
		name := deskCell{Text: i.Case, Href: f.Here("/desk/" + f.wave.ID + "/cases/" + url.PathEscape(i.Case))}
		if i.Case == "" {
			name = deskCell{Text: i.Interview.Interview}
		}
		t.add(name, deskCell{Text: f.areaLabel(i.Area)}, f.staffCell(i.Enumerator), whole(len(i.flags)), deskCell{Text: strings.Join(names, " · ")}, deskCell{Text: strings.Join(words, " ")})
	}
	return t, t.arrange(f.deskFrame)
}
