package household

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
)

// surveysRun is how many surveys are simulated. The kept table is of fullRun.
var (
	surveysRun = flag.Int("surveys", 60, "simulated surveys of the opener test")
	update     = flag.Bool("update", false, "rewrite the kept table")
)

const fullRun = 2000

// The tail is the sum over all outcomes of up to twelve households.
func TestUpperTailByEnumeration(t *testing.T) {
	r := stream("tail")
	for n := range 13 {
		p := make([]float64, n)
		for i := range p {
			p[i] = 1 / float64(2+r.IntN(5))
		}
		want := make([]float64, n+2)
		for outcome := range 1 << n {
			prob, s := 1.0, 0
			for i, x := range p {
				if outcome>>i&1 == 1 {
					prob, s = prob*x, s+1
				} else {
					prob *= 1 - x
				}
			}
			for j := 0; j <= s; j++ {
				want[j] += prob
			}
		}
		for s, w := range want {
			if got := UpperTail(p, s); math.Abs(got-w) > 1e-13*w {
				t.Errorf("P(S ≥ %d) of %v = %v, want %v", s, p, got, w)
			}
		}
	}
	if got := UpperTail(nil, -1); got != 1 {
		t.Errorf("P(S ≥ −1) = %v", got)
	}
	// All of 60 households with two persons: 2⁻⁶⁰, without loss.
	p := make([]float64, 60)
	for i := range p {
		p[i] = 0.5
	}
	if got := UpperTail(p, 60); got != math.Ldexp(1, -60) {
		t.Errorf("P(S = 60) = %v, want 2^-60", got)
	}
}

// By hand: 4·0.005 = 0.02, 3·0.01 = 0.03, 2·0.03 = 0.06, and 0.04 is not below the one before.
func TestHolm(t *testing.T) {
	tests := []OpenerTest{{P: 0.01}, {P: 0.04}, {P: 0.03}, {P: 0.005}}
	holm(tests, 0.05)
	for i, want := range []OpenerTest{{P: 0.01, Adjusted: 0.03, Alert: true}, {P: 0.04, Adjusted: 0.06}, {P: 0.03, Adjusted: 0.06}, {P: 0.005, Adjusted: 0.02, Alert: true}} {
		if got := tests[i]; math.Abs(got.Adjusted-want.Adjusted) > 1e-15 || got.Alert != want.Alert {
			t.Errorf("P %v: adjusted %v, alert %v, want %v, %v", got.P, got.Adjusted, got.Alert, want.Adjusted, want.Alert)
		}
	}
}

func TestOpeningOf(t *testing.T) {
	_, e := honest(t, "case 17")
	for _, c := range []struct {
		name   string
		change func(e *Evidence)
		want   Opening
		use    bool
	}{
		{"the selected person opened", func(e *Evidence) { e.Listing.Opener = e.Selection.Line }, Opening{"A", 4, true}, true},
		{"another person opened", func(e *Evidence) { e.Listing.Opener = e.Selection.Line%4 + 1 }, Opening{"A", 4, false}, true},
		{"a child opened", func(e *Evidence) { e.Listing.Opener = 5 }, Opening{"A", 4, false}, false},
		{"nobody listed opened", func(e *Evidence) { e.Listing.Opener = 0 }, Opening{"A", 4, false}, false},
		{"nobody else to select", func(e *Evidence) { e.Listing.Opener, e.Selection.K = e.Selection.Line, 1 }, Opening{"A", 1, true}, false},
	} {
		e := e
		c.change(&e)
		if got, use := OpeningOf("A", e); got != c.want || use != c.use {
			t.Errorf("%s: %+v, %v, want %+v, %v", c.name, got, use, c.want, c.use)
		}
	}
	// Two of two with k = 4 by chance: 1/16; a household of one tells nothing.
	got := TestOpeners([]Opening{{"B", 4, false}, {"A", 4, true}, {"A", 4, true}, {"C", 1, true}}, DefaultAlpha)
	if len(got) != 2 || got[0] != (OpenerTest{"A", 2, 2, 0.5, 1.0 / 16, 1.0 / 8, false}) || got[1] != (OpenerTest{"B", 1, 0, 0.25, 1, 1, false}) {
		t.Errorf("tests = %+v", got)
	}
}

// stream is a random source of a purpose.
func stream(purpose string) *rand.Rand {
	return rand.New(rand.NewChaCha8(sha256.Sum256([]byte("suyang openers 2026 " + purpose))))
}

// door makes a household at which somebody eligible opens: 1 to 5 eligible persons in the
// proportions 25, 45, 18, 9 and 3 %, men and women; the oldest woman is twice as likely to
// open as each of the others, so that honesty does not mean that all open equally often.
func door(r *rand.Rand) Listing {
	k := 1
	for u := r.Float64() - 0.25; u > 0 && k < 5; k++ {
		u -= [...]float64{0.45, 0.18, 0.09, 0.03}[k-1]
	}
	l := Listing{Case: "c", Method: Kish, Date: today, Opener: 1 + r.IntN(k)}
	for i := range k {
		l.Persons = append(l.Persons, Person{Line: i + 1, Sex: Man + Sex(r.IntN(2)), Age: 18 + r.IntN(52), Eligible: true})
	}
	if list := l.eligible(); r.IntN(k+1) == 0 {
		for _, p := range list {
			if p.Sex == Woman {
				l.Opener = p.Line
				break
			}
		}
	}
	return l
}

const enumerators = 40

// simulate makes one survey with visits households for each of the enumerators, of whom
// the first interviews the opener in a share of households, and gives the tests.
func simulate(t *testing.T, r *rand.Rand, visits int, share float64) []OpenerTest {
	t.Helper()
	openings := make([]Opening, 0, enumerators*visits)
	for i := range enumerators {
		name := fmt.Sprintf("enumerator %02d", i)
		for range visits {
			l := door(r)
			s, err := Select(l, r.Uint64())
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 && r.Float64() < share {
				s.Line = l.Opener
			}
			if o, use := OpeningOf(name, Evidence{Listing: l, Selection: s}); use {
				openings = append(openings, o)
			}
		}
	}
	return TestOpeners(openings, DefaultAlpha)
}

// rates of a simulation: surveys in which anybody honest was alerted about, honest
// enumerators with P ≤ 0.05 before the correction, and surveys in which the cheating
// enumerator was found.
type rates struct{ familywise, single, power float64 }

func simulateMany(t *testing.T, visits int, share float64) rates {
	var s rates
	for i := range *surveysRun {
		r := stream(fmt.Sprint(visits, " ", share, " ", i))
		honestAlert := false
		for _, test := range simulate(t, r, visits, share) {
			cheats := share > 0 && test.Enumerator == "enumerator 00"
			switch {
			case cheats && test.Alert:
				s.power++
			case !cheats && test.Alert:
				honestAlert = true
			}
			if !cheats && test.P <= 0.05 {
				s.single++
			}
		}
		if honestAlert {
			s.familywise++
		}
	}
	n := float64(*surveysRun)
	honest := float64(enumerators)
	if share > 0 {
		honest--
	}
	return rates{s.familywise / n, s.single / n / honest, s.power / n}
}

// TestOpenerTable simulates surveys of 40 enumerators, nobody or one of whom cheats. The
// false alerts stay within alpha (and 4 standard errors of the simulation), an enumerator
// who interviews half of the openers is found.
func TestOpenerTable(t *testing.T) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "visits\tshare of openers taken\tsurveys\tfalse alert in a survey\thonest with P ≤ 0.05\tcheater found")
	n := float64(*surveysRun)
	for _, visits := range []int{30, 60, 120, 240} {
		for _, share := range []float64{0, 0.2, 0.5} {
			got := simulateMany(t, visits, share)
			power := "-"
			if share > 0 {
				power = fmt.Sprintf("%.1f %%", 100*got.power)
			}
			fmt.Fprintf(w, "%d\t%.0f %%\t%d\t%.1f %%\t%.1f %%\t%s\n", visits, 100*share, *surveysRun, 100*got.familywise, 100*got.single, power)
			if limit := DefaultAlpha + 4*math.Sqrt(DefaultAlpha*(1-DefaultAlpha)/n); got.familywise > limit {
				t.Errorf("%d visits, share %v: a false alert in %v of the surveys, want at most %v", visits, share, got.familywise, limit)
			}
			if limit := DefaultAlpha + 4*math.Sqrt(DefaultAlpha*(1-DefaultAlpha)/n/enumerators); got.single > limit {
				t.Errorf("%d visits, share %v: P ≤ 0.05 for %v of the honest, want at most %v", visits, share, got.single, limit)
			}
			if least := map[int]float64{60: 0.5, 120: 0.9, 240: 0.98}[visits]; share == 0.5 && got.power < least {
				t.Errorf("%d visits: half of the openers taken is found in %v of the surveys, want at least %v", visits, got.power, least)
			}
		}
	}
	w.Flush()
	t.Log("\n" + text.String())
	if *surveysRun != fullRun {
		return
	}
	if *update {
		if err := os.WriteFile("testdata/openers.txt", []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile("testdata/openers.txt"); err != nil || string(want) != text.String() {
		t.Errorf("the table differs from testdata/openers.txt (%v); read the change and rewrite it with -update", err)
	}
}
