package server

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// deskSample is web/pages/desk-sample: how the cases of a wave were drawn, and their
// weights.
type deskSample struct {
	figuresFrame
	Drawn     bool
	Facts     []fact
	Plan      string
	DrawNotes []string
	Replay    string
	File      string
	// Frame is where the frame is downloaded, empty when the office has none.
	FrameFile  string
	Stages     deskTable
	Strata     deskTable
	Weights    deskTable
	WeightFact []fact
}

func (d *desk) sample(v *call) error {
	f, err := d.figures(v, "figures.sample")
	if err != nil {
		return err
	}
	if err := d.office.Whole(v.Request().Context(), v.account, f.wave.ID, d.deps.Now()); err != nil {
		return err
	}
	p := deskSample{figuresFrame: f}
	if err := d.weightTable(v, &p); err != nil {
		return err
	}
	tables := []deskTable{p.Weights}
	kept, err := d.office.Draw(v.Request().Context(), f.wave.ID)
	switch {
	case errors.Is(err, surveys.ErrNotFound): // the cases were drawn elsewhere
	case err != nil:
		return err
	default:
		if err := d.drawParts(v, &p, kept); err != nil {
			return err
		}
		tables = append(tables, p.Stages, p.Strata)
	}
	return d.showFigures(v, f, "desk-sample", p, tables...)
}

// drawParts fills in what the draw file says.
func (d *desk) drawParts(v *call, p *deskSample, kept office.Draw) error {
	draw, err := d.office.DrawFile(v.Request().Context(), p.wave.ID)
	if err != nil {
		return err
	}
	p.Drawn, p.Plan, p.DrawNotes = true, draw.Plan.Text, draw.Notes
	p.File = p.Here("/desk/" + p.wave.ID + "/sample/draw")
	has, err := d.office.HasFrame(v.Request().Context(), draw.Frame.Hash)
	if err != nil {
		return err
	}
	if has {
		p.FrameFile = p.Here("/desk/" + p.wave.ID + "/sample/frame")
	}
	p.Replay = fmt.Sprintf("suyang draw --replay %s --frame %s", drawName(p.wave.ID), draw.Frame.File)
	p.Facts = p.drawFacts(draw, kept)
	if p.Stages, err = d.stageTable(p.figuresFrame, draw); err != nil {
		return err
	}
	p.Strata, err = d.strataTable(p.figuresFrame, draw, kept.Released)
	return err
}

// drawName is the name of the draw file of a wave.
func drawName(wave string) string { return wave + "-draw.jsonl" }

// drawFile sends the draw file, byte for byte as it was kept.
func (d *desk) drawFile(v *call) error {
	f, err := d.figures(v, "figures.sample")
	if err != nil {
		return err
	}
	if err := d.office.Whole(v.Request().Context(), v.account, f.wave.ID, d.deps.Now()); err != nil {
		return err
	}
	file, err := d.office.DrawText(v.Request().Context(), f.wave.ID)
	if err != nil {
		return err
	}
	v.Response().Header().Set("Content-Disposition", `attachment; filename="`+drawName(f.wave.ID)+`"`)
	return v.Blob(http.StatusOK, "application/jsonl; charset=utf-8", file)
}

// frameFile sends the frame that the sample was drawn from, byte for byte.
func (d *desk) frameFile(v *call) error {
	f, err := d.figures(v, "figures.sample")
	if err != nil {
		return err
	}
	if err := d.office.Whole(v.Request().Context(), v.account, f.wave.ID, d.deps.Now()); err != nil {
		return err
	}
	draw, err := d.office.DrawFile(v.Request().Context(), f.wave.ID)
	if err != nil {
		return err
	}
	file, err := d.office.FrameFile(v.Request().Context(), draw.Frame.Hash)
	if err != nil {
		return err
	}
	name := "frame" + strings.ToLower(path.Ext(draw.Frame.File))
	v.Response().Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	return v.Blob(http.StatusOK, "application/octet-stream", file)
}

// drawFacts are what the draw can be proved with.
func (f figuresFrame) drawFacts(draw *fieldwork.Draw, kept office.Draw) []fact {
	person := f.say.words("figures.persons")
	switch kept.Method {
	case household.Kish:
		person = f.say.words("figures.kish")
	case household.LastBirthday:
		person = f.say.words("figures.birthday")
	}
	return []fact{
		{f.say.words("figures.drawnat"), kept.At.In(surveys.ChinaTime).Format(time.DateTime) + " · " + kept.Who},
		{f.say.words("figures.seed"), strconv.Itoa(draw.Seed)},
		{f.say.words("figures.program"), draw.Program},
		{f.say.words("figures.frame"), fmt.Sprintf("%s · %s", draw.Frame.File, show.Count(draw.Frame.Units))},
		{f.say.words("figures.vintage"), cmp.Or(draw.Frame.Vintage, show.Missing)},
		{f.say.words("figures.framehash"), draw.Frame.Hash},
		{f.say.words("figures.planhash"), draw.Plan.Hash},
		{f.say.words("figures.filehash"), kept.Hash},
		{f.say.words("figures.released"), f.say.words("figures.ofreplicates", "released", kept.Released, "replicates", draw.Replicates)},
		{f.say.words("figures.person"), person},
		{f.say.words("figures.seal"), kept.Seal.String()},
	}
}

// stageTable has the units and probabilities of each stage.
func (d *desk) stageTable(f figuresFrame, draw *fieldwork.Draw) (deskTable, error) {
	t, err := d.table(f.deskFrame, "stages", "figures.stages", "figures.stage", "figures.unit", "#figures.units", "#figures.plow", "#figures.phigh")
	if err != nil {
		return t, err
	}
	words := &teller{deskFrame: f.deskFrame}
	for k, unit := range draw.Stages {
		units := map[string]bool{}
		low, high := math.Inf(1), 0.0
		for _, u := range draw.Units {
			units[strings.Join(u.Codes[:k+1], " ")] = true
			low, high = min(low, u.P[k]), max(high, u.P[k])
		}
		if len(units) == 0 {
			low = math.NaN()
		}
		t.add(deskCell{Text: strconv.Itoa(k + 1)}, deskCell{Text: words.unit(unit)}, whole(len(units)), decimal(low, 6), decimal(high, 6))
	}
	return t, errors.Join(words.err, t.arrange(f.deskFrame))
}

// strataTable has the strata with what was drawn in each.
func (d *desk) strataTable(f figuresFrame, draw *fieldwork.Draw, released int) (deskTable, error) {
	t, err := d.table(f.deskFrame, "strata", "figures.strata", "figures.stratum", "#figures.frameunits", "#figures.firstunits", "#figures.drawnunits", "#figures.certain", "#figures.cases", "#figures.reserve")
	if err != nil {
		return t, err
	}
	cases, reserve := map[string]int{}, map[string]int{}
	for _, u := range draw.Units {
		if u.Replicate <= released {
			cases[u.In]++
		} else {
			reserve[u.In]++
		}
	}
	words := &teller{deskFrame: f.deskFrame}
	for _, s := range draw.Strata {
		t.add(deskCell{Text: words.stratum(s.Stratum)}, whole(s.FrameUnits), whole(s.Units), whole(s.Number), whole(s.Certain), whole(cases[s.Stratum]), whole(reserve[s.Stratum]))
	}
	return t, errors.Join(words.err, t.arrange(f.deskFrame))
}

// weightSum sums up base weights: their number, sum, sum of squares, least and greatest.
type weightSum struct {
	n                      int
	sum, squares, min, max float64
}

func (w weightSum) add(weight float64, n int) weightSum {
	if w.n == 0 {
		w.min = weight
	}
	return weightSum{w.n + n, w.sum + float64(n)*weight, w.squares + float64(n)*weight*weight, min(w.min, weight), max(w.max, weight)}
}

// deff is the design effect of unequal weights by Kish (1965, Survey Sampling, §11.7):
// n Σw² / (Σw)², NaN without a case.
func (w weightSum) deff() float64 { return float64(w.n) * w.squares / (w.sum * w.sum) }

func (w weightSum) cells() []deskCell {
	return []deskCell{whole(w.n), decimal(w.sum, 0), decimal(w.min, 2), decimal(w.max, 2), decimal(w.sum/float64(w.n), 2), decimal(w.deff(), 3)}
}

// weightTable has the base weights of the cases, of all and by part of the area.
func (d *desk) weightTable(v *call, p *deskSample) error {
	f := p.figuresFrame
	var all weightSum
	parts := map[string]weightSum{}
	err := d.office.Tallies(v.Request().Context(), v.account, f.wave.ID, f.scope(v), func(t office.Tally) {
		code := part(t.Area, f.scope(v))
		all, parts[code] = all.add(t.Weight, t.Cases), parts[code].add(t.Weight, t.Cases)
	})
	if err != nil {
		return err
	}
	p.WeightFact = []fact{
		{f.say.words("figures.cases"), show.Count(all.n)},
		{f.say.words("figures.weightsum"), show.Number(all.sum, 0)},
		{f.say.words("figures.weightrange"), show.Number(all.min, 2) + " – " + show.Number(all.max, 2)},
		{f.say.words("figures.deff"), show.Number(all.deff(), 3)},
	}
	p.Weights, err = d.table(f.deskFrame, "weights", "figures.weights", "figures.area", "#figures.cases", "#figures.weightsum", "#figures.weightmin", "#figures.weightmax", "#figures.weightmean", "#figures.deff")
	if err != nil {
		return err
	}
	for _, code := range slices.Sorted(maps.Keys(parts)) {
		p.Weights.add(append([]deskCell{{Text: f.areaLabel(code)}}, parts[code].cells()...)...)
	}
	p.Weights.Notes = []string{f.say.words("figures.deffnote")}
	return p.Weights.arrange(f.deskFrame)
}
