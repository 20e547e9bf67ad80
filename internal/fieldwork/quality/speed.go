package quality

import (
	"errors"
	"math"
	"slices"
	"unicode"

	"github.com/suyang-survey/suyang/surveys"
)

// SpeedRule is the rule of TooFast.
type SpeedRule struct {
	// Robust is how many robust standard deviations below the middle of the wave is too
	// fast. With log-normal times 3 strikes 0.13 % of honest interviews.
	Robust float64
	// ZHFloor and ENFloor are the least milliseconds for each Chinese character and each
	// English word that was shown, over the whole interview, whatever the others do.
	ZHFloor, ENFloor float64
	// Pages is how many timed pages an interview must have, Wave how many interviews of its
	// mode and language there must be for a middle.
	Pages, Wave int
}

// DefaultSpeed takes three robust standard deviations, and for the floor 2.5 times the
// mean silent reading rate of 238 English words a minute (Brysbaert 2019, Journal of
// Memory and Language 109), which is 100 ms a word. The shipped questionnaire says in 1.5
// Chinese characters what takes an English word: 67 ms a character, rounded down to 60. The floor is
// well below the 300 ms a word by which Zhang & Conrad (2014, Survey Research Methods 8)
// call a page sped through, since scales are not read again in every row.
func DefaultSpeed() SpeedRule {
	return SpeedRule{Robust: 3, ZHFloor: 60, ENFloor: 100, Pages: 3, Wave: 50}
}

func (r SpeedRule) check() error {
	return errors.Join(within("Speed.Robust", r.Robust, 0.5, 20), within("Speed.ZHFloor", r.ZHFloor, 0, 1e4),
		within("Speed.ENFloor", r.ENFloor, 0, 1e4), within("Speed.Pages", float64(r.Pages), 1, 1e6), within("Speed.Wave", float64(r.Wave), 10, 1e9))
}

// The reasons of TooFast.
const (
	whyFewPages  Why = "few-pages"
	whyFewOthers Why = "few-others"
	whyNoSpread  Why = "no-spread"
	whyKeyed     Why = "keyed-in"
	byFloor      Why = "floor"
)

// TooFast judges the time of each page against the length of what was shown on it, by the
// log-normal model of response times (van der Linden 2006, Journal of Educational and
// Behavioral Statistics 31): log(time/length) is an effect of the page and one of the
// person. The page's effect is the median over the interviews with that page, language and
// mode; the person's is the median of what remains over the pages, which one long pause
// cannot hide. Value is the person's effect minus the median of the wave, in robust standard
// deviations (1.4826 MAD); what is below −Robust is flagged. So is an interview whose whole
// time is below the floor; then Why says so and Value and Threshold are milliseconds a
// character or word. N is the number of pages with a time. The times of an interview on
// paper are those of typing it in, so it cannot be judged.
func (w *Wave) TooFast(r SpeedRule) ([]Finding, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	effects := w.speeds(r.Pages)
	scales := scales(effects, w.strata(), r.Wave)
	out := make([]Finding, len(w.rows))
	for i := range w.rows {
		f := w.finding(TooFast, i)
		pages := w.pages[w.rows[i].pages[0]:w.rows[i].pages[1]]
		floor := r.ZHFloor
		if w.rows[i].lang == surveys.EN {
			floor = r.ENFloor
		}
		s := scales[w.stratum(i)]
		switch each, z := pace(pages), (effects[i]-s.middle)/s.sd; {
		case w.rows[i].mode == surveys.ModePaper:
			out[i] = f.cannot(whyKeyed, 0)
		case len(pages) < r.Pages:
			out[i] = f.cannot(whyFewPages, len(pages))
		case each < floor:
			f.Why = byFloor
			out[i] = f.judge(each, floor, true, len(pages))
		case s.why != "":
			out[i] = f.cannot(s.why, len(pages))
		default:
			out[i] = f.judge(z, -r.Robust, z < -r.Robust, len(pages))
		}
	}
	return out, nil
}

// stratum is what interviews share whose times and shares can be compared.
type stratum struct {
	mode surveys.Mode
	lang surveys.Lang
}

func (w *Wave) stratum(i int) stratum { return stratum{w.rows[i].mode, w.rows[i].lang} }

func (w *Wave) strata() []stratum {
	out := make([]stratum, len(w.rows))
	for i := range out {
		out[i] = w.stratum(i)
	}
	return out
}

// pace is the time over the length of pages.
func pace(pages []page) float64 {
	var millis, length float64
	for _, p := range pages {
		millis += p.millis
		length += p.length
	}
	return millis / length
}

// speeds are the persons' effects, NaN for fewer pages than least, and on paper.
func (w *Wave) speeds(least int) []float64 {
	type key struct {
		stratum
		at pageID
	}
	byPage := map[key][]float64{}
	for i := range w.rows {
		for _, p := range w.pages[w.rows[i].pages[0]:w.rows[i].pages[1]] {
			k := key{w.stratum(i), p.at}
			byPage[k] = append(byPage[k], math.Log(p.millis/p.length))
		}
	}
	middle := make(map[key]float64, len(byPage))
	for k, x := range byPage {
		middle[k] = median(x)
	}
	out := make([]float64, len(w.rows))
	var rest []float64
	for i := range w.rows {
		rest = rest[:0]
		for _, p := range w.pages[w.rows[i].pages[0]:w.rows[i].pages[1]] {
			rest = append(rest, math.Log(p.millis/p.length)-middle[key{w.stratum(i), p.at}])
		}
		out[i] = math.NaN()
		if len(rest) >= least && w.rows[i].mode != surveys.ModePaper {
			out[i] = median(rest)
		}
	}
	return out
}

// median orders x and returns its median, NaN of nothing.
func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	m := len(x) / 2
	if len(x)%2 == 1 {
		return x[m]
	}
	return (x[m-1] + x[m]) / 2
}

// spread is the median and 1.4826 times the median distance from it, which for a normal
// distribution is its standard deviation. NaN values do not count.
func spread(x []float64) (middle, sd float64, n int) {
	known := slices.DeleteFunc(slices.Clone(x), math.IsNaN)
	middle = median(known)
	for i := range known {
		known[i] = math.Abs(known[i] - middle)
	}
	return middle, 1.4826 * median(known), len(known)
}

// scale is the middle and the spread of a group.
type scale struct {
	middle, sd float64
	why        Why // the group cannot be judged
}

// scales finds the middle and the spread of x in each group by median and MAD. Groups of
// fewer than least values, and those that do not vary, cannot be judged.
func scales[G comparable](x []float64, groups []G, least int) map[G]scale {
	members := map[G][]float64{}
	for i, g := range groups {
		members[g] = append(members[g], x[i])
	}
	out := make(map[G]scale, len(members))
	for g, m := range members {
		middle, sd, n := spread(m)
		s := scale{middle: middle, sd: sd}
		switch {
		case n < least:
			s.why = whyFewOthers
		case !(sd > 0):
			s.why = whyNoSpread
		}
		out[g] = s
	}
	return out
}

// lengths are how long what is shown with an item is in one language; heads are for the
// first row of a grid that is shown.
type lengths struct{ items, heads []float64 }

// shown adds the pages of an interview to pages: each begins with something that has a
// time and goes on to the next of its section that has one. Items that were not asked have
// no length; notes and rosters are left aside.
func (w *Wave) shown(pages []page, iv Interview, codes []uint16) []page {
	long := w.lengths(iv.Lang)
	for s := range w.q.Sections {
		sec := &w.q.Sections[s]
		from := len(pages)
		grid := (*surveys.Item)(nil)
		for i := range sec.Items {
			id := sec.Items[i].ID
			if ms := iv.Paradata.Millis[id]; ms > 0 {
				if len(pages) == from || !sec.Shuffle {
					pages = append(pages, page{at: w.pageOf(s, i)})
				}
				pages[len(pages)-1].millis += float64(ms)
			}
			k, ok := w.at[id]
			if !ok || codes[k] == unasked {
				continue
			}
			if len(pages) == from {
				if !sec.Shuffle {
					continue
				}
				pages = append(pages, page{at: w.pageOf(s, i)})
			}
			p := &pages[len(pages)-1]
			p.length += long.items[k]
			if g := w.items[k].grid; g != nil && g != grid {
				grid = g
				p.length += long.heads[k]
			}
		}
		kept := slices.DeleteFunc(pages[from:], func(p page) bool { return p.length == 0 || p.millis == 0 })
		pages = pages[:from+len(kept)]
	}
	return pages
}

// pageOf numbers the page that begins with an item of a section. A shuffled section is
// one page, with all its time and all that was shown: which items stand together differs
// from one interview to the next.
func (w *Wave) pageOf(s, i int) pageID {
	if w.q.Sections[s].Shuffle {
		i = 0
	}
	return pageID{s, i}
}

// lengths counts what is shown with each item, once for a language.
func (w *Wave) lengths(l surveys.Lang) *lengths {
	if w.texts[l] != nil {
		return w.texts[l]
	}
	t := &lengths{items: make([]float64, len(w.items)), heads: make([]float64, len(w.items))}
	for k, c := range w.items {
		t.items[k] = length(c.def.Text, l) + length(c.def.Hint, l)
		options := 0.0
		for _, o := range w.q.Offered(c.def) {
			options += length(o.Text, l)
		}
		if c.grid != nil {
			t.heads[k] = length(c.grid.Text, l) + length(c.grid.Hint, l) + options
		} else {
			t.items[k] += options
		}
	}
	w.texts[l] = t
	return t
}

// length is that of a text in language l: its words in English, in other languages its
// letters and digits, which for Chinese are its characters.
func length(t surveys.Text, l surveys.Lang) (n float64) {
	inside := false
	for _, r := range t.In(l) {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		if letter && (l != surveys.EN || !inside) {
			n++
		}
		inside = letter || inside && (r == '\'' || r == '’' || r == '-')
	}
	return n
}
