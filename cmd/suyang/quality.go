package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/quality"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// qualityCommand judges the interviews of a wave.
type qualityCommand struct {
	stateFlags
	Wave   string       `arg:"" help:"Name of the wave."`
	Format string       `default:"text" enum:"text,json,csv" help:"text: flags, then what was flagged; json: every finding; csv: what was flagged."`
	Lang   surveys.Lang `default:"zh" enum:"zh,en" help:"Language of the text: zh or en."`
}

// Run prints how often each flag was raised, how often chance raises it, and what was
// flagged.
func (c *qualityCommand) Run(ctx context.Context, con *console) error {
	st, w, err := c.openWave(ctx, c.Wave)
	if err != nil {
		return err
	}
	defer st.Close()
	findings, err := st.judge(ctx, w.Questionnaire, w.ID)
	if err != nil {
		return err
	}
	switch c.Format {
	case "json":
		e := json.NewEncoder(con.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Schema, Wave string
			Flags        []quality.Count
			Findings     []quality.Finding
		}{"suyang.quality.1", w.ID, quality.Tally(findings), findings})
	case "csv":
		return c.csv(con, findings)
	}
	_, err = fmt.Fprint(con.out, qualityText(findings, c.Lang))
	return err
}

// flaggedOnly are the findings that say something is off.
func flaggedOnly(findings []quality.Finding) []quality.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f quality.Finding) bool { return f.Outcome != quality.Flagged })
}

func (c *qualityCommand) csv(con *console, findings []quality.Finding) error {
	w := csv.NewWriter(con.out)
	full := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	if err := w.Write([]string{"flag", "case", "interview", "enumerator", "measure", "with_case", "with", "value", "threshold", "p", "n", "words"}); err != nil {
		return err
	}
	for _, f := range flaggedOnly(findings) {
		err := w.Write([]string{string(f.Flag), f.Case, alone(f.Case, f.Interview), f.Enumerator, string(f.Measure), f.WithCase, alone(f.WithCase, f.With), full(f.Value), full(f.Threshold), full(f.P), strconv.Itoa(f.N), f.Words().In(c.Lang)})
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// alone is the ID of an interview that has no case, and empty of one that has.
func alone(inCase, interview string) string {
	if inCase != "" {
		return ""
	}
	return interview
}

// qualityHead are the columns of the table of flags.
var qualityHead = map[surveys.Lang][]string{
	surveys.ZH: {"标记", "被标记", "已判断", "无法判断", "被标记比例", "诚实答卷误标比例", "偶然应有"},
	surveys.EN: {"flag", "flagged", "judged", "not judged", "share flagged", "honest flagged", "expected by chance"},
}

// qualityText is the table of flags and what was flagged.
func qualityText(findings []quality.Finding, l surveys.Lang) string {
	lines := [][]string{qualityHead[l]}
	for _, c := range quality.Tally(findings) {
		share := "—"
		if c.Judged > 0 {
			share = percent(float64(c.Flagged)/float64(c.Judged), 2) + "%"
		}
		lines = append(lines, []string{c.Flag.Name().In(l), strconv.Itoa(c.Flagged), strconv.Itoa(c.Judged), strconv.Itoa(c.Unjudged), share,
			percent(c.Flag.Honest(), 2) + "%", strconv.FormatFloat(c.Expected, 'f', 1, 64)})
	}
	text := aligned(lines)
	for _, f := range flaggedOnly(findings) {
		who := cmp.Or(f.Case, f.Interview)
		switch {
		case who == "" && f.Enumerator == "":
			who = map[surveys.Lang]string{surveys.ZH: "整轮", surveys.EN: "the wave"}[l]
		case who == "":
			who = f.Enumerator
		}
		text += fmt.Sprintf("\n%s  %s  %s", who, f.Flag.Name().In(l), f.Words().In(l))
	}
	if len(flaggedOnly(findings)) > 0 {
		text += "\n"
	}
	return text
}

// judge asks all quality flags about the interviews of a wave: those that stand of the
// cases that the office has, and the last whole revision of all others.
func (st *station) judge(ctx context.Context, q *surveys.Questionnaire, wave string) ([]quality.Finding, error) {
	known := map[string]office.Interviewed{} // by case
	err := st.office.Interviewed(ctx, wave, func(i office.Interviewed) { known[i.Case] = i })
	if err != nil {
		return nil, err
	}
	ours, err := st.office.HasCases(ctx, wave)
	if err != nil {
		return nil, err
	}
	w := quality.New(q)
	var last surveys.Response
	var faults error
	add := func() {
		i := known[last.Case]
		if last.ID == "" || last.Partial || ours && last.Case != "" && i.Interview.Interview != last.ID {
			return
		}
		faults = errors.Join(faults, w.Add(interviewOf(last.Interview, i)))
	}
	err = st.store.Responses(ctx, wave, func(r surveys.Response) bool { // by case, interview and revision
		if r.ID != last.ID {
			add()
		}
		last = r
		return faults == nil
	})
	if err != nil {
		return nil, err
	}
	if add(); faults != nil {
		return nil, faults
	}
	return w.Judge(quality.DefaultRules())
}

// The columns of a sample with the place of a case: degrees in WGS-84, and metres.
const (
	columnLatitude  = "latitude"
	columnLongitude = "longitude"
	columnRadius    = "radius"
)

// fixWithin is how long before or after the end of an interview a position still is that
// of the interview.
const fixWithin = 3 * time.Hour

// visitOf is the visit at which an interview was done, nil when none is on record. On paper
// it is the last one before the interview was typed in, otherwise the one with a position
// that lies nearest to its end.
func visitOf(iv surveys.Interview, attempts []fieldwork.Attempt) (visit *fieldwork.Attempt) {
	nearest := fixWithin
	for k := range attempts {
		a := &attempts[k]
		if a.Contact != fieldwork.Visit {
			continue
		}
		if iv.Mode == surveys.ModePaper {
			if !a.At.After(iv.Finished) && (visit == nil || a.At.After(visit.At)) {
				visit = a
			}
		} else if away := a.At.Sub(iv.Finished).Abs(); a.Place != nil && away <= nearest {
			nearest, visit = away, a
		}
	}
	return visit
}

// interviewOf is an interview with what the office knows of its case.
func interviewOf(iv surveys.Interview, i office.Interviewed) quality.Interview {
	out := quality.Interview{Interview: iv, Enumerator: i.Enumerator, Area: i.Area, PSU: i.PSU}
	if a := visitOf(iv, i.Attempts); a != nil {
		out.Visited = a.At
		if a.Place != nil {
			out.Fix = quality.Fix{Place: quality.Place{Latitude: a.Place.Latitude, Longitude: a.Place.Longitude, Known: true}, Accuracy: a.Place.Accuracy, Mocked: a.Place.Mocked}
		}
	}
	number := func(column string) float64 {
		x, err := strconv.ParseFloat(i.Columns[column], 64)
		if err != nil {
			return math.NaN()
		}
		return x
	}
	out.Drawn = quality.Place{Latitude: number(columnLatitude), Longitude: number(columnLongitude)}
	if out.Drawn.Known = !math.IsNaN(out.Drawn.Latitude + out.Drawn.Longitude); !out.Drawn.Known {
		out.Drawn = quality.Place{}
	}
	if r := number(columnRadius); out.Drawn.Known && r > 0 {
		out.Drawn.Radius = r
	}
	return out
}

// judgeEvery is how long findings stand at least, however many interviews come.
const judgeEvery = time.Minute

// judge keeps the findings of each wave until new interviews have come, and at least
// for judgeEvery. While a wave is judged anew, the old findings are shown.
type judge struct {
	st    *station
	now   func() time.Time
	mu    sync.Mutex
	waves map[string]*verdict
}

// verdict is what was found in a wave, and when.
type verdict struct {
	findings []quality.Finding
	err      error
	at       time.Time
	upTo     logMark
	// running is closed when the judging under way ends, nil when there is none.
	running chan struct{}
}

// logMark says how far the log had come: written, and stored; and how much had come from
// collectors.
type logMark struct{ written, stored, heard uint64 }

func newJudge(st *station) *judge {
	return &judge{st: st, now: time.Now, waves: map[string]*verdict{}}
}

// findings are those of a wave, with the time when it was judged. It waits for the first
// judging of a wave only.
func (j *judge) findings(ctx context.Context, wave string) ([]quality.Finding, time.Time, error) {
	j.mu.Lock()
	v := j.waves[wave]
	if v == nil {
		v = &verdict{}
		j.waves[wave] = v
	}
	log := j.st.log.Stat()
	if upTo := (logMark{log.Next, log.Released, j.st.heard.Load()}); v.running == nil && (v.at.IsZero() || v.err != nil || v.upTo != upTo && j.now().Sub(v.at) >= judgeEvery) {
		v.running = make(chan struct{})
		go j.run(context.WithoutCancel(ctx), wave, v, upTo)
	}
	running, first := v.running, v.at.IsZero() || v.err != nil
	j.mu.Unlock()
	if first && running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			return nil, time.Time{}, fmt.Errorf("the interviews of wave %s are being judged; look again in a while: %w", wave, surveys.ErrUnavailable)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return v.findings, v.at, v.err
}

// run judges a wave and keeps what was found.
func (j *judge) run(ctx context.Context, wave string, v *verdict, upTo logMark) {
	var found []quality.Finding
	err := fmt.Errorf("wave %s: %w", wave, surveys.ErrNotFound)
	for _, w := range j.st.published().waves {
		if w.ID == wave {
			found, err = j.st.judge(ctx, w.Questionnaire, wave)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil || v.at.IsZero() { // what was found before stands when judging fails
		v.findings, v.err = found, err
	}
	v.at, v.upTo = j.now(), upTo
	close(v.running)
	v.running = nil
}
