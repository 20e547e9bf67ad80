package quality

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
	"github.com/suyang-survey/suyang/surveys/library"
)

// world makes up honest interviews of the shipped questionnaire. Knowledge follows a
// two-parameter logistic model: difficulties from the bank's expected shares, slopes
// log-normal around 1.1 (sd of the log 0.3), ability with 5 % of its variance between PSUs
// and 1 % between enumerators. Times follow the log-normal model of van der Linden (2006):
// 0.35 between persons, 0.3 from page to page, and one page in twenty interrupted for three
// to thirty times as long. Scales have an item's mean, a person's leaning in the block and
// noise, so that the leaning makes honest straight lines. Half of those who do not know say
// so, more or less by person.
type world struct {
	q     *surveys.Questionnaire
	items []*surveys.Item
	rng   *rand.Rand // of the world: its items, areas and enumerators

	slope, ease map[string]float64   // of scored items
	shares      map[string][]float64 // of the options of other items
	pages       map[string][]string  // items shown, by the item that begins the page
	lengths     map[string]float64
	pace        map[string]float64 // of pages, ms a character
}

const (
	simAreas, simEnumerators, simPSUs, simEach = 8, 5, 10, 50 // 2,000 interviews
	simSeed                                    = 20261126
)

// newWorld makes a world of the shipped questionnaire, with rotated booklets or without.
func newWorld(t testing.TB, rotated bool, seed uint64) *world {
	t.Helper()
	q, b := shipped(t, rotated)
	w := &world{q: q, rng: random(seed, "world"), slope: map[string]float64{}, ease: map[string]float64{},
		shares: map[string][]float64{}, pages: map[string][]string{}, lengths: map[string]float64{}, pace: map[string]float64{}}
	for s := range q.Sections {
		w.section(&q.Sections[s], b)
	}
	return w
}

// shipped reads the questionnaire of the library and its bank.
func shipped(t testing.TB, rotated bool) (*surveys.Questionnaire, *bank.Bank) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	files, err := fs.Sub(library.FS, "civic-literacy")
	must(err)
	read := func(name string) []byte {
		src, err := fs.ReadFile(files, name)
		must(err)
		return src
	}
	b, err := bank.Read("bank.yaml", read("bank.yaml"), files)
	must(err)
	name := "blueprint.yaml"
	if rotated {
		name = "blueprint-rotating.yaml"
	}
	plan, err := bank.ReadBlueprint(name, read(name), b)
	must(err)
	set, err := bank.Assemble(b, plan)
	must(err)
	src := read("questionnaire.yaml")
	if rotated { // booklets need the rule for items that were not asked
		src = bytes.Replace(src, []byte("unasked: missing"), []byte("unasked: left-out"), 1)
	}
	q, err := bank.Complete("questionnaire.yaml", src, files, set)
	must(err)
	return q, b
}

// section takes over what is asked of everybody, or of some in a random way: routes are
// not followed.
func (w *world) section(sec *surveys.Section, b *bank.Bank) {
	head := ""
	for i := range sec.Items {
		it := &sec.Items[i]
		if head == "" || it.Page || it.Timed {
			head = it.ID
			w.pace[head] = 400 * math.Exp(0.3*w.rng.NormFloat64())
		}
		w.lengths[it.ID] = length(it.Text, surveys.ZH) + length(it.Hint, surveys.ZH)
		for _, o := range it.Options {
			if it.Row == "" {
				w.lengths[it.ID] += length(o.Text, surveys.ZH)
			}
		}
		if sec.ID == "not_eligible" || it.Type == surveys.Note || it.Type == surveys.Calculate {
			continue
		}
		w.pages[head] = append(w.pages[head], it.ID)
		if it.Type == surveys.Grid {
			continue
		}
		w.items = append(w.items, it)
		if known := b.Item(it.ID); known != nil {
			w.slope[it.ID] = 1.1 * math.Exp(0.3*w.rng.NormFloat64())
			w.ease[it.ID] = math.Log(known.Tags.Difficulty/(1-known.Tags.Difficulty)) * 1.2
			continue
		}
		sum := 0.0
		shares := make([]float64, len(it.Options))
		for o := range shares {
			shares[o] = w.rng.ExpFloat64() + 0.05
			if code := it.Options[o].Code; code == surveys.DontKnow || code == surveys.Refused {
				shares[o] = 0.1
			}
			sum += shares[o]
		}
		for o := range shares {
			shares[o] /= sum
		}
		w.shares[it.ID] = shares
	}
}

// person is who is interviewed.
type person struct {
	ability, silence, pace float64
	leaning                map[*surveys.Item]float64 // by block
}

// wave makes the interviews of a wave, in the order of areas, enumerators and PSUs.
func (w *world) wave(rng *rand.Rand, n int) []Interview {
	psus := make([]float64, simAreas*simPSUs)
	for p := range psus {
		psus[p] = math.Sqrt(0.05) * rng.NormFloat64()
	}
	staff := make([][2]float64, n/simEach)
	for e := range staff {
		staff[e] = [2]float64{0.1 * rng.NormFloat64(), 0.05 * rng.NormFloat64()}
	}
	out := make([]Interview, n)
	for i := range out {
		e := i / simEach
		area := e % simAreas
		psu := area*simPSUs + rng.IntN(simPSUs)
		p := person{ability: psus[psu] + staff[e][0] + math.Sqrt(0.94)*rng.NormFloat64(), silence: 0.8 * rng.NormFloat64(),
			pace: staff[e][1] + 0.35*rng.NormFloat64(), leaning: map[*surveys.Item]float64{}}
		iv := Interview{Enumerator: fmt.Sprintf("E%03d", e), Area: fmt.Sprintf("A%d", area), PSU: fmt.Sprintf("P%02d", psu)}
		iv.ID, iv.Mode, iv.Lang = fmt.Sprintf("I%06d", i), surveys.ModeTablet, surveys.ZH
		if len(w.q.Booklets) > 0 {
			iv.Booklet = w.q.Booklets[rng.IntN(len(w.q.Booklets))].ID
		}
		w.answer(&iv, p, rng)
		w.time(&iv, p, rng)
		w.locate(&iv, rng)
		out[i] = iv
	}
	return out
}

// answer fills in the answers.
func (w *world) answer(iv *Interview, p person, rng *rand.Rand) {
	iv.Answers = make(surveys.Answers, len(w.items))
	inBooklet, named := map[string]bool{}, map[string]bool{}
	for _, b := range w.q.Booklets {
		for _, id := range b.Items {
			named[id] = true
			inBooklet[id] = inBooklet[id] || b.ID == iv.Booklet
		}
	}
	for _, it := range w.items {
		if named[it.ID] && !inBooklet[it.ID] || it.Relevant != "" && rng.Float64() < 0.4 {
			continue
		}
		iv.Answers[it.ID] = w.say(it, p, rng)
	}
}

// say makes an answer up.
func (w *world) say(it *surveys.Item, p person, rng *rand.Rand) []string {
	slope, scored := w.slope[it.ID]
	switch {
	case scored:
		if rng.Float64() < logistic(slope*p.ability+w.ease[it.ID]) {
			return it.Key[:1]
		}
		if rng.Float64() < logistic(p.silence) {
			return []string{surveys.DontKnow}
		}
		for {
			if o := it.Options[rng.IntN(len(it.Options))].Code; o != surveys.DontKnow && !slices.Contains(it.Key, o) {
				return []string{o}
			}
		}
	case it.ID == "resident":
		return []string{"1"}
	case it.ID == "military":
		return []string{"2"}
	case it.Type == surveys.Number:
		return []string{fmt.Sprint(18 + rng.IntN(52))}
	case it.Type == surveys.Likert:
		return w.scale(it, p, rng)
	case it.Type == surveys.Multiple || it.Type == surveys.Ranking:
		var chosen []string
		for o, share := range w.shares[it.ID] {
			if rng.Float64() < min(0.6, 2*share) && !it.Options[o].Exclusive {
				chosen = append(chosen, it.Options[o].Code)
			}
		}
		return chosen
	case len(it.Options) == 0:
		return nil
	}
	x := rng.Float64()
	for o, share := range w.shares[it.ID] {
		if x -= share; x < 0 {
			return []string{it.Options[o].Code}
		}
	}
	return []string{it.Options[0].Code}
}

// scale answers a row: item's mean, person's leaning in the block, noise.
func (w *world) scale(it *surveys.Item, p person, rng *rand.Rand) []string {
	if rng.Float64() < 0.1*logistic(p.silence) {
		return []string{surveys.DontKnow}
	}
	block := w.q.Item(it.Row)
	if _, ok := p.leaning[block]; !ok {
		p.leaning[block] = 0.7 * rng.NormFloat64()
	}
	points := 0
	for _, o := range it.Options {
		if o.Code != surveys.DontKnow && o.Code != surveys.Refused {
			points++
		}
	}
	mean := 2*w.shares[it.ID][0] - 0.7
	x := int(math.Round(float64(points-1)/2 + mean + p.leaning[block] + 0.8*rng.NormFloat64()))
	return []string{it.Options[min(points-1, max(0, x))].Code}
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// time fills in the times: most visits between half past eight and half past eight, one
// in three hundred an appointment late in the evening.
func (w *world) time(iv *Interview, p person, rng *rand.Rand) {
	iv.Paradata.Millis = map[string]int64{}
	var total int64
	for _, head := range slices.Sorted(maps.Keys(w.pages)) {
		shown := 0.0
		for _, id := range w.pages[head] {
			if _, asked := iv.Answers[id]; asked || w.q.Item(id).Type == surveys.Grid {
				shown += w.lengths[id]
			}
		}
		t := w.pace[head] * shown * math.Exp(p.pace+0.3*rng.NormFloat64())
		if rng.Float64() < 0.05 {
			t *= 3 + 27*rng.Float64()
		}
		if ms := int64(t); ms > 0 {
			iv.Paradata.Millis[head] = ms
			total += ms
		}
	}
	minute := 510 + rng.IntN(720)
	if rng.IntN(300) == 0 {
		minute = 21*60 + rng.IntN(60)
	}
	day := time.Date(2026, 9, 1+rng.IntN(28), 0, 0, 0, 0, Beijing)
	iv.Started = day.Add(time.Duration(minute) * time.Minute)
	iv.Finished = iv.Started.Add(time.Duration(min(total, 3*3600*1000)) * time.Millisecond)
}

// locate puts the interview up to 100 m from the address and the fix beside it: accuracy
// around 15 m, one in a hundred from a mast, one in thirty without a fix.
func (w *world) locate(iv *Interview, rng *rand.Rand) {
	iv.Drawn = Place{Latitude: 28 + 2*rng.Float64(), Longitude: 119 + 2*rng.Float64(), Known: true}
	if rng.IntN(30) == 0 {
		return
	}
	accuracy := 15 * math.Exp(0.6*rng.NormFloat64())
	if rng.IntN(100) == 0 {
		accuracy = 300 + 1700*rng.Float64()
	}
	sd := accuracy / math.Sqrt(-2*math.Log(0.32))
	const degree = 111195.0 // metres, on the sphere of Metres
	at := iv.Drawn
	at.Latitude += (sd*rng.NormFloat64() + 100*(rng.Float64()-0.5)) / degree
	at.Longitude += (sd*rng.NormFloat64() + 100*(rng.Float64()-0.5)) / degree / math.Cos(at.Latitude*math.Pi/180)
	iv.Fix = Fix{Place: at, Accuracy: accuracy}
}

// fault turns the honest interviews of some enumerators into faulty ones: own are those of
// one, others those of all without the fault.
type fault struct {
	name, what string
	flags      []Flag // that are meant to see it
	do         func(w *world, others, own []Interview, rng *rand.Rand)
	staff      int // enumerators with the fault
}

var faults = []fault{
	{"own copies", "an enumerator does 10 interviews and copies them, with 8 % of the answers changed", []Flag{Duplicate},
		func(w *world, _, own []Interview, rng *rand.Rand) {
			for i := 10; i < len(own); i++ {
				w.copy(&own[i], own[rng.IntN(10)], rng, len(w.items)*8/100)
			}
		}, 2},
	{"others' copies", "an enumerator copies interviews of other enumerators in other areas, with 4 answers changed", []Flag{Duplicate},
		func(w *world, others, own []Interview, rng *rand.Rand) {
			for i := range own {
				from := others[rng.IntN(len(others))]
				for from.Area == own[i].Area {
					from = others[rng.IntN(len(others))]
				}
				w.copy(&own[i], from, rng, 4)
			}
		}, 2},
	{"speeding ×3", "the pages are gone through three times as fast", []Flag{EnumeratorApart}, hurry(3), 2},
	{"speeding ×5", "five times as fast", []Flag{TooFast, EnumeratorApart}, hurry(5), 2},
	{"straight lines", "every scale has one answer all the way down, the middle three times in four", []Flag{StraightLine},
		func(w *world, _, own []Interview, rng *rand.Rand) {
			for i := range own {
				w.straighten(own[i].Answers, rng)
			}
		}, 2},
	{"guessing", "the scored items get a random option", []Flag{EnumeratorApart},
		func(w *world, _, own []Interview, rng *rand.Rand) {
			for i := range own {
				for _, it := range w.items {
					if _, scored := w.slope[it.ID]; scored && own[i].Answers[it.ID] != nil {
						own[i].Answers[it.ID] = []string{it.Options[rng.IntN(len(it.Options))].Code}
					}
				}
			}
		}, 2},
	{"skipping", "four answers in five are “don’t know”", []Flag{NoAnswer},
		func(w *world, _, own []Interview, rng *rand.Rand) {
			for i := range own {
				for id := range own[i].Answers {
					if it := w.q.Item(id); it.Type.OneOf() && draw(own[i].ID, id) < 0.8 {
						own[i].Answers[id] = []string{surveys.DontKnow}
					}
				}
			}
		}, 2},
	{"at home", "the interviews are made up at home, 5 km away, from half past ten in the evening", []Flag{FarAway, Night},
		func(_ *world, _, own []Interview, rng *rand.Rand) {
			for i := range own {
				own[i].Fix.Latitude = own[i].Drawn.Latitude + 5000/111195.0
				took := own[i].Finished.Sub(own[i].Started)
				y, m, d := own[i].Started.Date()
				own[i].Started = time.Date(y, m, d, 22, 30+rng.IntN(60), 0, 0, Beijing)
				own[i].Finished = own[i].Started.Add(took)
			}
		}, 2},
	{"leading", "half of the scored items that would not be right are made right", []Flag{EnumeratorApart}, lead, 2},
	{"leading, widely", "the same, by a quarter of the enumerators", []Flag{EnumeratorEffect}, lead, 10},
}

// hurry divides the times.
func hurry(by int64) func(w *world, _, own []Interview, _ *rand.Rand) {
	return func(_ *world, _, own []Interview, _ *rand.Rand) {
		for i := range own {
			for page := range own[i].Paradata.Millis {
				own[i].Paradata.Millis[page] /= by
			}
		}
	}
}

// lead makes half of the wrong answers right.
func lead(w *world, _, own []Interview, rng *rand.Rand) {
	for i := range own {
		for _, it := range w.items {
			if _, scored := w.slope[it.ID]; scored && own[i].Answers[it.ID] != nil && rng.IntN(2) == 0 {
				own[i].Answers[it.ID] = it.Key[:1]
			}
		}
	}
}

// draw is a number from 0 to 1 that belongs to an interview and an item, whatever the
// order in which a map gives them.
func draw(id, item string) float64 { return random(simSeed, id+" "+item).Float64() }

// copy takes over the answers of another interview and makes n of them up anew.
func (w *world) copy(to *Interview, from Interview, rng *rand.Rand, n int) {
	to.Answers = maps.Clone(from.Answers)
	to.Booklet = from.Booklet
	p := person{ability: rng.NormFloat64(), leaning: map[*surveys.Item]float64{}}
	for _, k := range rng.Perm(len(w.items))[:n] {
		if it := w.items[k]; to.Answers[it.ID] != nil {
			to.Answers[it.ID] = w.say(it, p, rng)
		}
	}
}

// straighten gives the rows of each grid one answer.
func (w *world) straighten(a surveys.Answers, rng *rand.Rand) {
	chosen := map[string]string{}
	for _, it := range w.items {
		if it.Row == "" || a[it.ID] == nil {
			continue
		}
		if chosen[it.Row] == "" {
			chosen[it.Row] = it.Options[1+rng.IntN(2)].Code
			if rng.IntN(4) > 0 {
				chosen[it.Row] = it.Options[2].Code
			}
		}
		a[it.ID] = []string{chosen[it.Row]}
	}
}

// rates counts, for a flag, how many of those that it looked at were flagged, and how many
// could not be judged, altogether and wave by wave.
type rates struct {
	flagged, judged, unjudged int
	waves                     []rates
}

func (r rates) share() float64 { return float64(r.flagged) / float64(max(1, r.judged)) }

// se is the Monte-Carlo standard error of the share. Interviews of a wave are held against
// each other, so it is the greater of the standard error between waves, where there are
// ten, and that of independent interviews, of (x + 2)/(n + 4), which is not 0 where nothing
// was flagged (Agresti & Coull 1998, The American Statistician 52). With fewer waves the
// interviews count for a quarter, enumerators and waves in full.
func (r rates) se(flag Flag) float64 {
	n := float64(r.judged)
	p := (float64(r.flagged) + 2) / (n + 4)
	if len(r.waves) >= 10 {
		sum, squares, k := 0.0, 0.0, float64(len(r.waves))
		for _, w := range r.waves {
			sum += w.share()
			squares += w.share() * w.share()
		}
		between := math.Sqrt(max(0, squares/k-sum/k*sum/k) / (k - 1))
		return max(between, math.Sqrt(p*(1-p)/n))
	}
	if flag != EnumeratorApart && flag != EnumeratorEffect {
		n /= 4
	}
	return math.Sqrt(p * (1 - p) / max(1, n))
}

// add puts another wave to the rates of every flag.
func add(all, wave map[Flag]rates) {
	for flag, w := range wave {
		r := all[flag]
		all[flag] = rates{r.flagged + w.flagged, r.judged + w.judged, r.unjudged + w.unjudged, append(r.waves, w)}
	}
}

// flags are all, in the order of the table.
var flags = []Flag{TooFast, StraightLine, NoAnswer, Duplicate, FarAway, Night, PersonFit, EnumeratorApart, EnumeratorEffect}

// simulate judges n waves and returns the rates among the faulty (all, when there is no
// fault) and the honest.
func simulate(t testing.TB, name string, rotated bool, f *fault, n int) (faulty, honest map[Flag]rates) {
	t.Helper()
	faulty, honest = map[Flag]rates{}, map[Flag]rates{}
	for k := range n {
		rng := random(simSeed, fmt.Sprintf("%s %d", name, k))
		world := newWorldOf(t, rotated)
		ivs := world.wave(rng, simAreas*simEnumerators*simEach)
		bad := map[string]bool{}
		if f != nil {
			order := rng.Perm(simAreas * simEnumerators)
			var others []Interview
			for _, e := range order[f.staff:] {
				others = append(others, ivs[e*simEach:(e+1)*simEach]...)
			}
			for _, e := range order[:f.staff] {
				own := ivs[e*simEach : (e+1)*simEach]
				f.do(world, others, own, rng)
				bad[own[0].Enumerator] = true
			}
		}
		findings := judgeAll(t, world.q, ivs, DefaultRules())
		ofFaulty, ofHonest := map[Flag]rates{}, map[Flag]rates{}
		tally(findings, bad, ofFaulty, ofHonest)
		add(faulty, ofFaulty)
		add(honest, ofHonest)
	}
	return faulty, honest
}

// worlds are made once: what is the same for all waves of the table.
var worlds = map[bool]*world{}

func newWorldOf(t testing.TB, rotated bool) *world {
	if worlds[rotated] == nil {
		worlds[rotated] = newWorld(t, rotated, simSeed)
	}
	return worlds[rotated]
}

func judgeAll(t testing.TB, q *surveys.Questionnaire, ivs []Interview, r Rules) []Finding {
	t.Helper()
	w := New(q)
	for _, iv := range ivs {
		if err := w.Add(iv); err != nil {
			t.Fatal(err)
		}
	}
	findings, err := w.Judge(r)
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// tally adds findings to the rates. An enumerator, and a wave, is flagged when any measure
// is; a wave with a faulty enumerator is a faulty one.
func tally(findings []Finding, bad map[string]bool, faulty, honest map[Flag]rates) {
	type unit struct {
		flag Flag
		id   string
		bad  bool
	}
	outcomes := map[unit]Outcome{}
	for _, f := range findings {
		u := unit{f.Flag, cmp.Or(f.Interview, f.Enumerator), bad[f.Enumerator]}
		if f.Flag == EnumeratorEffect {
			u.bad = len(bad) > 0
		}
		if o := outcomes[u]; o == Unjudged || f.Outcome == Flagged {
			outcomes[u] = f.Outcome
		}
	}
	for u, o := range outcomes {
		to := honest
		if u.bad {
			to = faulty
		}
		r := to[u.flag]
		switch o {
		case Flagged:
			r.flagged++
			r.judged++
		case Clear:
			r.judged++
		default:
			r.unjudged++
		}
		to[u.flag] = r
	}
}
