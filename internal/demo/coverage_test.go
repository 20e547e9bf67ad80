package demo

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/weigh"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

var (
	surveysDrawn  = flag.Int("surveys", 40, "number of surveys that TestCoverage draws from one population")
	interviewsPer = flag.Int("interviews", 600, "expected interviews of each")
	replicates    = flag.Int("replicates", 200, "replicates of each bootstrap")
)

// Over many draws from one population, with nonresponse and the shipped plan of weights
// in each, the 95 % intervals cover the truth about as often as they promise, whether
// they are linearised or come from a bootstrap that rakes every replicate.
func TestCoverage(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Interviews = *interviewsPer
	p, q, _ := province(t, cfg)
	pl := plan(t, q)
	src, err := library.FS.ReadFile("civic-literacy/weights.yaml")
	if err != nil {
		t.Fatal(err)
	}
	weights, err := weigh.ReadPlan("weights.yaml", src, q, pl.Factors)
	if err != nil {
		t.Fatal(err)
	}
	truth, err := p.Truth(t.Context(), q, pl, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	f := frame(t, p)
	drawn := make([][]*assess.Results, *surveysDrawn)
	eachSurvey(t, len(drawn), func(i int) (err error) {
		drawn[i], err = p.assessed(t, q, pl, weights, truth, f, uint64(i+1))
		return err
	})
	trials := []trial{newTrial(drawn, 0), newTrial(drawn, 1)}
	t.Logf("%d surveys of about %d interviews, raked; intervals of 95 %%, bootstraps of %d replicates\n%s",
		*surveysDrawn, *interviewsPer, *replicates, coverageTable(trials))
	trials[0].check(t, "Taylor")
	trials[1].check(t, "bootstrap")
	likeTaylor(t, trials[0], trials[1])
}

// eachSurvey does the surveys, as many at a time as there are cores.
func eachSurvey(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	next := make(chan int)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				errs[i] = do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("survey %d: %v", i+1, err)
		}
	}
}

// assessed draws a sample, lets it answer, weighs it and estimates, first with linearised
// variances, then with a bootstrap.
func (p *Population) assessed(t *testing.T, q *surveys.Questionnaire, pl *assess.Plan, weights *weigh.Plan, truth *Truth, f *fieldwork.Frame, seed uint64) ([]*assess.Results, error) {
	m, err := p.survey(q, f, seed, decides)
	if err != nil {
		return nil, err
	}
	w, record, err := weigh.Run(t.Context(), m, weigh.Input{Wave: m.Wave, Questionnaire: q, Plan: weights, Library: library.FS})
	if err != nil {
		return nil, err
	}
	m.Weights = map[string][]assess.CaseWeight{record.ID(): w}
	var all []*assess.Results
	for _, v := range []assess.Variance{{Method: assess.Taylor}, {Method: assess.Bootstrap, Replicates: *replicates, Seed: seed}} {
		r, err := assess.Assess(t.Context(), m, q, pl, assess.Options{Wave: m.Wave, Weighting: record, Truth: truth.Value, Variance: v})
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// decides says whether an item decides scores and domains.
func decides(it *surveys.Item) bool { return it.Dimension != "" || isFact(it) }

// survey draws a sample, lets the fieldwork take its course and the people answer the items
// that are asked, without an office and a server.
func (p *Population) survey(q *surveys.Questionnaire, f *fieldwork.Frame, seed uint64, asked func(*surveys.Item) bool) (*assess.Memory, error) {
	m := &assess.Memory{Wave: "w"}
	draw, err := p.Draw(f, seed, "test")
	if err != nil {
		return nil, err
	}
	if m.Cases, err = draw.Cases(0); err != nil {
		return nil, err
	}
	secret, err := household.NewSecret(fmt.Appendf(nil, "%032d", seed))
	if err != nil {
		return nil, err
	}
	for _, c := range m.Cases {
		standing, x, err := p.Standing(seed, c, secret.Number(c.ID))
		if err != nil {
			return nil, err
		}
		if m.Standings = append(m.Standings, standing); x == nil {
			continue
		}
		answers := surveys.Answers{}
		for it := range q.Items {
			if asked(it) {
				answers[it.ID] = p.Answer(x, it, answers)
			}
		}
		m.Responses = append(m.Responses, surveys.Response{Interview: surveys.Interview{
			ID: c.ID, Revision: 1, Wave: m.Wave, Case: c.ID, Answers: answers,
		}})
	}
	return m, nil
}

// A trial is what one kind of variance came to over all surveys, by kind of estimate and
// for some estimates that are hard to give intervals for.
type trial struct {
	kinds []string
	of    map[string]*kindTrial
	// z is (estimate − truth)/SE of the literacy rate in each survey.
	z []float64
}

// kindTrial is what came of one kind of estimates.
type kindTrial struct {
	intervals, none int       // with and without an interval
	rate            []float64 // of each survey that has intervals, the share that covers
	half            float64   // sum of half widths
	estimates, se   map[string][]float64
}

// The rows of the table that gather estimates of several kinds.
const (
	everyEstimate = "all estimates"
	rareShares    = "of these: truth below 5 %"
	smallGroups   = "of these: n below 100"
)

func newTrial(drawn [][]*assess.Results, variance int) trial {
	tr := trial{of: map[string]*kindTrial{}}
	for _, survey := range drawn {
		covered, total := map[string]int{}, map[string]int{}
		for _, k := range assess.KnownEstimates(survey[variance]) {
			if k.Kind == assess.KindRate {
				tr.z = append(tr.z, (k.Row.Estimate.Value-*k.Row.Truth)/k.Row.Estimate.SE)
			}
			for _, kind := range rowsOf(k) {
				in, known := k.Row.Covered()
				tr.add(kind, k, known)
				if known {
					total[kind]++
				}
				if in {
					covered[kind]++
				}
			}
		}
		for kind, n := range total {
			tr.of[kind].rate = append(tr.of[kind].rate, float64(covered[kind])/float64(n))
		}
	}
	last := func(kind string) int { return slices.Index([]string{everyEstimate, rareShares, smallGroups}, kind) }
	slices.SortStableFunc(tr.kinds, func(a, b string) int { return last(a) - last(b) })
	return tr
}

// rowsOf are the rows of the table in which an estimate counts.
func rowsOf(k assess.Known) []string {
	rows := []string{k.Kind, everyEstimate}
	if !k.Points() && *k.Row.Truth < 0.05 {
		rows = append(rows, rareShares)
	}
	if k.Row.Estimate.N < 100 {
		rows = append(rows, smallGroups)
	}
	return rows
}

func (tr *trial) add(kind string, k assess.Known, interval bool) {
	x := tr.of[kind]
	if x == nil {
		x = &kindTrial{estimates: map[string][]float64{}, se: map[string][]float64{}}
		tr.kinds, tr.of[kind] = append(tr.kinds, kind), x
	}
	if !interval {
		x.none++
		return
	}
	e, code := k.Row.Estimate, k.Kind+" "+k.Code
	x.intervals++
	x.half += (e.Hi - e.Lo) / 2
	x.estimates[code], x.se[code] = append(x.estimates[code], e.Value), append(x.se[code], e.SE)
}

// covered is the share of intervals that cover, and its Monte-Carlo error: that of a mean
// over surveys, since the intervals of one survey come from the same people and hang
// together.
func (x *kindTrial) covered() (rate, simulation float64) {
	mean, sd := moments(x.rate)
	return mean, sd / math.Sqrt(float64(len(x.rate)))
}

// ratio is the mean standard error of an estimate divided by the standard deviation of
// the estimates over the surveys, averaged over the estimates that every survey has and
// that vary.
func (x *kindTrial) ratio(surveys int) string {
	sum, n := 0.0, 0
	for _, code := range slices.Sorted(maps.Keys(x.estimates)) {
		_, sd := moments(x.estimates[code])
		if len(x.estimates[code]) == surveys && sd > 0 {
			mean, _ := moments(x.se[code])
			sum += mean / sd
			n++
		}
	}
	if n == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", sum/float64(n))
}

// moments are mean and standard deviation.
func moments(x []float64) (mean, sd float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean) / (n - 1)
	}
	return mean, math.Sqrt(sd)
}

// names are those of the rows; the others are named as they are.
var names = map[string]string{
	assess.KindRate: "literate, everybody", assess.KindScore: "mean score", assess.KindBand: "bands of literacy",
	assess.KindLevel: "levels of literacy", assess.KindDimension: "mean points of dimensions", assess.KindItem: "right answers to items",
	"city": "literate by city", "sex": "literate by sex", "age_group": "literate by age", "education": "literate by education",
	"residence": "literate, urban and rural", assess.KindScoreBy + "city": "mean score by city", assess.KindScoreBy + "sex": "mean score by sex",
	assess.KindScoreBy + "age_group": "mean score by age", assess.KindScoreBy + "education": "mean score by education",
	assess.KindScoreBy + "residence": "mean score, urban and rural",
}

// coverageTable has a row for each kind of estimate and columns for each variance.
func coverageTable(trials []trial) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tintervals\tTaylor\tcovered %\t± MC error\thalf width\tSE/SD\tbootstrap\tcovered %\t± MC error\thalf width\tSE/SD\t")
	for _, kind := range trials[0].kinds {
		fmt.Fprintf(w, "%s\t%d\t", cmp.Or(names[kind], kind), trials[0].of[kind].intervals)
		for _, tr := range trials {
			x := tr.of[kind]
			rate, simulation := x.covered()
			fmt.Fprintf(w, "\t%.1f\t%.1f\t%s\t%s\t", 100*rate, 100*simulation, x.width(kind), x.ratio(len(tr.z)))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}

// width is the mean half width, in percentage points or in points of the score.
func (x *kindTrial) width(kind string) string {
	half := x.half / float64(x.intervals)
	switch {
	case slices.Contains([]string{everyEstimate, smallGroups}, kind):
		return "" // of different units
	case assess.Known{Kind: kind}.Points():
		return fmt.Sprintf("%.2f points", half)
	}
	return fmt.Sprintf("%.2f %%", 100*half)
}

// simulationErrors is how many Monte-Carlo errors a share or a mean may be from where it
// should be: chance goes beyond four about once in 16,000 times.
const simulationErrors = 4

// check fails when the intervals of estimates with many people cover too seldom or too
// often. Small groups, of which a bootstrap may lose all who are literate, are left to
// the table.
func (tr trial) check(t *testing.T, variance string) {
	t.Helper()
	surveys := float64(len(tr.z))
	for _, kind := range []string{assess.KindRate, assess.KindScore, assess.KindBand, "sex", "residence", assess.KindScoreBy + "sex", assess.KindScoreBy + "residence", assess.KindDimension, assess.KindItem, everyEstimate} {
		x := tr.of[kind]
		if x.none > 0 {
			t.Errorf("%s, %s: %d estimates have no interval", variance, kind, x.none)
		}
		// As if all intervals were independent, for the case that none of few misses.
		least := math.Sqrt(0.95 * 0.05 / float64(x.intervals))
		rate, simulation := x.covered()
		if off := math.Abs(rate - 0.95); off > simulationErrors*max(simulation, least) {
			t.Errorf("%s, %s: %.1f %% of the intervals cover the truth, %.1f Monte-Carlo errors from 95 %%", variance, kind, 100*rate, off/max(simulation, least))
		}
	}
	// The mean of z over n surveys has the standard error 1/√n, its SD one of 1/√2n.
	mean, sd := moments(tr.z)
	if math.Abs(mean) > simulationErrors/math.Sqrt(surveys) || math.Abs(sd-1) > simulationErrors/math.Sqrt(2*surveys) {
		t.Errorf("%s: (estimate − truth)/SE of the literacy rate has mean %.2f and SD %.2f, want about 0 and 1", variance, mean, sd)
	}
}

// likeTaylor compares the standard errors of a bootstrap with the linearised ones, survey
// by survey. They differ by chance, and because raking anew fits its k free counts to n
// people each time, which linearisation does not see: about k/n of the variance, k/2n of
// the standard error. It may be twice that.
func likeTaylor(t *testing.T, taylor, bootstrap trial) {
	t.Helper()
	const free = 10 + 11 - 1 + 2 - 1 // sex by age, cities, urban and rural
	for _, kind := range []string{assess.KindRate, assess.KindScore, "residence", assess.KindItem} {
		ratio := make([]float64, len(taylor.z)) // of the standard errors, mean of a survey
		codes := slices.Sorted(maps.Keys(taylor.of[kind].se))
		for _, code := range codes {
			for i, se := range taylor.of[kind].se[code] {
				ratio[i] += bootstrap.of[kind].se[code][i] / se / float64(len(codes))
			}
		}
		mean, sd := moments(ratio)
		chance := simulationErrors * sd / math.Sqrt(float64(len(ratio)))
		if beyond := free / float64(*interviewsPer); mean < 1-chance || mean > 1+chance+beyond {
			t.Errorf("%s: standard errors of the bootstrap are %.3f of the linearised ones, want 1 to %.3f, give or take %.3f", kind, mean, 1+beyond, chance)
		}
	}
}
