package clickhouse

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

var people = flag.Int("people", 100_000, "how many responses BenchmarkCells and BenchmarkJob sum")

// BenchmarkCells sums made-up responses to the shipped questionnaire: every item, five
// factors, 1,740 PSUs.
func BenchmarkCells(b *testing.B) {
	s := open(b)
	q, factors := civic(b)
	makeUp(b, s, q, factors)
	for b.Loop() {
		c, err := s.Cells(b.Context(), assess.Query{Wave: "bench", Questionnaire: q, Factors: factors, Items: true})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(c.Rows)), "cells")
	}
}

// BenchmarkJob is the literacy rate of made-up responses with the error of 1,000 bootstrap
// replicates, each raked to five margins: the scan that makes the cells, and then the
// replicates. Memory is the most that the engine and this process held, together.
func BenchmarkJob(b *testing.B) {
	s := open(b)
	q, factors := civic(b)
	makeUp(b, s, q, factors)
	var margins []replicate.Margin
	for _, f := range factors {
		m := replicate.Margin{Factor: f.ID}
		n := len(f.Levels)
		for l := range n {
			m.Targets = append(m.Targets, 5e7*float64(l+5)/float64(n*5+n*(n-1)/2))
		}
		margins = append(margins, m)
	}
	query := assess.Query{Wave: "bench", Questionnaire: q, Factors: factors}
	var scan, replicates time.Duration
	engine := processOf(b)
	engine.forgetPeak(b)
	before, own := engine.cpu(b), process("self").cpu(b)
	for b.Loop() {
		begin := time.Now()
		cells, err := cellsOf(b, s, query, assess.VarLiterate)
		if err != nil {
			b.Fatal(err)
		}
		scan += time.Since(begin)
		begin = time.Now()
		rate := raked(b, cells, margins)
		replicates += time.Since(begin)
		if !(rate.SE > 0 && rate.Lo < rate.Value && rate.Value < rate.Hi) || rate.N != *people {
			b.Fatalf("estimate = %+v, want an interval from %d people", rate, *people)
		}
		b.ReportMetric(float64(len(cells.Rows)), "cells")
	}
	each := func(d time.Duration) float64 { return d.Seconds() / float64(b.N) }
	b.ReportMetric(each(scan), "s-scan")
	b.ReportMetric(each(replicates), "s-replicates")
	b.ReportMetric(each(scan+replicates), "s-total")
	b.ReportMetric(each(engine.cpu(b)-before), "user-s-engine")
	b.ReportMetric(each(process("self").cpu(b)-own), "user-s-go")
	b.ReportMetric(float64(engine.peak(b)+process("self").peak(b))/(1<<20), "MiB")
}

// BenchmarkReport makes the report of made-up responses to the shipped questionnaire with its
// plan, with weights that were raked to three margins: from the store over every number of it and
// what may be published of them to the page. The seconds of the engine and of this process are
// processor time, which a busy machine changes less.
func BenchmarkReport(b *testing.B) {
	s := open(b)
	q, plan := civicPlan(b)
	makeUp(b, s, q, plan.Factors)
	for _, sql := range []string{
		"INSERT INTO weights SELECT wave, 'w', case_id, weight * (0.8 + cityHash64(case_id) % 100 / 250), weight FROM sample",
		`INSERT INTO weight_sets (wave, name, digest, cases, version, record) SELECT 'bench', 'raked', 'w', count(), 1, '{"Name":"raked","Version":1}' FROM sample`,
	} {
		if err := s.conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	record := &assess.Weighting{Name: "raked", Version: 1, Calibration: []assess.CalibratedMargin{
		{Factors: []string{"sex", "age_group"}}, {Factors: []string{"city"}}, {Factors: []string{"residence"}},
	}}
	var assessed, protected, written time.Duration
	engine := processOf(b)
	engine.forgetPeak(b)
	before, own := engine.cpu(b), process("self").cpu(b)
	for b.Loop() {
		begin := time.Now()
		r, err := assess.Assess(b.Context(), s, q, plan, assess.Options{Wave: "bench", Weighting: record})
		if err != nil {
			b.Fatal(err)
		}
		if e := r.Headline[0].Estimate; !(e.SE > 0) || e.N != *people || !r.Calibrated || len(r.Topics) != len(plan.Topics) {
			b.Fatalf("estimate = %+v", e)
		}
		assessed += time.Since(begin)
		begin = time.Now()
		withheld, err := report.Protect(r, disclosure.DefaultRules())
		if err != nil {
			b.Fatal(err)
		}
		protected += time.Since(begin)
		begin = time.Now()
		var page bytes.Buffer
		if err := report.HTML(&page, r, surveys.ZH, report.Options{Now: begin, Program: "benchmark", Disclosure: withheld}); err != nil {
			b.Fatal(err)
		}
		written += time.Since(begin)
	}
	each := func(d time.Duration) float64 { return d.Seconds() / float64(b.N) }
	b.ReportMetric(each(assessed), "s-assess")
	b.ReportMetric(each(protected), "s-protect")
	b.ReportMetric(each(written), "s-html")
	b.ReportMetric(each(assessed+protected+written), "s-total")
	b.ReportMetric((engine.cpu(b)-before).Seconds()/float64(b.N), "user-s-engine")
	b.ReportMetric((process("self").cpu(b)-own).Seconds()/float64(b.N), "user-s-go")
	b.ReportMetric(float64(engine.peak(b)+process("self").peak(b))/(1<<20), "MiB")
}

// raked is the literacy rate with 1,000 raked replicates.
func raked(b *testing.B, c *analysis.Cells, margins []replicate.Margin) analysis.Estimate {
	b.Helper()
	set, err := replicate.Bootstrap(c, 1000, 1)
	if err != nil {
		b.Fatal(err)
	}
	cells, err := set.OnCells(c)
	if err != nil {
		b.Fatal(err)
	}
	cells, step, err := cells.Rake(margins, weighting.Settings{})
	if err != nil || !step.Converged {
		b.Fatal(err, step)
	}
	rate, err := cells.Proportion(assess.VarLiterate, nil)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}

// process is a folder of /proc: what the system knows of a process.
type process string

// processOf is the engine, the only child of this process.
func processOf(b *testing.B) process {
	b.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		b.Fatal(err)
	}
	for _, list := range lists {
		if children, _ := os.ReadFile(list); len(children) > 0 {
			return process(strings.Fields(string(children))[0])
		}
	}
	b.Skip("the processor time and memory of the engine are only known on Linux")
	return ""
}

func (p process) read(b *testing.B, name string) string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", string(p), name))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// cpu is the processor time spent in the program itself; Linux counts it in 1/100 s.
func (p process) cpu(b *testing.B) time.Duration {
	b.Helper()
	_, after, _ := strings.Cut(p.read(b, "stat"), ") ")
	ticks, err := strconv.Atoi(strings.Fields(after)[11]) // utime
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(ticks) * time.Second / 100
}

// peak is the most memory that the process had, in bytes.
func (p process) peak(b *testing.B) int {
	b.Helper()
	_, after, _ := strings.Cut(p.read(b, "status"), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		b.Fatal(err)
	}
	return kib << 10
}

// forgetPeak begins to look for the most memory anew.
func (p process) forgetPeak(b *testing.B) {
	b.Helper()
	if err := os.WriteFile(filepath.Join("/proc", string(p), "clear_refs"), []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
}

// The design of made-up samples: 29 PSUs in each of 60 strata.
const psusMadeUp, strataMadeUp = 1740, 60

// answersMadeUp is how many people have answers of their own; more repeat them.
const answersMadeUp = 100_000

// makeUp fills sample and responses inside ClickHouse, with answers drawn at random
// from the options, or from those that a factor has a level for; scored items are known to the able. Responses come in another order than that of the cases.
func makeUp(b *testing.B, s *Store, q *surveys.Questionnaire, factors []assess.Factor) {
	b.Helper()
	entries := []string{"'age', [toString(18 + cityHash64(number, 'age') % 52)]"}
	for it := range q.Items {
		if it.Type == surveys.Multiple || it.Type == surveys.Ranking {
			var codes []string
			for _, o := range q.Offered(it) {
				codes = append(codes, score.Quote(o.Code))
			}
			entries = append(entries, fmt.Sprintf("%[1]s, arraySlice(arrayRotateLeft([%[2]s], cityHash64(number, %[1]s) %% %[3]d), 1, 1 + cityHash64(number, %[1]s, 'n') %% 3)",
				score.Quote(it.ID), strings.Join(codes, ", "), len(codes)))
		}
		if !it.Type.OneOf() {
			continue
		}
		var codes []string
		for _, o := range q.Offered(it) {
			if !slices.ContainsFunc(factors, func(f assess.Factor) bool { return f.Answer == it.ID && f.Level(o.Code) < 0 }) {
				codes = append(codes, score.Quote(o.Code))
			}
		}
		answer := fmt.Sprintf("[%[2]s][1 + cityHash64(number, %[1]s) %% %[3]d]", score.Quote(it.ID), strings.Join(codes, ", "), len(codes))
		if len(it.Key) > 0 { // who is able knows it, the others guess
			answer = fmt.Sprintf("if(cityHash64(number, %s, 'knows') %% 100 < cityHash64(number, 'able') %% 90, %s, %s)",
				score.Quote(it.ID), score.Quote(it.Key[0]), answer)
		}
		entries = append(entries, score.Quote(it.ID)+", ["+answer+"]")
	}
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO sample
			WITH number %% %d AS psu, psu %% %d AS stratum
			SELECT 'bench', 'd', leftPad(toString(number), 9, '0'), 'h' || toString(stratum), 'u' || toString(psu), 100 + number %% 977,
				map('city', toString(330000 + 100 * (1 + stratum %% 11)), 'class', ['urban', 'rural'][1 + intDiv(stratum, 11) %% 2])
			FROM numbers(%d)`, psusMadeUp, strataMadeUp, *people),
		"INSERT INTO samples SELECT 'bench', 1, 'd', " + fmt.Sprint(*people),
		fmt.Sprintf(`INSERT INTO responses (wave, node, seq, submission_id, case_id, answers)
			SELECT 'bench', 1, number, %s, %s, map(%s) FROM numbers(%d) SETTINGS max_block_size = 10000`,
			madeUpID("number"), madeUpCase("number"), strings.Join(entries, ", "), min(answersMadeUp, *people)),
		fmt.Sprintf(`INSERT INTO responses (wave, node, seq, submission_id, case_id, answers)
			SELECT 'bench', 1, seq + %d * (number + 1) AS place, %s, %s, answers FROM numbers(%d) AS round CROSS JOIN responses AS made
			SETTINGS max_block_size = 10000, min_insert_block_size_rows = %[1]d, min_insert_block_size_bytes = 0`,
			answersMadeUp, madeUpID("place"), madeUpCase("place"), max(0, *people/answersMadeUp-1)),
	} {
		if err := s.conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
}

// madeUpID is a submission's ID by its place in the log.
func madeUpID(place string) string { return "toUUID(UUIDNumToString(sipHash128(" + place + ")))" }

// madeUpCase is the case at a place in the log. The step is a prime that divides no
// number of people in use, so every case comes once.
func madeUpCase(place string) string {
	return fmt.Sprintf("leftPad(toString(%s * 7368787 %% %d), 9, '0')", place, *people)
}

// BenchmarkInsert stores blocks of 1,000 responses with 50 answers.
func BenchmarkInsert(b *testing.B) {
	s := open(b)
	answers := surveys.Answers{}
	for i := range 50 {
		answers[fmt.Sprintf("K%02d", i)] = []string{"a"}
	}
	block := make([]surveys.Response, 1000)
	seq := uint64(0)
	for b.Loop() {
		for i := range block {
			seq++
			block[i] = response("bench", fmt.Sprint(seq), seq, answers)
		}
		put(b, s, fmt.Sprint(seq), block...)
	}
	b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "responses/s")
}
