package fieldwork

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// draws is how often the multi-stage plan is drawn; “make draws” takes 10,000.
var draws = flag.Int("draws", 400, "simulated draws of a multi-stage plan")

// frameText is a frame of villages in some counties of two cities, urban and rural, with
// sizes that differ by county, township and village.
func frameText(counties, townships, villages int) []byte {
	var b bytes.Buffer
	b.WriteString("code,name,class,households,adults,size,street\n")
	for city := range 2 {
		for c := range counties {
			for t := range townships {
				for v := range villages {
					code := fmt.Sprintf("33%02d%02d%03d%03d", city+1, c+1, t+1, v+1)
					class := "rural"
					if (c+t)%3 == 0 {
						class = "urban"
					}
					h := 20 + 7*((c*5+t*3+v*11)%9)
					fmt.Fprintf(&b, "%s,村%d,%s,%d,%d,%d,s%d\n", code, v, class, h, 2*h+v%5, h*h/10+1, t)
				}
			}
		}
	}
	return b.Bytes()
}

func testFrame(t testing.TB, src []byte) *Frame {
	t.Helper()
	f, err := ReadFrame("frame.csv", "2023", src, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func testPlan(t testing.TB, src string) *DrawPlan {
	t.Helper()
	p, err := ReadDrawPlan("plan.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const fullPlan = `seed: 7
frame: frame.csv
vintage: "2023"
strata: [city, class]
certainty: ["330101"]
allocation: {total: 12, rule: root, size: adults, least: 2}
stages:
  - {unit: county, method: pps-sampford, size: adults}
  - {unit: township, method: pps-brewer, size: adults, number: 2, short: all}
  - {unit: village, method: pps-systematic, size: households, order: random, number: 2}
  - {unit: household, method: systematic, number: 3, reserve: {replicates: 2, each: 2}}
columns: [street]
`

// A full plan over many seeds: the frame totals of adults, households and villages in
// each stratum are estimated without bias, with no, one and all replicates released, and
// each village is drawn as often as its probabilities say. A number may be off by five
// standard errors of the simulation, once in 1.7 million by chance.
func TestDrawIsUnbiased(t *testing.T) {
	for _, c := range []struct{ name, plan string }{
		{"four stages, Sampford, Brewer, random systematic", fullPlan},
		{"four stages, systematic", strings.NewReplacer("pps-sampford", "pps-systematic", "pps-brewer", "pps-systematic", ", order: random", "", "rule: root", "rule: equal").Replace(fullPlan)},
		{"two stages with replacement", `seed: 1
frame: frame.csv
strata: [class]
stages:
  - {unit: village, method: pps-replacement, size: size, number: 9}
  - {unit: household, method: simple, number: 4}
`},
		{"villages by simple sampling", `seed: 1
frame: frame.csv
strata: [city]
allocation: {total: 20, rule: proportional, size: households}
stages:
  - {unit: village, method: simple, reserve: {replicates: 1, each: 5}}
`},
		{"townships at an interval, villages taken whole", `seed: 1
frame: frame.csv
allocation: {total: 11, rule: power, power: 0.3}
stages:
  - {unit: township, method: systematic}
  - {unit: village, method: simple, number: 3, short: all}
`},
	} {
		t.Run(c.name, func(t *testing.T) { simulate(t, c.plan) })
	}
}

// tally is what repeated draws estimate.
type tally struct{ truth, sum, squares float64 }

func simulate(t *testing.T, text string) {
	f := testFrame(t, frameText(4, 4, 5))
	byCode := map[string]FrameUnit{}
	for _, u := range f.Units {
		byCode[u.Code] = u
	}
	totals := map[string]*tally{}
	plan := testPlan(t, text)
	households := plan.Stages[len(plan.Stages)-1].Unit == stageHousehold
	add := func(key string, x *tally) *tally {
		if totals[key] == nil {
			totals[key] = &tally{}
		}
		totals[key].truth += x.truth
		return totals[key]
	}
	per := func(u FrameUnit) float64 { // of a village in one of its cases
		if households {
			return 1 / float64(u.Households)
		}
		return 1
	}
	for _, u := range f.Units {
		for _, k := range []string{"adults " + u.Code[:4], "adults " + u.Class} {
			add(k, &tally{truth: float64(u.Adults)})
		}
		add("village "+u.Code, &tally{truth: 1})
	}
	for n := range *draws {
		plan.Seed = n + 1
		d, err := plan.Draw(f, "test", nil)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := d.Cases(n % (d.Replicates + 1))
		if err != nil {
			t.Fatal(err)
		}
		once := map[string]float64{}
		for _, c := range cases {
			u := byCode[c.Columns["village"]]
			x := c.Weight * per(u)
			once["adults "+u.Code[:4]] += x * float64(u.Adults)
			once["adults "+u.Class] += x * float64(u.Adults)
			once["village "+u.Code] += x
		}
		for k, x := range once {
			totals[k].sum += x
			totals[k].squares += x * x
		}
	}
	n, worst := float64(*draws), 0.0
	for k, x := range totals {
		mean := x.sum / n
		se := math.Sqrt(max(0, x.squares/n-mean*mean) / n)
		if x.sum == 0 && strings.HasPrefix(k, "village") && *draws < 5000 {
			continue // rarely drawn, and never in so few draws
		}
		off := math.Abs(mean - x.truth)
		if off > 5*se+1e-9*x.truth {
			t.Errorf("%s: mean of the estimates %v, want %v ± %v", k, mean, x.truth, 5*se)
		}
		if se > 1e-9*x.truth {
			worst = max(worst, off/se)
		}
	}
	t.Logf("%d draws, %d totals and villages, the worst off by %.2f SE", *draws, len(totals), worst)
}

// A draw file reads back, draws again to the same bytes, and says what differs when the
// frame, the plan, the file or the program changed.
func TestReplay(t *testing.T) {
	f := testFrame(t, frameText(4, 4, 5))
	d, err := testPlan(t, fullPlan).Draw(f, "suyang 1", nil)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := d.Write(&file); err != nil {
		t.Fatal(err)
	}
	read, err := ReadDraw("draw.jsonl", bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	again, err := read.Replay(f, "suyang 2", nil)
	if err != nil {
		t.Fatal(err)
	}
	var bytes2 bytes.Buffer
	if err := again.Write(&bytes2); err != nil || !bytes.Equal(file.Bytes(), bytes2.Bytes()) {
		t.Errorf("the replay has other bytes (%v)", err)
	}
	conflict := func(what string, err error, want string) {
		t.Helper()
		if !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a conflict that says %q", what, err, want)
		}
	}
	_, err = read.Replay(testFrame(t, bytes.Replace(frameText(4, 4, 5), []byte("s0\n"), []byte("s9\n"), 1)), "suyang 2", nil)
	conflict("frame", err, "the frame has changed")
	changed := *read
	changed.Plan.Text += "# \n"
	_, err = changed.Replay(f, "suyang 2", nil)
	conflict("plan", err, "the plan has changed")
	changed = *read
	changed.Units = append([]DrawnUnit{}, read.Units...)
	changed.Units[4].Case += "x"
	_, err = changed.Replay(f, "suyang 2", nil)
	conflict("program", err, "suyang 2 draws otherwise than suyang 1 did")
	_, err = ReadDraw("d", strings.NewReader(strings.Replace(file.String(), `"Replicate":1`, `"Replicate":0`, 1)))
	conflict("file", err, "changed or cut short")
	lines := strings.SplitAfter(file.String(), "\n")
	_, err = ReadDraw("d", strings.NewReader(strings.Join(lines[:len(lines)-2], "")))
	conflict("short file", err, "cut short")
	for name, text := range map[string]string{"empty": "", "another file": "case,stratum\n", "no unit": lines[0] + "{}\n", "twice": lines[0] + lines[1] + lines[1]} {
		if _, err := ReadDraw("d", strings.NewReader(text)); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

// A draw file of the first schema, which a program of before wrote, draws again to the same
// bytes: its units have no names, and its notes leave out the village without a size. Drawn
// anew, the plan says both, and the cases are the same.
func TestReplayOfEarlierSchema(t *testing.T) {
	kept, err := os.ReadFile("testdata/draw-1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	f := testFrame(t, append(frameText(1, 2, 3), "330101001099,零,rural,30,0,0,s0\n"...))
	d, err := ReadDraw("draw-1.jsonl", bytes.NewReader(kept))
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.Replay(f, "suyang 2", nil)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := again.Write(&file); err != nil || !bytes.Equal(file.Bytes(), kept) {
		t.Errorf("the replay has other bytes (%v)", err)
	}
	anew, err := testPlan(t, d.Plan.Text).Draw(f, "suyang 2", nil)
	if err != nil {
		t.Fatal(err)
	}
	was, err := d.Cases(1)
	if err != nil {
		t.Fatal(err)
	}
	is, err := anew.Cases(1)
	if err != nil || len(is) != len(was) {
		t.Fatalf("%d cases, want %d (%v)", len(is), len(was), err)
	}
	names := map[string]string{}
	for _, u := range f.Units {
		names[u.Code] = u.Name
	}
	for k, c := range is {
		if name := c.Columns["name"]; name == "" || name != names[c.Columns["village"]] || was[k].Columns["name"] != "" || c.ID != was[k].ID || c.Weight != was[k].Weight {
			t.Errorf("case %+v, before %+v", c, was[k])
		}
	}
	want := "stratum 330100, stage village: villages with the size 0 in adults cannot be drawn, so that they are not represented: 1, with 30 households and 0 adults"
	if strings.Join(anew.Notes, "\n") != want || len(d.Notes) != 0 {
		t.Errorf("the notes are %q and were %q, want %q", anew.Notes, d.Notes, want)
	}
}

// A stratum that a merge joined is refused with its row and column, and an empty unit with
// advice that helps.
func TestDrawRefusals(t *testing.T) {
	const head = "code,name,households,adults,zone,merged\n330102001201,a＋b,55,110,hill＋plain,330102001201 330102001202\n330102001203,c,60,120,plain,\n"
	const plan = "seed: 1\nframe: f\nstrata: [zone]\nstages: [{unit: village, method: pps-systematic, size: adults, number: 1}]\n"
	_, err := testPlan(t, plan).Draw(testFrame(t, []byte(head)), "test", nil)
	if want := `row 2 of the frame, column zone: 330102001201 was merged from units of several strata, "hill＋plain"`; !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("%v, want one that says %q", err, want)
	}
	_, err = testPlan(t, strings.Replace(plan, "[zone]", "[county]", 1)).Draw(testFrame(t, []byte(head)), "test", nil)
	if err != nil {
		t.Errorf("where the zone is no stratum: %v", err)
	}
	for _, c := range []struct{ name, row, stages, want string }{
		{"no households", "330102001204,d,0,500,plain,\n", "[{unit: village, method: simple, number: 3}, {unit: household, method: systematic, number: 4, short: all}]", "stratum all, 330102001204, stage household: the frame has no households there; correct the frame"},
		{"no sizes", "330102002204,d,9,0,plain,\n", "[{unit: township, method: simple, number: 2}, {unit: village, method: pps-systematic, size: adults, number: 1, short: all}]", "stratum all, 330102002, stage village: no unit has a size above 0 in adults; correct the frame"},
	} {
		_, err := testPlan(t, "seed: 1\nframe: f\nstages: "+c.stages+"\n").Draw(testFrame(t, []byte(head+c.row)), "test", nil)
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.want) || strings.Contains(fmt.Sprint(err), "short: all") {
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.want)
		}
	}
}

// What a draw of the full plan must be, whatever the seed.
func TestDrawnUnits(t *testing.T) {
	f := testFrame(t, frameText(4, 4, 5))
	d, err := testPlan(t, fullPlan).Draw(f, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	for _, s := range d.Strata {
		number += s.Number
	}
	if number != 12 {
		t.Errorf("%d counties, want the 12 of the plan", number)
	}
	perVillage := map[string][]int{}
	for _, u := range d.Units {
		k := u.In + u.Codes[2]
		if perVillage[k] == nil {
			perVillage[k] = make([]int, 3)
		}
		perVillage[k][u.Replicate]++
		if u.Codes[0] == "330101" && (u.P[0] != 1 || u.Stratum == u.In || u.PSU == "330101") {
			t.Errorf("%+v: a certain county is a stratum of its own, with its townships as PSUs", u)
		}
		if u.P[0] < 1 && (u.Stratum != u.In || u.PSU != u.Codes[0]) {
			t.Errorf("%+v: the county is the PSU", u)
		}
	}
	for k, n := range perVillage {
		if fmt.Sprint(n) != "[3 2 2]" {
			t.Errorf("village %s has %v households by replicate, want 3 and twice 2", k, n)
		}
	}
	main, _ := d.Cases(0)
	all, _ := d.Cases(2)
	if 7*len(main) != 3*len(all) {
		t.Errorf("%d cases without the reserve and %d with it, want 3 of 7", len(main), len(all))
	}
	var sample bytes.Buffer
	if err := WriteSample(&sample, all); err != nil {
		t.Fatal(err)
	}
	if back, err := ReadSample("sample.csv", &sample); err != nil || len(back) != len(all) {
		t.Errorf("the sample file reads back as %d cases, %v", len(back), err)
	}
	if _, err := d.Cases(3); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a third replicate: %v", err)
	}
}

// What one stratum draws depends on no other stratum.
func TestStrataAreDrawnApart(t *testing.T) {
	src := frameText(4, 4, 5)
	half := src[:bytes.Index(src, []byte("\n3302"))+1]
	const plan = "seed: 3\nframe: f\nstrata: [city]\nstages: [{unit: village, method: pps-sampford, size: adults, number: 6}]\n"
	both, err := testPlan(t, plan).Draw(testFrame(t, src), "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	one, err := testPlan(t, plan).Draw(testFrame(t, half), "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, u := range one.Units {
		if both.Units[k].Case != u.Case {
			t.Errorf("with another city in the frame, unit %d is %s, want %s", k, both.Units[k].Case, u.Case)
		}
	}
}

func TestAskingForMoreThanThereIs(t *testing.T) {
	f := testFrame(t, frameText(4, 4, 5))
	for _, c := range []struct{ name, plan, want string }{
		{"counties", "strata: [city]\nstages: [{unit: county, method: simple, number: 5}]", "stratum 330100, stage county: the plan asks for 5 of 4 units"},
		{"villages", "stages: [{unit: township, method: simple, number: 1}, {unit: village, method: simple, number: 6}]", "stage village: the plan asks for 6 of 5 units"},
		{"households", "stages: [{unit: village, method: simple, number: 160}, {unit: household, method: simple, number: 20, reserve: {replicates: 1, each: 4}}]",
			"stratum all, 330101001001, stage household: the plan asks for 24 (20 and a reserve of 4) of 20 units"},
		{"all strata together", "strata: [city]\nallocation: {total: 9, rule: equal}\nstages: [{unit: county, method: simple}]", "allocation, stage county: 9 is above 8"},
		{"one city", "strata: [city, class]\nallocation: {total: 300, rule: equal, each: city}\nstages: [{unit: village, method: simple}]", "allocation in city 330100, stage village: 300 is above 80"},
		{"certainty", "certainty: [\"330101\", \"330102\"]\nstages: [{unit: county, method: simple, number: 1}]", "2 units are certain, but only 1"},
		{"unknown certainty", "certainty: [\"330199\"]\nstages: [{unit: county, method: simple, number: 1}]", `no county "330199"`},
		{"unknown column", "strata: [belt]\nstages: [{unit: county, method: simple, number: 1}]", `no column "belt"`},
		{"unknown size", "stages: [{unit: county, method: pps-brewer, size: people, number: 1}]", `no column "people"`},
		{"size in words", "stages: [{unit: county, method: pps-brewer, size: street, number: 1}]", `row 2 of the frame, column street: "s0" is not a number`},
		{"Neyman without spread", "allocation: {total: 2, rule: neyman}\nstages: [{unit: county, method: simple}]", `stratum "all" has no standard deviation`},
		{"spread of nobody", "allocation: {total: 2, rule: neyman, spread: {x: 1}}\nstages: [{unit: county, method: simple}]", `no stratum "x"`},
	} {
		_, err := testPlan(t, "seed: 1\nframe: f\n"+c.plan+"\n").Draw(f, "test", nil)
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.want)
		}
	}
}

func TestDrawPlanFaults(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"no seed", "seed: 7", "seed: 0", "plan.yaml:1:7: the seed is 0"},
		{"no frame", "frame: frame.csv", "title: x", "there is no frame"},
		{"unknown key", "seed: 7", "seeds: 7", "seeds"},
		{"stratum twice", "[city, class]", "[city, city]", "twice"},
		{"unknown method", "pps-sampford", "pps", `method is "pps"`},
		{"size without need", "{unit: household, method: systematic,", "{unit: household, method: systematic, size: adults,", "the others take none"},
		{"no size", "method: pps-brewer, size: adults", "method: pps-brewer", "PPS methods need a size"},
		{"wrong order of stages", "unit: village", "unit: county", "does not lie below"},
		{"households of townships", "unit: village", "unit: township", "put a stage of villages before"},
		{"number and allocation", "pps-sampford, size: adults", "pps-sampford, size: adults, number: 3", "a number and an allocation"},
		{"no number", "number: 2, short: all", "short: all", "the number is 0"},
		{"reserve above", "number: 2, short: all", "number: 2, reserve: {replicates: 1, each: 1}", "a stage below"},
		{"empty reserve", "{replicates: 2, each: 2}", "{replicates: 0, each: 2}", "0 replicates"},
		{"unknown rule", "rule: root", "rule: cube", `the rule is "cube"`},
		{"total", "total: 12", "total: -1", "the total is -1"},
		{"least above most", "least: 2", "least: 2, most: 1", "at least 2 and at most 1"},
		{"each of no stratum", "least: 2", "least: 2, each: county", `"county" is not among the strata`},
		{"power", "least: 2", "power: 2", "the power is 2"},
		{"spread", "least: 2", "spread: {a: -1}", "spread of stratum"},
		{"order of Sampford", "pps-sampford, size: adults", "pps-sampford, size: adults, order: random", "systematic methods take random"},
		{"short", "short: all", "short: none", `short is "none"`},
		{"column of the case", "columns: [street]", "columns: [weight]", "written anyway"},
		{"replacement below", "pps-brewer", "pps-replacement", "for a first stage"},
		{"PPS of households", "{unit: household, method: systematic,", "{unit: household, method: pps-brewer, size: adults,", "no sizes of households"},
	} {
		_, err := ReadDrawPlan("plan.yaml", []byte(strings.Replace(fullPlan, c.from, c.to, 1)))
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.want)
		}
	}
}

// A plan that is read draws or fails with an error, never otherwise, and what it draws
// can be replayed.
func FuzzDrawPlan(f *testing.F) {
	f.Add([]byte(fullPlan))
	f.Add([]byte("seed: 1\nframe: f\nstages: [{unit: village, method: pps-replacement, size: size, number: 3}]\n"))
	f.Add([]byte("seed: 1\nframe: f\nstages: [{unit: village, method: simple, number: 3, reserve: {replicates: 2, each: 1}}]\n"))
	f.Add([]byte("seed: 9223372036854775807\nframe: f\nallocation: {total: 3, rule: power, each: city}\nstrata: [city]\nstages: [{unit: township, method: systematic, order: random}]\n"))
	frame, err := ReadFrame("frame.csv", "", frameText(2, 3, 3), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := ReadDrawPlan("plan", src)
		if err != nil {
			if !errors.Is(err, surveys.ErrInvalid) {
				t.Fatalf("%v is not invalid", err)
			}
			return
		}
		if len(p.Stages) > 0 && p.Stages[0].Method == MethodPPSReplacement && (p.Stages[0].Number > 1000 || p.Allocation != nil) {
			return // draws as much as it is told
		}
		d, err := p.Draw(frame, "fuzz", nil)
		if err != nil {
			return
		}
		var file bytes.Buffer
		if err := d.Write(&file); err != nil {
			t.Fatal(err)
		}
		read, err := ReadDraw("d", &file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read.Replay(frame, "fuzz", nil); err != nil {
			t.Fatal(err)
		}
	})
}

// 705,600 villages, about as many as the country has: counties by Sampford, then townships,
// villages and households.
func BenchmarkDraw700000(b *testing.B) {
	f := testFrame(b, frameText(98, 100, 36))
	plan := testPlan(b, strings.Replace(fullPlan, "total: 12", "total: 120", 1))
	b.ResetTimer()
	for b.Loop() {
		if _, err := plan.Draw(f, "bench", nil); err != nil {
			b.Fatal(err)
		}
	}
}

// The manual's example is the plan of the tests, and the manual names every key.
func TestManualOfDraws(t *testing.T) {
	b, err := os.ReadFile("../../web/docs/reference/draw.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	testPlan(t, example)
	for _, m := range append([]string{"certainty", "allocation", "each", "spread", "least", "most", "short", "reserve", "order", "columns", "vintage"}, Methods...) {
		if !strings.Contains(string(b), "`"+m+"`") {
			t.Errorf("the manual does not explain %s", m)
		}
	}
}
