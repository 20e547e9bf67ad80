package fieldwork

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis/sampling"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
)

// Draw is a sample with everything that is needed to draw it again and to weigh it.
type Draw struct {
	Schema  string // DrawSchema
	Program string // that drew it, with its version
	Seed    int
	Frame   DrawnFrame
	Plan    DrawnPlan
	Stages  []string // the units of the stages
	Person  string   `json:",omitempty"` // how one person of a household is selected, as in the plan
	Strata  []DrawnStratum
	Notes   []string `json:",omitempty"` // what a statistician should know
	// Replicates is how many reserve replicates there are, numbered from 1.
	Replicates int
	Units      []DrawnUnit `json:"-"`
}

// DrawnFrame says what was drawn from.
type DrawnFrame struct {
	File, Vintage, Hash string
	Units               int
}

// DrawnPlan is the plan that was followed.
type DrawnPlan struct{ Hash, Text string }

// DrawnStratum is a stratum with the units of its first stage.
type DrawnStratum struct {
	Stratum    string
	FrameUnits int
	// Units are those of the first stage, Number how many were drawn, and Certain how many
	// of them with probability 1.
	Units, Number, Certain int
}

// DrawnUnit is one unit of the last stage.
type DrawnUnit struct {
	Case string
	// In is the stratum it was drawn in. Stratum and PSU are those of variance estimation:
	// a unit drawn with certainty is a stratum, and the units drawn in it are PSUs.
	In, Stratum, PSU string
	// Replicate is 0 for the sample and 1, 2, … for the reserve.
	Replicate int
	// Codes are the units of all stages, the last one a household's position. P are their
	// probabilities given the unit before; that of the last stage counts all replicates.
	// Of a draw with replacement it is the expected number of times.
	Codes []string
	P     []float64
	// Name is that of the village or committee, for those who go there.
	Name    string            `json:",omitempty"`
	City    string            `json:",omitempty"`
	Class   string            `json:",omitempty"`
	Columns map[string]string `json:",omitempty"`
}

// stream is the source of random numbers for one purpose and unit: PCG seeded with the
// SHA-256 of both and the seed, so that one part of a draw changes no other.
func stream(seed int, purpose, unit string) *rand.Rand {
	h := sha256.Sum256(fmt.Appendf(nil, "suyang draw\x00%d\x00%s\x00%s", seed, purpose, unit))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(h[:8]), binary.BigEndian.Uint64(h[8:16])))
}

// Draw draws the sample. Program is the name and version of the program; progress, which
// may be nil, is told how many strata are done. A plan that asks for more units than
// exist fails with the stratum, the stage and the unit, up to 20 of them at once.
func (p *DrawPlan) Draw(f *Frame, program string, progress func(done, total int)) (*Draw, error) {
	return p.draw(f, DrawSchema, program, progress)
}

// draw draws the sample as programs of a schema did.
func (p *DrawPlan) draw(f *Frame, schema, program string, progress func(done, total int)) (*Draw, error) {
	d := &drawing{plan: p, frame: f, out: &Draw{Schema: schema, Program: program, Seed: p.Seed,
		Frame: DrawnFrame{File: p.Frame, Vintage: f.Vintage, Hash: f.Hash, Units: len(f.Units)},
		Plan:  DrawnPlan{Hash: p.Hash(), Text: p.Text()}, Person: p.Person}}
	for _, s := range p.Stages {
		d.out.Stages = append(d.out.Stages, s.Unit)
		if s.Reserve != nil {
			d.out.Replicates = s.Reserve.Replicates
		}
	}
	if err := d.divide(); err != nil {
		return nil, err
	}
	if err := d.allocate(); err != nil {
		return nil, err
	}
	for h, s := range d.strata {
		d.draw(s)
		if len(d.faults) >= maxFaults {
			break
		}
		if progress != nil {
			progress(h+1, len(d.strata))
		}
	}
	if len(d.faults) > 0 {
		return nil, errors.Join(d.faults...)
	}
	return d.out, nil
}

// drawing is a draw being made.
type drawing struct {
	plan   *DrawPlan
	frame  *Frame
	strata []*drawStratum
	faults []error
	out    *Draw
}

// drawStratum is a stratum with its frame units in the order of codes.
type drawStratum struct {
	name   string
	values []string // of the plan's strata
	units  []int
	first  []drawNode // the units of the first stage
	number int        // of them to draw
}

// drawNode is a unit of a stage with the frame units in it.
type drawNode struct {
	code  string
	units []int
	size  float64
}

func (d *drawing) fault(format string, args ...any) {
	d.faults = append(d.faults, invalidf(format, args...))
}

// value is what a unit has for one of the plan's strata, or in a column.
func (u FrameUnit) value(name string) (string, error) {
	switch name {
	case "city":
		return u.Code[:4] + "00", nil
	case "county":
		return u.Code[:6], nil
	case "class":
		return u.Class, nil
	}
	v, ok := u.Columns[name]
	if !ok {
		return "", invalidf("the frame has no column %q", name)
	}
	return v, nil
}

// sizeOf is a measure of size of a unit.
func (u FrameUnit) sizeOf(name string) (float64, error) {
	switch name {
	case "households":
		return float64(u.Households), nil
	case "adults":
		return float64(u.Adults), nil
	case "size":
		return u.Size, nil
	case "":
		return 1, nil
	}
	v, err := u.value(name)
	if err != nil {
		return 0, err
	}
	x, err := measureOf(v)
	if err != nil {
		err = invalidf("row %d of the frame, column %s: %w", u.Row, name, err)
	}
	return x, err
}

// divide puts the frame units into their strata and these in the order of their names.
func (d *drawing) divide() error {
	of := map[string]*drawStratum{}
	for i, u := range d.frame.Units {
		values := make([]string, len(d.plan.Strata))
		for k, name := range d.plan.Strata {
			v, err := d.stratumOf(u, name)
			if err != nil {
				return err
			}
			values[k] = v
		}
		name := strings.Join(values, "/")
		if name == "" {
			name = "all"
		}
		if of[name] == nil {
			of[name] = &drawStratum{name: name, values: values}
		}
		of[name].units = append(of[name].units, i)
	}
	certain := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		s := of[name]
		slices.SortStableFunc(s.units, func(a, b int) int { return cmp.Compare(d.frame.Units[a].Code, d.frame.Units[b].Code) })
		var err error
		if s.first, err = d.groups(s.units, d.plan.Stages[0]); err != nil {
			return err
		}
		for _, n := range s.first {
			certain[n.code] = true
		}
		d.strata = append(d.strata, s)
	}
	for _, code := range d.plan.Certainty {
		if !certain[code] {
			d.fault("certainty: the frame has no %s %q; give codes of the units of the first stage", d.plan.Stages[0].Unit, code)
		}
	}
	return errors.Join(d.faults...)
}

// stratumOf is the value of one of the plan's strata that a unit lies in.
func (d *drawing) stratumOf(u FrameUnit, name string) (string, error) {
	v, err := u.value(name)
	switch {
	case err != nil:
		return "", err
	case v == "" || strings.Contains(v, "/"):
		return "", invalidf("row %d of the frame, column %s: %q cannot name a stratum; give a text without a slash", u.Row, name, v)
	case u.Columns[ColumnMerged] != "" && strings.Contains(v, mergedJoint) && d.out.Schema != drawSchema1:
		return "", invalidf("row %d of the frame, column %s: %s was merged from units of several strata, %q; write the one it belongs to, or do not merge them", u.Row, name, u.Code, v)
	}
	return v, nil
}

// groups puts frame units, which are in the order of codes, together to units of a
// stage, with their size.
func (d *drawing) groups(units []int, s StagePlan) ([]drawNode, error) {
	digits := s.digits()
	var nodes []drawNode
	begin := 0
	size := 0.0
	for k, i := range units {
		u := d.frame.Units[i]
		x, err := u.sizeOf(s.Size)
		if err != nil {
			return nil, err
		}
		size += x
		code := u.Code[:digits]
		if k+1 < len(units) && d.frame.Units[units[k+1]].Code[:digits] == code {
			continue
		}
		nodes = append(nodes, drawNode{code, units[begin : k+1], size})
		begin, size = k+1, 0
	}
	return nodes, nil
}

// available is how many units of a list can be drawn.
func available(s StagePlan, nodes []drawNode) int {
	switch {
	case s.Method == MethodPPSReplacement:
		return maxDrawn
	case !s.pps():
		return len(nodes)
	}
	n := 0
	for _, x := range nodes {
		if x.size > 0 {
			n++
		}
	}
	return n
}

// allocate sets how many units of the first stage each stratum gives.
func (d *drawing) allocate() error {
	a := d.plan.Allocation
	if a == nil {
		for _, s := range d.strata {
			s.number = d.plan.Stages[0].Number
		}
		return nil
	}
	parts := map[string][]*drawStratum{}
	at := slices.Index(d.plan.Strata, a.Each)
	for _, s := range d.strata {
		key := ""
		if at >= 0 {
			key = s.values[at]
		}
		parts[key] = append(parts[key], s)
	}
	for h := range a.Spread {
		if !slices.ContainsFunc(d.strata, func(s *drawStratum) bool { return s.name == h }) {
			d.fault("allocation, spread: the frame has no stratum %q", h)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		if err := d.share(parts[key], a); err != nil {
			what := "allocation"
			if key != "" {
				what += " in " + a.Each + " " + key
			}
			d.fault("%s, stage %s: %w", what, d.plan.Stages[0].Unit, err)
		}
	}
	return errors.Join(d.faults...)
}

// share gives the strata of one part of the frame their numbers.
func (d *drawing) share(strata []*drawStratum, a *AllocationPlan) error {
	size, spread := make([]float64, len(strata)), make([]float64, len(strata))
	limits := sampling.Limits{Least: make([]int, len(strata)), Most: make([]int, len(strata))}
	for h, s := range strata {
		for _, i := range s.units {
			x, err := d.frame.Units[i].sizeOf(a.Size)
			if err != nil {
				return err
			}
			size[h] += x
		}
		x, given := a.Spread[s.name]
		if spread[h] = x; !given {
			if spread[h] = 1; a.Rule == "neyman" {
				return fmt.Errorf("stratum %q has no standard deviation; give it under spread", s.name)
			}
		}
		limits.Most[h] = available(d.plan.Stages[0], s.first)
		if a.Most > 0 {
			limits.Most[h] = min(limits.Most[h], a.Most)
		}
		limits.Least[h] = min(a.Least, limits.Most[h])
	}
	var scores sampling.Scores
	switch a.Rule {
	case "equal":
		scores = sampling.EqualScores(len(strata))
	case "proportional":
		scores = sampling.ProportionalScores(size)
	case "root":
		scores = sampling.RootScores(size)
	case "neyman":
		scores = sampling.NeymanScores(size, spread)
	case "power":
		scores = sampling.PowerScores(size, spread, a.Power)
	}
	shares, err := sampling.Allocate(a.Total, scores, limits)
	if err != nil {
		return err
	}
	for h, n := range sampling.Round(shares) {
		strata[h].number = n
	}
	return nil
}

// drawPath is the way from a stratum down to a unit.
type drawPath struct {
	in, stratum, psu string
	codes            []string
	p                []float64
	suffix           string // of what lies in a unit that is drawn once more
}

// draw draws all stages of a stratum.
func (d *drawing) draw(s *drawStratum) {
	before := len(d.out.Units)
	drawn := DrawnStratum{Stratum: s.name, FrameUnits: len(s.units), Units: len(s.first), Number: s.number}
	if s.number > 0 {
		picks := d.pick(0, s.name, s.first, s.number)
		for _, k := range picks {
			if k.p == 1 && d.plan.Stages[0].Method != MethodPPSReplacement {
				drawn.Certain++
			}
		}
		drawn.Number = len(picks)
		d.follow(0, drawPath{in: s.name, stratum: s.name}, s.first, picks)
	}
	d.out.Strata = append(d.out.Strata, drawn)
	d.note(drawn, d.out.Units[before:])
	if s.number > 0 && d.out.Schema != drawSchema1 {
		d.noteWithout(s)
	}
}

// noteWithout says how many villages where people live have no chance in a stratum, since
// the size that a stage draws by is 0.
func (d *drawing) noteWithout(s *drawStratum) {
	seen := map[int]bool{}
	for k, stage := range d.plan.Stages {
		if !stage.pps() {
			continue
		}
		nodes, err := d.groups(s.units, stage)
		if err != nil {
			d.faults = append(d.faults, err)
			return
		}
		villages, households, adults := 0, 0, 0
		for _, n := range nodes {
			if n.size > 0 || k == 0 && slices.Contains(d.plan.Certainty, n.code) {
				continue
			}
			for _, i := range n.units {
				if u := d.frame.Units[i]; !seen[i] && (u.Households > 0 || u.Adults > 0) {
					seen[i] = true
					villages, households, adults = villages+1, households+u.Households, adults+u.Adults
				}
			}
		}
		if villages > 0 {
			d.out.Notes = append(d.out.Notes, fmt.Sprintf("stratum %s, stage %s: villages with the size 0 in %s cannot be drawn, so that they are not represented: %d, with %d households and %d adults",
				s.name, stage.Unit, stage.Size, villages, households, adults))
		}
	}
}

// note says what of a stratum a statistician should know.
func (d *drawing) note(s DrawnStratum, units []DrawnUnit) {
	if s.Number == 0 {
		d.out.Notes = append(d.out.Notes, fmt.Sprintf("stratum %s: nothing is drawn, so it is not represented", s.Stratum))
	}
	last := map[string]string{} // of each stratum of variance estimation; "" for several
	for _, u := range units {
		if p, seen := last[u.Stratum]; seen && p != u.PSU {
			last[u.Stratum] = ""
		} else if !seen {
			last[u.Stratum] = u.PSU
		}
	}
	for _, h := range slices.Sorted(maps.Keys(last)) {
		if last[h] != "" {
			d.out.Notes = append(d.out.Notes, fmt.Sprintf("stratum %s: only PSU %s is drawn, so its variance cannot be estimated alone", h, last[h]))
		}
	}
}

// drawPick is a drawn unit of a list with its probability; hit counts how often it was
// drawn before, and replicate is that of the last stage.
type drawPick struct {
	at, hit, replicate int
	p                  float64
}

// follow goes on to the next stage in every drawn unit, or takes it as a case.
func (d *drawing) follow(stage int, path drawPath, nodes []drawNode, picks []drawPick) {
	for _, k := range picks {
		if len(d.faults) >= maxFaults {
			return
		}
		node := nodes[k.at]
		next := path
		if k.hit > 0 {
			next.suffix = fmt.Sprintf("-h%d", k.hit+1)
		}
		next.codes = append(slices.Clone(path.codes), node.code+next.suffix)
		next.p = append(slices.Clone(path.p), k.p)
		last := stage == len(d.plan.Stages)-1
		switch {
		case path.psu != "":
		case k.p == 1 && !last && d.plan.Stages[stage].Method != MethodPPSReplacement:
			next.stratum += "/" + node.code
		default:
			next.psu = node.code + next.suffix
		}
		if last {
			d.take(next, node.units[0], k.replicate)
			continue
		}
		d.below(stage+1, next, node)
	}
}

// below draws the units of a stage in one unit of the stage before.
func (d *drawing) below(stage int, path drawPath, node drawNode) {
	s := d.plan.Stages[stage]
	where := path.in + ", " + node.code + path.suffix
	if s.Unit == stageHousehold {
		households := d.frame.Units[node.units[0]].Households
		for _, k := range d.pickHouseholds(stage, where, households) {
			next := path
			next.codes = append(slices.Clone(path.codes), fmt.Sprintf("%04d", k.at+1))
			next.p = append(slices.Clone(path.p), k.p)
			if next.psu == "" {
				next.psu = node.code + "-" + next.codes[stage]
			}
			d.take(next, node.units[0], k.replicate)
		}
		return
	}
	nodes, err := d.groups(node.units, s)
	if err != nil {
		d.faults = append(d.faults, err)
		return
	}
	d.follow(stage, path, nodes, d.pick(stage, where, nodes, s.Number))
}

// take makes a case of the unit that a path ends at.
func (d *drawing) take(path drawPath, unit, replicate int) {
	u := d.frame.Units[unit]
	c := DrawnUnit{In: path.in, Stratum: path.stratum, PSU: path.psu, Replicate: replicate,
		Codes: path.codes, P: path.p, City: u.Code[:4] + "00", Class: u.Class}
	switch s := d.plan.Stages[len(d.plan.Stages)-1]; {
	case s.Unit == stageHousehold:
		c.Case = u.Code + path.suffix + "-" + path.codes[len(path.codes)-1]
	case s.digits() < len(u.Code): // a county may lie in two strata
		c.Case = u.Code[:s.digits()] + path.suffix + "-" + strings.ReplaceAll(path.in, "/", "-")
	default:
		c.Case = u.Code + path.suffix
	}
	if d.plan.villages() && d.out.Schema != drawSchema1 {
		c.Name = u.Name
	}
	for _, name := range d.plan.Columns {
		v, err := u.value(name)
		if err != nil {
			d.faults = append(d.faults, err)
			return
		}
		if c.Columns == nil {
			c.Columns = map[string]string{}
		}
		c.Columns[name] = v
	}
	d.out.Units = append(d.out.Units, c)
}

// wanted is how many of n available units a stage draws: its number and reserve. 0 is a
// fault that has been reported.
func (d *drawing) wanted(stage int, where string, number, n int) int {
	s := d.plan.Stages[stage]
	total := s.total(number)
	if total > n && s.Short == "all" {
		total = n
	}
	if n == 0 {
		d.fault("stratum %s, stage %s: %s; correct the frame, put the unit together with a neighbour, or take it out of the frame", where, s.Unit, s.nothing())
		return 0
	}
	if total > n {
		total = s.total(number)
		reserve := ""
		if total > number {
			reserve = fmt.Sprintf(" (%d and a reserve of %d)", number, total-number)
		}
		d.fault("stratum %s, stage %s: the plan asks for %d%s of %d units; lower the number, put the unit together with a neighbour in the frame, or take what there is with “short: all”",
			where, s.Unit, total, reserve, n)
		return 0
	}
	return total
}

// nothing says why a stage has no units to draw from.
func (s StagePlan) nothing() string {
	if s.Unit == stageHousehold {
		return "the frame has no households there"
	}
	return "no unit has a size above 0 in " + s.Size
}

// pickHouseholds draws positions among the households of a village.
func (d *drawing) pickHouseholds(stage int, where string, households int) []drawPick {
	s := d.plan.Stages[stage]
	n := d.wanted(stage, where, s.Number, households)
	if n == 0 {
		return nil
	}
	rng := stream(d.plan.Seed, s.Unit, where)
	drawn, err := equal(s, rng, households, n)
	if err != nil {
		d.fault("stratum %s, stage %s: %w", where, s.Unit, err)
		return nil
	}
	picks := make([]drawPick, n)
	for k, i := range drawn {
		picks[k] = drawPick{at: i, p: float64(n) / float64(households)}
	}
	d.replicates(s, s.Number, where, picks)
	return picks
}

// equal draws with equal probabilities.
func equal(s StagePlan, rng *rand.Rand, population, n int) ([]int, error) {
	if s.Method == MethodSystematic && s.Order == "" {
		return sampling.Systematic(rng, population, n)
	}
	return sampling.Simple(rng, population, n) // also what systematic in random order is
}

// pick draws number units of a list, and the reserve of the last stage.
func (d *drawing) pick(stage int, where string, nodes []drawNode, number int) []drawPick {
	s := d.plan.Stages[stage]
	n := d.wanted(stage, where, number, available(s, nodes))
	if n == 0 {
		return nil
	}
	rng := stream(d.plan.Seed, s.Unit, where)
	var open []int
	var picks []drawPick
	for i, x := range nodes {
		if stage == 0 && slices.Contains(d.plan.Certainty, x.code) {
			picks = append(picks, drawPick{at: i, p: 1})
		} else {
			open = append(open, i)
		}
	}
	if len(picks) > n {
		d.fault("stratum %s, stage %s: %d units are certain, but only %d are to be drawn; raise the number", where, s.Unit, len(picks), n)
		return nil
	}
	left, err := s.choose(rng, nodes, open, n-len(picks))
	if err != nil {
		d.fault("stratum %s, stage %s: %w", where, s.Unit, err)
		return nil
	}
	picks = append(picks, left...)
	slices.SortStableFunc(picks, func(a, b drawPick) int { return cmp.Compare(a.at, b.at) })
	for k := 1; k < len(picks); k++ {
		if picks[k].at == picks[k-1].at {
			picks[k].hit = picks[k-1].hit + 1
		}
	}
	d.replicates(s, number, where, picks)
	return picks
}

// choose draws n of the nodes that are open.
func (s StagePlan) choose(rng *rand.Rand, nodes []drawNode, open []int, n int) ([]drawPick, error) {
	size := make([]float64, len(open))
	for k, i := range open {
		size[k] = nodes[i].size
	}
	var chances []float64
	var drawn []int
	var err error
	switch {
	case !s.pps():
		drawn, err = equal(s, rng, len(open), n)
	case s.Method == MethodPPSReplacement:
		if chances, err = sampling.Expected(size, n); err == nil {
			drawn, err = sampling.PPSReplacement(rng, size, n)
		}
	default:
		if chances, err = sampling.Inclusion(size, n); err == nil {
			drawn, err = s.without()(rng, chances)
		}
	}
	if err != nil {
		return nil, err
	}
	picks := make([]drawPick, len(drawn))
	for k, i := range drawn {
		picks[k] = drawPick{at: open[i], p: float64(n) / float64(len(open))}
		if chances != nil {
			picks[k].p = chances[i]
		}
	}
	return picks, nil
}

// without is the PPS method without replacement of a stage.
func (s StagePlan) without() sampling.PPS {
	switch {
	case s.Method == MethodPPSSampford:
		return sampling.Sampford
	case s.Method == MethodPPSBrewer:
		return sampling.Brewer
	case s.Order == "random":
		return sampling.PPSRandomSystematic
	}
	return sampling.PPSSystematic
}

// replicates puts what is drawn beyond number into the replicates of the reserve, at
// random; those released are then a simple random sample of all that were drawn.
func (d *drawing) replicates(s StagePlan, number int, where string, picks []drawPick) {
	if s.Reserve == nil {
		return
	}
	for k, i := range stream(d.plan.Seed, "replicate", where).Perm(len(picks)) {
		if k >= number {
			picks[i].replicate = 1 + (k-number)/s.Reserve.Each
		}
	}
}

// Method is how one person of each household is selected; 0 when the cases are something
// else than households.
func (d *Draw) Method() household.Method { return personMethods[d.Person] }

// Cases are the cases of the sample and of the replicates released so far, with their
// base weights: the inverse of the product of all probabilities, in which the last
// stage's is that of the units released, all of them times their share among those
// drawn in the same unit.
func (d *Draw) Cases(released int) ([]Case, error) {
	if released < 0 || released > d.Replicates {
		return nil, invalidf("%d replicates are to be released, and the draw has %d", released, d.Replicates)
	}
	key := func(u DrawnUnit) string { return u.In + "\x00" + strings.Join(u.Codes[:len(u.Codes)-1], "\x00") }
	drawn, open := map[string]float64{}, map[string]float64{}
	if d.Replicates > 0 {
		for _, u := range d.Units {
			k := key(u)
			if drawn[k]++; u.Replicate <= released {
				open[k]++
			}
		}
	}
	var cases []Case
	for _, u := range d.Units {
		if u.Replicate > released {
			continue
		}
		w := 1.0
		for _, p := range u.P {
			w /= p
		}
		if d.Replicates > 0 {
			k := key(u)
			w *= drawn[k] / open[k]
		}
		c := Case{ID: u.Case, Stratum: u.Stratum, PSU: u.PSU, Weight: w, Columns: u.columns()}
		if err := c.Check(); err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// columns are the classifications of a drawn unit.
func (u DrawnUnit) columns() map[string]string {
	m := map[string]string{"city": u.City, "class": u.Class, "replicate": strconv.Itoa(u.Replicate)}
	for _, c := range u.Codes {
		if code, _, _ := strings.Cut(c, "-"); len(code) == 12 {
			m["village"] = code
		}
	}
	if u.Name != "" {
		m["name"] = u.Name
	}
	maps.Copy(m, u.Columns)
	return m
}
