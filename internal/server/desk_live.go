package server

import (
	"context"
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/live"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// LiveCases lets a board read the cases of the office.
type LiveCases struct{ Office *office.Store }

// Moved is that of live.Cases.
func (l LiveCases) Moved(ctx context.Context, wave string, after int64, do func(live.Case) error) (int64, error) {
	return l.Office.Moved(ctx, wave, after, func(c office.Case) error {
		s, err := c.Standing(c.ID)
		if err != nil {
			return err
		}
		class, err := s.Disposition.Class()
		if err != nil {
			return err
		}
		return do(live.Case{
			ID: c.ID, Stratum: c.Stratum, PSU: c.PSU, Area: c.Area, Weight: c.Weight * float64(max(1, s.Eligible)), Columns: c.Columns,
			Class: class, State: c.State, Interviewed: c.State.Done() && c.State != fieldwork.Closed && c.Interview != "", Approved: s.Counts,
		})
	})
}

// deskLive is web/pages/desk-live: the literacy rate so far.
type deskLive struct {
	figuresFrame
	// View is approved or all; Views are the choices.
	View  string
	Views []choice
	// Updater is the path of the script that brings the page up to date, Version what it
	// compares.
	Updater string
	Version int
	Facts   []fact
	Words   []string
	Groups  []deskTable
	Places  deskTable
	Notes   []string
}

// liveRoom is where the page is, after /desk/WAVE.
const liveRoom = "/live"

// liveViews are the views by their names in addresses.
var liveViews = []struct {
	name, words string
	view        live.View
}{{"approved", "figures.live.approved", live.Approved}, {"all", "figures.live.all", live.All}}

func (d *desk) live(v *call) error {
	f, err := d.figures(v, "figures.live")
	if err != nil {
		return err
	}
	p := deskLive{figuresFrame: f, Updater: d.assets["live.js"].path}
	chosen := liveViews[0]
	for _, w := range liveViews {
		p.Views = append(p.Views, choice{w.name, f.say.words(w.words)})
		if w.name == v.QueryParam("view") {
			chosen = w
		}
	}
	p.View = chosen.name
	board := d.deps.Live(f.wave.ID)
	if board == nil {
		return fmt.Errorf("live figures of wave %q: %w", f.wave.ID, surveys.ErrNotFound)
	}
	figures, err := board.Figures(v.Request().Context(), chosen.view, f.scope(v))
	if err != nil {
		return err
	}
	p.Version = figures.Version
	if err := d.liveTables(&p, figures); err != nil {
		return err
	}
	v.Response().Header().Set("Cache-Control", "no-store")
	return d.showFigures(v, p.figuresFrame, "desk-live", p, append(p.Groups, p.Places)...)
}

// liveTables fills in the page.
func (d *desk) liveTables(p *deskLive, f *live.Figures) error {
	p.liveFacts(f)
	notes := liveNotes{page: p}
	for _, t := range f.Tables {
		table, err := d.liveTable(p, t, f.Everybody, &notes)
		if err != nil {
			return err
		}
		p.Groups = append(p.Groups, table)
	}
	var err error
	if p.Places, err = d.table(p.deskFrame, "next", "figures.live.next", "figures.area", "#figures.live.rate", "#figures.live.interval", "#figures.live.n",
		"#figures.designeffect", "#figures.live.effective", "#figures.live.share", "#figures.live.open", "#figures.live.sehere", "#figures.live.sewhole"); err != nil {
		return err
	}
	for _, place := range f.Places {
		name := deskCell{Text: p.areaLabel(place.Code)}
		if place.Code != "" {
			name.Href = p.with("area", place.Code)
		}
		here := points(place.Here, 2)
		if place.Guessed {
			here.Text += "*"
		}
		cells := notes.estimate(place.Group)
		cells[2] = whole(place.N)
		p.Places.add(append(append([]deskCell{name}, cells...),
			percent(place.Share, !math.IsNaN(place.Share)), whole(place.Open), here, points(place.Whole, 2))...)
	}
	p.Places.Notes = []string{p.say.words("figures.live.nextrule", "more", live.More), p.say.words("figures.live.guessed")}
	p.Notes = notes.said
	return p.Places.arrange(p.deskFrame)
}

// liveFacts are the numbers above everything.
func (p *deskLive) liveFacts(f *live.Figures) {
	column := show.PercentColumn(p.lang, []analysis.Estimate{f.Everybody.Estimate})
	e := f.Everybody.Estimate
	rate := show.Suppressed
	if !f.Everybody.Withheld {
		rate = column.WithInterval(e)
	}
	p.Facts = []fact{
		{p.say.words("figures.live.rate"), rate},
		{p.say.words("figures.live.n"), show.Count(f.Everybody.N)},
	}
	if !f.Everybody.Withheld {
		p.Facts = append(p.Facts, fact{p.say.words("figures.live.inrate"), show.Count(e.N)},
			fact{p.say.words("figures.designeffect"), show.Number(e.DEff, 2)},
			fact{p.say.words("figures.live.effective"), show.Number(effective(e), 0)})
	}
	eligible, _ := f.Fieldwork.Cases.E()
	for _, r := range []fieldwork.Rate{fieldwork.RR1, fieldwork.RR3} {
		value, known := f.Fieldwork.Cases.Rate(r, eligible)
		p.Facts = append(p.Facts, fact{p.say.words("figures.live.response", "rate", r.String()), percent(value, known).Text})
	}
	p.Facts = append(p.Facts, fact{p.say.words("figures.live.criterion"), f.Criterion.In(p.lang)},
		fact{p.say.words("figures.asof"), clockTime(f.At)})
	p.Words = []string{p.say.words("figures.live.steps", "step", f.Step), p.say.words("figures.live.weights")}
}

// liveTable is the rate by a factor, and of everybody.
func (d *desk) liveTable(p *deskLive, t live.Table, all live.Group, notes *liveNotes) (deskTable, error) {
	table, err := d.table(p.deskFrame, "by-"+t.Factor.ID, "figures.live.by", "figures.live.group", "#figures.live.rate", "#figures.live.interval", "#figures.live.inrate",
		"#figures.designeffect", "#figures.live.effective")
	if err != nil {
		return table, err
	}
	table.Caption = p.say.words("figures.live.byfactor", "factor", t.Factor.Title.In(p.lang))
	for _, g := range t.Groups {
		table.add(append([]deskCell{{Text: g.Level.Name.In(p.lang)}}, notes.estimate(g)...)...)
	}
	table.add(append([]deskCell{{Text: p.say.words("figures.live.everybody")}}, notes.estimate(all)...)...)
	return table, table.arrange(p.deskFrame)
}

// liveNotes gathers what has to be said of the estimates.
type liveNotes struct {
	page *deskLive
	said []string
	seen map[string]bool
}

func (n *liveNotes) say(key string, pairs ...any) {
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	if !n.seen[key] {
		n.seen[key] = true
		n.said = append(n.said, n.page.say.words(key, pairs...))
	}
}

// estimate has the cells of the rate, its interval, the number of interviews in it, the design
// effect and the effective number of interviews.
func (n *liveNotes) estimate(g live.Group) []deskCell {
	if g.Withheld {
		if g.N > 0 {
			n.say("figures.live.withheld")
		} else {
			n.say("figures.live.nobody")
		}
		text := show.Suppressed
		if g.N == 0 {
			text = show.Missing
		}
		none := deskCell{Text: text, Number: true, Value: -1}
		return []deskCell{none, none, none, none, none}
	}
	e := g.Estimate
	column := show.PercentColumn(n.page.lang, []analysis.Estimate{e})
	rate := deskCell{Text: column.Value(e.Value), Number: true, Value: e.Value, Full: true}
	for _, note := range e.Notes {
		switch note.Code {
		case analysis.FewRespondents, analysis.FewPSUs, analysis.WideInterval, analysis.LonePSU:
			rate.Text += "†"
			n.say("figures.live.rough")
		default:
			continue
		}
		break
	}
	return []deskCell{rate, {Text: column.Interval(e), Number: true, Value: e.Lo}, whole(e.N), decimal(e.DEff, 2), decimal(effective(e), 0)}
}

// effective is the effective number of interviews, NaN where there is no error to tell it from:
// without any it would be infinite.
func effective(e analysis.Estimate) float64 {
	if !(e.DEff > 0) {
		return math.NaN()
	}
	return e.NEff()
}
