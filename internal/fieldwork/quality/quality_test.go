package quality

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
)

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v", name, got, want)
	}
}

// One and two degrees of freedom have closed forms; the others are R's qt(0.975, 10),
// qt(0.9995, 1960) and qf(0.95, 5, 10).
func TestTails(t *testing.T) {
	near(t, "tTails(1, 1)", tTails(1, 1), 0.5, 1e-13)
	near(t, "tTails(√2, 2)", tTails(math.Sqrt2, 2), 1-math.Sqrt(0.5), 1e-13)
	near(t, "tTails(2.228138852, 10)", tTails(2.228138852, 10), 0.05, 1e-9)
	near(t, "fTail(3.325834530, 5, 10)", fTail(3.325834530, 5, 10), 0.05, 1e-9)
	near(t, "fTail(9, 2, 2)", fTail(9, 2, 2), 0.1, 1e-13)
	near(t, "tBound(0.05, 10)", tBound(0.05, 10), 2.228138852, 1e-8)
	for _, f := range []float64{0.2, 1, 4.7} {
		near(t, "F(1, df) is t squared", fTail(f, 1, 37), tTails(math.Sqrt(f), 37), 1e-12)
		near(t, "F(a, b) over 1/F(b, a)", fTail(f, 4, 31), 1-fTail(1/f, 31, 4), 1e-12)
	}
}

// A degree of the equator is πR/180, and from pole to pole it is πR.
func TestMetres(t *testing.T) {
	const r = 6371008.8
	at := func(lat, lon float64) Place { return Place{Latitude: lat, Longitude: lon, Known: true} }
	near(t, "a degree of the equator", Metres(at(0, 10), at(0, 11)), math.Pi*r/180, 1e-6)
	near(t, "a degree of the 60th parallel, chord by chord", Metres(at(60, 0), at(60, 1)), 2*r*math.Asin(0.5*math.Sin(math.Pi/360)), 1e-6)
	near(t, "from pole to pole", Metres(at(90, 0), at(-90, 77)), math.Pi*r, 1e-6)
	near(t, "over the date line", Metres(at(0, 179.5), at(0, -179.5)), math.Pi*r/180, 1e-6)
}

func TestFar(t *testing.T) {
	drawn := Place{Latitude: 30, Longitude: 120, Known: true}
	north := func(metres, accuracy float64) Fix {
		return Fix{Place: Place{Latitude: 30 + metres/111194.93, Longitude: 120, Known: true}, Accuracy: accuracy}
	}
	village := drawn
	village.Radius = 1000
	mocked := north(0, 5)
	mocked.Mocked = true
	for name, c := range map[string]struct {
		fix   Fix
		drawn Place
		want  Outcome
		why   Why
	}{
		"at the door":                      {north(20, 5), drawn, Clear, ""},
		"just inside, 300 m + 2.5 × 10 m":  {north(324, 10), drawn, Clear, ""},
		"just outside":                     {north(326, 10), drawn, Flagged, ""},
		"inside a village":                 {north(1200, 10), village, Clear, ""},
		"outside a village":                {north(1400, 10), village, Flagged, ""},
		"a poor fix far away":              {north(2000, 800), drawn, Clear, ""},
		"made up":                          {mocked, drawn, Flagged, byMock},
		"made up, nothing else known":      {Fix{Mocked: true}, Place{}, Flagged, byMock},
		"no fix":                           {Fix{Accuracy: 5}, drawn, Unjudged, whyNoFix},
		"a latitude that is no number":     {Fix{Place: Place{Latitude: math.NaN(), Known: true}, Accuracy: 5}, drawn, Unjudged, whyNoFix},
		"a latitude that does not exist":   {Fix{Place: Place{Latitude: 91, Known: true}, Accuracy: 5}, drawn, Unjudged, whyNoFix},
		"nobody knows where it should be":  {north(0, 5), Place{}, Unjudged, whyNoPlace},
		"no accuracy":                      {north(9000, 0), drawn, Unjudged, whyNoAccuracy},
		"an accuracy that is no number":    {north(9000, math.NaN()), drawn, Unjudged, whyNoAccuracy},
		"somewhere in the county":          {north(9000, 3000), drawn, Unjudged, whyInaccurate},
		"made up, with a strange accuracy": {Fix{Place: drawn, Accuracy: math.NaN(), Mocked: true}, drawn, Flagged, byMock},
	} {
		got := DefaultDistance().Far(c.fix, c.drawn)
		if got.Outcome != c.want || got.Why != c.why || math.IsNaN(got.Value) || math.IsNaN(got.Threshold) {
			t.Errorf("%s: Far() = %+v, want %q %q", name, got, c.want, c.why)
		}
	}
}

func TestNight(t *testing.T) {
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 9, day, hour, minute, 0, 0, Beijing) }
	for name, c := range map[string]struct {
		from, to time.Time
		minutes  float64
		want     Outcome
		why      Why
	}{
		"in the afternoon":         {at(1, 15, 0), at(1, 15, 40), 0, Clear, ""},
		"until ten sharp":          {at(1, 21, 20), at(1, 22, 0), 0, Clear, ""},
		"a little late":            {at(1, 21, 40), at(1, 22, 15), 15, Clear, ""},
		"late":                     {at(1, 21, 40), at(1, 22, 16), 16, Flagged, ""},
		"short, begun at night":    {at(1, 23, 0), at(1, 23, 5), 5, Flagged, ""},
		"over midnight":            {at(1, 23, 50), at(2, 0, 20), 30, Flagged, ""},
		"before dawn":              {at(1, 5, 0), at(1, 5, 30), 30, Flagged, ""},
		"into the morning":         {at(1, 6, 50), at(1, 7, 30), 10, Flagged, ""},
		"from seven":               {at(1, 7, 0), at(1, 7, 30), 0, Clear, ""},
		"another clock, same time": {at(1, 15, 0).UTC(), at(1, 15, 40).In(time.FixedZone("", -5*3600)), 0, Clear, ""},
		"no beginning":             {time.Time{}, at(1, 12, 0), 0, Unjudged, whyNoTime},
		"no end":                   {at(1, 12, 0), time.Time{}, 0, Unjudged, whyNoTime},
		"ends before it begins":    {at(1, 12, 0), at(1, 11, 0), 0, Unjudged, whyBackward},
		"put aside until tomorrow": {at(1, 18, 0), at(2, 9, 0), 0, Unjudged, whyLong},
	} {
		got := DefaultNight().Between(c.from, c.to)
		if got.Outcome != c.want || got.Why != c.why || math.Abs(got.Value-c.minutes) > 1e-9 {
			t.Errorf("%s: Between() = %+v, want %v minutes, %q %q", name, got, c.minutes, c.want, c.why)
		}
	}
	late := DefaultNight()
	late.Location = time.FixedZone("Urumqi", 6*3600)
	if got := late.Between(at(1, 22, 30), at(1, 23, 10)); got.Outcome != Clear {
		t.Errorf("half past eight in Urumqi: %+v, want clear", got)
	}
}

// The times of an interview on paper are those of typing it in: its speed cannot be judged,
// and night and place are those of the visit.
func TestPaper(t *testing.T) {
	q, _ := shipped(t, false)
	w := New(q)
	at := func(hour, minute int) time.Time { return time.Date(2026, 9, 1, hour, minute, 0, 0, Beijing) }
	drawn := Place{Latitude: 30, Longitude: 120, Known: true}
	far := Fix{Place: Place{Latitude: 31, Longitude: 120, Known: true}, Accuracy: 10}
	near := Fix{Place: drawn, Accuracy: 10}
	millis := map[string]int64{}
	for it := range q.Items {
		millis[it.ID] = 1
	}
	for _, c := range []struct {
		id      string
		mode    surveys.Mode
		started time.Time
		visited time.Time
		fix     Fix
	}{
		{"typed in at night", surveys.ModePaper, at(23, 0), at(15, 0), near},
		{"visited at night", surveys.ModePaper, at(9, 0), at(22, 0), far},
		{"no visit", surveys.ModePaper, at(23, 0), time.Time{}, Fix{}},
		{"by the link", surveys.ModeWeb, at(23, 0), at(23, 0), far},
		{"on a tablet", surveys.ModeTablet, at(23, 0), at(15, 0), far},
	} {
		iv := Interview{Interview: surveys.Interview{ID: c.id, Case: "case " + c.id, Mode: c.mode, Started: c.started, Finished: c.started.Add(30 * time.Minute)}, Visited: c.visited, Fix: c.fix, Drawn: drawn}
		iv.Answers, iv.Paradata.Millis = surveys.Answers{}, millis
		for it := range q.Items {
			iv.Answers[it.ID] = []string{surveys.DontKnow}
		}
		if err := w.Add(iv); err != nil {
			t.Fatal(err)
		}
	}
	findings, err := w.Judge(DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range findings {
		if f.Flag == TooFast || f.Flag == Night || f.Flag == FarAway {
			got[f.Interview+", "+string(f.Flag)] = strings.TrimSpace(string(f.Outcome) + " " + string(f.Why))
			if f.Case != "case "+f.Interview {
				t.Errorf("the finding %+v has not the case of its interview", f)
			}
		}
	}
	want := map[string]string{
		"typed in at night, too-fast": "keyed-in", "typed in at night, night": "clear", "typed in at night, far-away": "clear",
		"visited at night, too-fast": "keyed-in", "visited at night, night": "flagged visit", "visited at night, far-away": "flagged",
		"no visit, too-fast": "keyed-in", "no visit, night": "no-visit", "no visit, far-away": "no-fix",
		"by the link, too-fast": "flagged floor", "by the link, night": "self-completed", "by the link, far-away": "self-completed",
		"on a tablet, too-fast": "flagged floor", "on a tablet, night": "flagged", "on a tablet, far-away": "flagged",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +judged\n%s", d)
	}
	for i, x := range w.speeds(3) {
		if math.IsNaN(x) != (w.rows[i].mode == surveys.ModePaper) {
			t.Errorf("%s has the pace %v", w.rows[i].id, x)
		}
	}
	for minute, want := range map[int]Outcome{21*60 + 59: Clear, 22 * 60: Flagged, 3 * 60: Flagged, 6*60 + 59: Flagged, 7 * 60: Clear} {
		if f := DefaultNight().At(at(0, minute)); f.Outcome != want {
			t.Errorf("a visit %d minutes after midnight: %+v, want %s", minute, f, want)
		}
	}
	if f := DefaultNight().At(at(3, 0)); f.Value != 300 || !strings.Contains(f.Words()[surveys.EN], "300 minutes after night began") {
		t.Errorf("a visit at three: %+v, %v", f, f.Words())
	}
}

func TestLength(t *testing.T) {
	text := surveys.Text{surveys.ZH: "地核温度有几千摄氏度，100℃。", surveys.EN: "It’s 5,000 °C: well-known, isn't it?"}
	near(t, "characters", length(text, surveys.ZH), 13, 0)
	near(t, "words", length(text, surveys.EN), 7, 0) // It’s 5 000 C well-known isn't it
	q, _ := shipped(t, false)
	zh, en := 0.0, 0.0
	for it := range q.Items {
		zh += length(it.Text, surveys.ZH)
		en += length(it.Text, surveys.EN)
	}
	near(t, "characters for a word in the shipped questionnaire", zh/en, 1.5, 0.1)
}

// small is a questionnaire with three pages: a note with two items, a grid, an item; then a
// shuffled section of two items.
func small() *surveys.Questionnaire {
	options := []surveys.Option{{Code: "1", Text: both("是", "yes")}, {Code: "2", Text: both("否", "no")}, {Code: "dk", Text: both("不知", "unknown")}}
	item := func(id string, words int) surveys.Item {
		return surveys.Item{ID: id, Type: surveys.Single, Text: both(strings.Repeat("字", words), strings.Repeat("word ", words)), Options: options}
	}
	row := func(id string) surveys.Item {
		it := item(id, 3)
		it.Type, it.Row = surveys.Likert, "g"
		return it
	}
	paged := func(it surveys.Item) surveys.Item { it.Page = true; return it }
	return &surveys.Questionnaire{ID: "small", Sections: []surveys.Section{
		{ID: "s", Items: []surveys.Item{{ID: "n", Type: surveys.Note, Text: both("注", "note")}, item("a", 10), item("b", 20),
			paged(surveys.Item{ID: "g", Type: surveys.Grid, Text: both(strings.Repeat("表", 6), "grid")}), row("r1"), row("r2"), row("r3"),
			paged(item("c", 30))}},
		{ID: "t", Shuffle: true, Items: []surveys.Item{item("d", 40), item("e", 50)}},
	}}
}

// The options have 4 characters: 是, 否 and 不知.
func TestPages(t *testing.T) {
	all := surveys.Answers{"a": {"1"}, "b": {"1"}, "r1": {"1"}, "r2": {"2"}, "r3": {"1"}, "c": {"dk"}, "d": nil, "e": {"1"}}
	without := func(ids ...string) surveys.Answers {
		a := maps.Clone(all)
		for _, id := range ids {
			delete(a, id)
		}
		return a
	}
	for name, c := range map[string]struct {
		answers surveys.Answers
		millis  map[string]int64
		want    []page
	}{
		"as laid out": {all, map[string]int64{"n": 1000, "g": 2000, "c": 3000, "d": 4000},
			[]page{{pageID{0, 0}, 38, 1000}, {pageID{0, 3}, 6 + 4 + 9, 2000}, {pageID{0, 7}, 34, 3000}, {pageID{1, 0}, 98, 4000}}},
		"the first item and a row were not asked": {without("a", "r1"), map[string]int64{"n": 1000, "g": 2000, "c": 3000},
			[]page{{pageID{0, 0}, 24, 1000}, {pageID{0, 3}, 6 + 4 + 6, 2000}, {pageID{0, 7}, 34, 3000}}},
		"shuffled: the section is one page, whatever begins it": {all, map[string]int64{"e": 4000},
			[]page{{pageID{1, 0}, 98, 4000}}},
		"shuffled over two pages": {all, map[string]int64{"e": 4000, "d": 500}, []page{{pageID{1, 0}, 98, 4500}}},
		"nothing was timed":       {all, nil, nil},
		"times that are none":     {all, map[string]int64{"n": -5, "c": 0, "x": 9}, nil},
		"an empty page":           {without("c"), map[string]int64{"c": 700}, nil},
	} {
		w := New(small())
		iv := Interview{Interview: surveys.Interview{ID: "i", Lang: surveys.ZH, Answers: c.answers, Paradata: surveys.Paradata{Millis: c.millis}}}
		if err := w.Add(iv); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.pages, c.want) {
			t.Errorf("%s: pages %v, want %v", name, w.pages, c.want)
		}
	}
}

func TestStraight(t *testing.T) {
	for name, c := range map[string]struct {
		codes []uint16
		rows  int
		same  bool
	}{
		"all the same":              {[]uint16{5, 5, 5}, 3, true},
		"one differs":               {[]uint16{5, 5, 4}, 3, false},
		"don't know does not count": {[]uint16{dontKnow, 5, blank, 5, refused, unasked}, 2, true},
		"nothing said":              {[]uint16{dontKnow, dontKnow}, 0, true},
	} {
		if rows, same := straight(c.codes); rows != c.rows || same != c.same {
			t.Errorf("%s: straight() = %d %v, want %d %v", name, rows, same, c.rows, c.same)
		}
	}
}

// The sum over all patterns with r right, each with the product of its odds, is what the
// recursion must give.
func TestExpectedGuttmanErrors(t *testing.T) {
	odds := []float64{6, 3, 2.5, 1, 0.4, 0.3, 0.1}
	asked := []byte{1, 1, 0, 1, 1, 1, 1}
	got := expected(asked, odds)
	var items []int
	for n, is := range asked {
		if is == 1 {
			items = append(items, n)
		}
	}
	weight, first, second := make([]float64, 7), make([]float64, 7), make([]float64, 7)
	for pattern := range 1 << len(items) {
		p, r, wrong, errs := 1.0, 0, 0, 0
		for k, n := range items {
			if pattern>>k&1 == 1 {
				p *= odds[n]
				r++
				errs += wrong
			} else {
				wrong++
			}
		}
		weight[r] += p
		first[r] += p * float64(errs)
		second[r] += p * float64(errs*errs)
	}
	for r := range got {
		mean := first[r] / weight[r]
		near(t, fmt.Sprintf("mean for %d right", r), got[r].mean, mean, 1e-9)
		near(t, fmt.Sprintf("variance for %d right", r), got[r].sd*got[r].sd, second[r]/weight[r]-mean*mean, 1e-9)
	}
}

// Two enumerators with the values 1, 2, 3 and 3, 4, 5: MSB = 3·(1+1) = 6, MSW = 4/4 = 1,
// ICC = (6−1)/(6+2·1) = 0.625, F = 6 with 1 and 4 degrees of freedom, t² of t = √6.
func TestVariance(t *testing.T) {
	w := New(small())
	for range 3 {
		w.rows = append(w.rows, row{enumerator: "A"}, row{enumerator: "B"})
	}
	values := []float64{1, 3, 2, 4, 3, 5}
	r := DefaultEnumerator()
	r.Interviews, r.Tolerated = 2, 0
	v := w.variance(values, r)
	f := v.effect(RightShare, r)
	near(t, "n0", v.n0, 3, 1e-12)
	near(t, "correlation", f.Value, 0.625, 1e-12)
	near(t, "p", f.P, tTails(math.Sqrt(6), 4), 1e-12)
	a := v.apart("A", RightShare, r)
	near(t, "difference", a.Value, -2, 1e-12)
	near(t, "its error", a.se, math.Sqrt(2.0/3), 1e-12)
	near(t, "its p", a.P, f.P, 1e-12)
	r.Tolerated = 0.2 // τ² = 0.25 of σ² = 1; each mean has it once
	near(t, "F against a correlation of 0.2", w.variance(values, r).effect(RightShare, r).P, fTail(6/(1+3*0.25), 1, 4), 1e-12)
	near(t, "error with it", w.variance(values, r).apart("A", RightShare, r).se, math.Sqrt(2.0/3+2*0.25), 1e-12)

	for i := range w.rows { // each alone in an area: the areas may differ, and nobody is to blame
		w.rows[i].area = w.rows[i].enumerator
	}
	v = w.variance(values, r)
	if f, a := v.effect(RightShare, r), v.apart("A", RightShare, r); f.Why != whyNobodyBeside || a.Why != whyNobodyBeside || f.Outcome != Unjudged {
		t.Errorf("alone in an area: %+v, %+v", f, a)
	}
}

// R: p.adjust(c(0.01, 0.02, 0.03, 0.005), "holm") is 0.03 0.04 0.04 0.02, and "BH" is 0.02
// 0.02667 0.03 0.02.
func TestMultiplicity(t *testing.T) {
	ps := []float64{0.01, 0.02, 0.03, 0.005}
	for alpha, flagged := range map[float64][]bool{0.05: {true, true, true, true}, 0.035: {true, false, false, true}, 0.01: make([]bool, 4)} {
		r := DefaultEnumerator()
		r.Alpha = alpha
		var ones []one
		var effects []Finding
		for i, p := range ps {
			v := &variance{dfWith: 20, flagged: map[string]bool{}}
			ones = append(ones, one{Finding: Finding{Outcome: Clear, P: p, Value: tBound(p, 20), Enumerator: fmt.Sprint(i)}, v: v, se: 1})
			effects = append(effects, Finding{Outcome: Clear, P: p})
		}
		holm(ones, r)
		benjaminiHochberg(effects, alpha)
		for i := range ps {
			near(t, "Holm", ones[i].P, []float64{0.03, 0.04, 0.04, 0.02}[i], 1e-12)
			near(t, "Benjamini-Hochberg", effects[i].P, []float64{0.02, 0.08 / 3, 0.03, 0.02}[i], 1e-12)
			if is := ones[i].Outcome == Flagged; is != flagged[i] || is != (ones[i].Value >= ones[i].Threshold-1e-9) {
				t.Errorf("alpha %v, p %v: %+v, want flagged %v and the value beyond the threshold if so", alpha, ps[i], ones[i].Finding, flagged[i])
			}
		}
	}
}

// made makes a wave of n random interviews of a questionnaire with k items.
func made(t testing.TB, n, k int) (*surveys.Questionnaire, []Interview) {
	t.Helper()
	var options []surveys.Option
	for c := range 4 {
		options = append(options, surveys.Option{Code: fmt.Sprint(c)})
	}
	options = append(options, surveys.Option{Code: surveys.DontKnow})
	q := &surveys.Questionnaire{ID: "made", Sections: []surveys.Section{{ID: "s"}}}
	for i := range k {
		q.Sections[0].Items = append(q.Sections[0].Items, surveys.Item{ID: fmt.Sprintf("q%d", i), Type: surveys.Single, Options: options})
	}
	rng := random(7, "made")
	ivs := make([]Interview, n)
	for i := range ivs {
		ivs[i] = Interview{Interview: surveys.Interview{ID: fmt.Sprint(i), Answers: surveys.Answers{}},
			Enumerator: fmt.Sprint(i / 20), PSU: fmt.Sprint(i % 50)}
		for _, it := range q.Sections[0].Items {
			ivs[i].Answers[it.ID] = []string{options[rng.IntN(5)].Code}
		}
	}
	return q, ivs
}

func waveOf(t testing.TB, q *surveys.Questionnaire, ivs []Interview) *Wave {
	t.Helper()
	w := New(q)
	for _, iv := range ivs {
		if err := w.Add(iv); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// Comparing four answers at a time must count what comparing one by one counts.
func TestMatch(t *testing.T) {
	q, ivs := made(t, 40, 83)
	rng := random(7, "match")
	for i := range ivs {
		for id := range ivs[i].Answers {
			switch rng.IntN(8) {
			case 0:
				delete(ivs[i].Answers, id)
			case 1:
				ivs[i].Answers[id] = nil
			case 2:
				ivs[i].Answers[id] = []string{surveys.Refused}
			case 3:
				ivs[i].Answers[id] = []string{"another", "answer"}
			}
		}
	}
	w := waveOf(t, q, ivs)
	p := w.pack()
	for a := range ivs {
		for b := range ivs {
			want := match{}
			for k, x := range w.answers(a) {
				if y := w.answers(b)[k]; counts(x) && counts(y) {
					want.both++
					if x == y {
						want.equal++
					}
				}
			}
			if got := p.match(a, b); got != want {
				t.Fatalf("match(%d, %d) = %+v, want %+v", a, b, got, want)
			}
		}
	}
}

// Copies that differ in Apart answers are found across the whole wave, wherever the
// differences are; within an enumerator and a PSU, copies that differ in three times as
// many.
func TestCopiesAreFound(t *testing.T) {
	const items = 100
	r := DefaultDuplicate()
	q, ivs := made(t, 3000, items)
	rng := random(7, "copies")
	copyOf := func(from, to, differ int) {
		ivs[to].Answers = maps.Clone(ivs[from].Answers)
		for _, k := range rng.Perm(items)[:differ] {
			ivs[to].Answers[fmt.Sprintf("q%d", k)] = []string{"changed"}
		}
	}
	var planted []int
	for n := range 300 { // interviews 5 apart by enumerator and PSU
		from := 10 * n
		to := (from + 1505) % 3000
		if ivs[from].Enumerator == ivs[to].Enumerator || ivs[from].PSU == ivs[to].PSU {
			t.Fatal("the copies must have nothing in common but their answers")
		}
		copyOf(from, to, r.Apart)
		planted = append(planted, from, to)
	}
	copyOf(1, 2, 3*r.Apart)  // of one enumerator
	copyOf(3, 53, 3*r.Apart) // of one PSU
	planted = append(planted, 1, 2, 3, 53)
	found, err := waveOf(t, q, ivs).Duplicates(r)
	if err != nil {
		t.Fatal(err)
	}
	flagged := 0
	for _, f := range found {
		if f.Outcome == Flagged {
			flagged++
		}
	}
	for _, i := range planted {
		if found[i].Outcome != Flagged {
			t.Errorf("interview %d is a copy and was not found: %+v", i, found[i])
		}
	}
	if flagged != len(planted) {
		t.Errorf("%d interviews flagged, want the %d that are copies or were copied", flagged, len(planted))
	}
}

// When all interviews are the same, work stays bounded and each is found.
func TestAllTheSame(t *testing.T) {
	q, ivs := made(t, 20000, 60)
	for i := range ivs {
		ivs[i].Answers, ivs[i].Enumerator, ivs[i].PSU = ivs[0].Answers, "", ""
	}
	w := waveOf(t, q, ivs)
	compared := 0
	r := DefaultDuplicate()
	for block := range r.Apart + 1 {
		w.pairsOfBlock(block, r, func(_, _ int) { compared++ })
	}
	if most := len(ivs) * (r.Apart + 1) * r.Bucket; compared > most {
		t.Errorf("%d comparisons, want at most %d", compared, most)
	}
	found, err := w.Duplicates(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Outcome != Flagged || f.Value != 1 || f.With == f.Interview {
			t.Fatalf("%+v, want a copy", f)
		}
	}
}

// The same interviews give the same findings, though maps are walked in another order.
func TestSameInputSameFindings(t *testing.T) {
	world := newWorldOf(t, true)
	ivs := world.wave(random(3, "same"), 600)
	first := judgeAll(t, world.q, ivs, DefaultRules())
	for range 3 {
		if again := judgeAll(t, world.q, ivs, DefaultRules()); !slices.Equal(again, first) {
			t.Fatal("the findings differ from one run to the next")
		}
	}
	for _, f := range first {
		words := f.Words()
		for _, l := range []surveys.Lang{surveys.ZH, surveys.EN} {
			if s := words[l]; s == "" || strings.Contains(s, "%!") || strings.Contains(s, "NaN") || strings.Contains(s, "not looked at") {
				t.Fatalf("%+v in words: %q", f, s)
			}
		}
		if math.IsNaN(f.Value) || math.IsNaN(f.Threshold) || math.IsNaN(f.P) {
			t.Fatalf("%+v has a value that is no number", f)
		}
	}
}

// What cannot be judged is neither clear nor flagged, and says why.
func TestCannotBeJudged(t *testing.T) {
	tablet := func(id string) Interview {
		return Interview{Interview: surveys.Interview{ID: id, Mode: surveys.ModeTablet}}
	}
	one := &surveys.Questionnaire{ID: "one", Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{{ID: "a", Type: surveys.ShortText}}}}}
	full := newWorldOf(t, false)
	wave := full.wave(random(1, "bad"), 100)
	bare := wave[:20]
	for i := range bare {
		bare[i].Paradata.Millis, bare[i].Started, bare[i].Fix, bare[i].Enumerator = nil, time.Time{}, Fix{}, ""
		for id := range bare[i].Answers {
			bare[i].Answers[id] = nil
		}
	}
	for name, c := range map[string]struct {
		q   *surveys.Questionnaire
		ivs []Interview
	}{
		"nothing known of one interview":  {full.q, []Interview{tablet("1")}},
		"one item":                        {one, []Interview{tablet("1"), tablet("2")}},
		"no items":                        {&surveys.Questionnaire{}, []Interview{tablet("1")}},
		"nothing but blanks, in a few":    {full.q, bare},
		"an interview of an unknown mode": {full.q, []Interview{{Interview: surveys.Interview{ID: "1"}}}},
	} {
		for _, f := range judgeAll(t, c.q, c.ivs, DefaultRules()) {
			if f.Outcome != Unjudged {
				t.Errorf("%s: %s: %+v, want that it cannot be judged", name, f.Flag, f)
			}
			if words := f.Words(); whys[f.Why] == nil || !strings.HasPrefix(words[surveys.EN], "Cannot be judged, because ") || !strings.HasPrefix(words[surveys.ZH], "无法判断，因为") {
				t.Errorf("%s: %s gives no reason: %+v, %q", name, f.Flag, f, words)
			}
		}
	}
	findings, err := New(full.q).Judge(DefaultRules())
	if err != nil || slices.ContainsFunc(findings, func(f Finding) bool { return f.Outcome != Unjudged || f.Interview != "" }) {
		t.Errorf("an empty wave: %v, %v", findings, err)
	}
}

// Times below the floor are flagged even where there is nobody to compare with.
func TestFloorNeedsNobody(t *testing.T) {
	world := newWorldOf(t, false)
	iv := world.wave(random(1, "floor"), 50)[0]
	for page := range iv.Paradata.Millis {
		iv.Paradata.Millis[page] = 300
	}
	found, err := waveOf(t, world.q, []Interview{iv}).TooFast(DefaultSpeed())
	if err != nil || found[0].Outcome != Flagged || found[0].Why != byFloor || found[0].Value >= found[0].Threshold {
		t.Errorf("TooFast() = %+v, %v, want flagged by the floor", found, err)
	}
}

func TestAdd(t *testing.T) {
	w := New(small())
	add := func(iv surveys.Interview) error { return w.Add(Interview{Interview: iv}) }
	if err := add(surveys.Interview{ID: "1", Survey: "small", Answers: surveys.Answers{"unknown": {"x"}}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		iv   surveys.Interview
		want error
	}{
		"no ID":                 {surveys.Interview{}, surveys.ErrInvalid},
		"there already":         {surveys.Interview{ID: "1"}, surveys.ErrConflict},
		"broken off":            {surveys.Interview{ID: "2", Partial: true}, surveys.ErrInvalid},
		"another questionnaire": {surveys.Interview{ID: "2", Survey: "other"}, surveys.ErrInvalid},
	} {
		if err := add(c.iv); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if w.Len() != 1 || len(w.codes) != len(w.items) {
		t.Errorf("%d interviews, want the one", w.Len())
	}
}

func TestRules(t *testing.T) {
	if err := DefaultRules().Check(); err != nil {
		t.Errorf("the default rules: %v", err)
	}
	for name, spoil := range map[string]func(*Rules){
		"Speed.Robust":        func(r *Rules) { r.Speed.Robust = math.NaN() },
		"Line.Rows":           func(r *Rules) { r.Line.Rows = 1 },
		"NoAnswer.Share":      func(r *Rules) { r.NoAnswer.Share = 33 },
		"Duplicate.Match":     func(r *Rules) { r.Duplicate.Match = 85 },
		"Distance.Metres":     func(r *Rules) { r.Distance.Metres = -1 },
		"Night.From":          func(r *Rules) { r.Night.From = 1440 },
		"Fit.Items":           func(r *Rules) { r.Fit.Items = 0 },
		"Enumerator.Alpha":    func(r *Rules) { r.Enumerator.Alpha = 0 },
		"Enumerator.Measures": func(r *Rules) { r.Enumerator.Measures = []Measure{"height"} },
	} {
		r := DefaultRules()
		spoil(&r)
		err := r.Check()
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want an error that names it", name, err)
		}
		if _, judged := New(small()).Judge(r); !errors.Is(judged, surveys.ErrInvalid) {
			t.Errorf("%s: Judge() gives %v, want the error", name, judged)
		}
	}
}
