package fieldwork

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys/definition"
)

// DrawPlan says how a sample is drawn from a frame. It is read from a YAML file.
type DrawPlan struct {
	Title string `json:"title,omitempty"`
	// Seed is where all randomness comes from.
	Seed int `json:"seed"`
	// Frame is the file of the frame, CSV or XLSX, beside the plan; Vintage names its codes.
	Frame   string `json:"frame"`
	Vintage string `json:"vintage,omitempty"`
	// Strata are what the strata are crossings of: city, county, class or a column of the
	// frame. Without them the frame is one stratum.
	Strata []string `json:"strata,omitempty"`
	// Certainty are units of the first stage that are taken in any case, by code.
	Certainty []string `json:"certainty,omitempty"`
	// Allocation shares the units of the first stage among the strata.
	Allocation *AllocationPlan `json:"allocation,omitempty"`
	Stages     []StagePlan     `json:"stages"`
	// Person is how one person of each household is selected at the door: kish or
	// last-birthday.
	Person string `json:"person,omitempty"`
	// Columns are columns of the frame that the cases keep.
	Columns []string `json:"columns,omitempty"`

	text []byte
}

// AllocationPlan shares Total units of the first stage among the strata.
type AllocationPlan struct {
	Total int `json:"total"`
	// Each makes the total that of every city, or of another of the strata, within which
	// the rule shares it; otherwise it is that of the frame.
	Each string `json:"each,omitempty"`
	// Rule is proportional, root, equal, neyman or power.
	Rule string `json:"rule"`
	// Size is what the stratum's size N_h is counted in: households, adults, size or a
	// column; units when empty.
	Size string `json:"size,omitempty"`
	// Power is q of the power allocation.
	Power float64 `json:"power,omitempty"`
	// Spread has the standard deviation within each stratum for neyman, or its coefficient
	// of variation for power, where it is 1 unless given.
	Spread map[string]float64 `json:"spread,omitempty"`
	// Least and Most hold for every stratum; Most 0 is no limit. A stratum never gets more
	// units than it has.
	Least int `json:"least,omitempty"`
	Most  int `json:"most,omitempty"`
}

// StagePlan is one stage of a draw.
type StagePlan struct {
	// Unit is county, township, village or household, each stage below the one before.
	Unit string `json:"unit"`
	// Method is one of Methods.
	Method string `json:"method"`
	// Size is what probabilities are proportional to, for the methods that need it:
	// households, adults, size or a column.
	Size string `json:"size,omitempty"`
	// Order is random where a systematic sample is drawn from a list in random order;
	// otherwise the list is in the order of codes.
	Order string `json:"order,omitempty"`
	// Number is how many units are drawn in each unit of the stage before, or in each
	// stratum; the first stage has an allocation or a number.
	Number int `json:"number,omitempty"`
	// Short is "all" where units with fewer than Number are taken whole; otherwise they
	// are a fault.
	Short string `json:"short,omitempty"`
	// Reserve is drawn along with the last stage, and released replicate by replicate.
	Reserve *ReservePlan `json:"reserve,omitempty"`
}

// ReservePlan is Replicates groups of Each units, in each unit of the stage before.
type ReservePlan struct {
	Replicates int `json:"replicates"`
	Each       int `json:"each"`
}

// total is how many units a stage draws with its reserve; number without.
func (s StagePlan) total(number int) int {
	if s.Reserve == nil {
		return number
	}
	return number + s.Reserve.Replicates*s.Reserve.Each
}

// The methods of a stage.
const (
	MethodSimple         = "simple"
	MethodSystematic     = "systematic"
	MethodPPSSystematic  = "pps-systematic"
	MethodPPSSampford    = "pps-sampford"
	MethodPPSBrewer      = "pps-brewer"
	MethodPPSReplacement = "pps-replacement"
)

// Methods are all methods of a stage.
var Methods = []string{MethodSimple, MethodSystematic, MethodPPSSystematic, MethodPPSSampford, MethodPPSBrewer, MethodPPSReplacement}

// pps says whether the method needs sizes.
func (s StagePlan) pps() bool { return strings.HasPrefix(s.Method, "pps-") }

// The units of stages, from the largest, and how many digits of a code name one; a
// household is named by its position in the village.
const stageHousehold = "household"

var (
	stageUnits  = []string{"county", "township", "village", stageHousehold}
	stageDigits = []int{6, 9, 12, 12}
)

// digits of the code of the stage's units.
func (s StagePlan) digits() int { return stageDigits[slices.Index(stageUnits, s.Unit)] }

// villages says whether the cases lie in one village each.
func (p *DrawPlan) villages() bool { return p.Stages[len(p.Stages)-1].digits() == 12 }

// personMethods are the ways to select one person of a household.
var personMethods = map[string]household.Method{"kish": household.Kish, "last-birthday": household.LastBirthday}

// The limits of a plan.
const maxDrawn, maxReplicates = 10_000_000, 100

// ReadDrawPlan reads a plan from YAML, strictly. All faults are reported at once, each
// with its line and the way out; name stands for the file.
func ReadDrawPlan(name string, src []byte) (*DrawPlan, error) {
	p := &DrawPlan{text: slices.Clone(src)}
	file, err := definition.Decode(name, src, nil, p)
	if err != nil {
		return nil, err
	}
	c := planChecker{p, file}
	c.head()
	c.allocation()
	for i := range p.Stages {
		c.stage(i)
	}
	if err := file.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Text is the plan as it was read, and Hash the SHA-256 of it.
func (p *DrawPlan) Text() string { return string(p.text) }

// Hash is the SHA-256 of the text.
func (p *DrawPlan) Hash() string {
	sum := sha256.Sum256(p.text)
	return hex.EncodeToString(sum[:])
}

type planChecker struct {
	*DrawPlan
	file *definition.Source
}

func (c planChecker) head() {
	if c.Seed <= 0 {
		c.file.Fault("seed", fmt.Sprintf("the seed is %d", c.Seed), "give any whole number above 0, and keep it")
	}
	if c.Frame == "" {
		c.file.Fault("frame", "there is no frame", "name the file of the frame")
	}
	for i, s := range c.Strata {
		if s == "" || slices.Contains(c.Strata[:i], s) {
			c.file.Fault(fmt.Sprintf("strata[%d]", i), fmt.Sprintf("%q is empty or stands there twice", s), "name city, county, class or a column of the frame, each once")
		}
	}
	for i, n := range c.Columns {
		if n == "" || slices.Contains(c.Columns[:i], n) || slices.Contains(reservedColumns, n) {
			c.file.Fault(fmt.Sprintf("columns[%d]", i), fmt.Sprintf("%q is empty, stands there twice or is written anyway", n), "name further columns of the frame, each once")
		}
	}
	if len(c.Stages) == 0 || len(c.Stages) > len(stageUnits) {
		c.file.Fault("stages", fmt.Sprintf("there are %d stages", len(c.Stages)), "give one to four, from county to household")
		return
	}
	switch last := c.Stages[len(c.Stages)-1].Unit; {
	case c.Person == "":
	case personMethods[c.Person] == 0:
		c.file.Fault("person", fmt.Sprintf("the person is selected by %q", c.Person), "use kish or last-birthday")
	case last != stageHousehold:
		c.file.Fault("person", fmt.Sprintf("the last stage draws a %s", last), "a person is selected in households; add a stage of them, or remove the line")
	}
}

// reservedColumns are those that a case has anyway.
var reservedColumns = []string{"case", "stratum", "psu", "weight", "city", "class", "village", "name", "replicate", ColumnBooklet}

func (c planChecker) allocation() {
	a := c.Allocation
	if a == nil {
		return
	}
	if !slices.Contains([]string{"proportional", "root", "equal", "neyman", "power"}, a.Rule) {
		c.file.Fault("allocation.rule", fmt.Sprintf("the rule is %q", a.Rule), "use proportional, root, equal, neyman or power")
	}
	if a.Total <= 0 || a.Total > maxDrawn {
		c.file.Fault("allocation.total", fmt.Sprintf("the total is %d", a.Total), "give the number of units of the first stage")
	}
	if a.Least < 0 || a.Most < 0 || a.Most > 0 && a.Most < a.Least {
		c.file.Fault("allocation.least", fmt.Sprintf("a stratum has at least %d and at most %d units", a.Least, a.Most), "give 0 ≤ least ≤ most")
	}
	if a.Each != "" && !slices.Contains(c.Strata, a.Each) {
		c.file.Fault("allocation.each", fmt.Sprintf("%q is not among the strata", a.Each), "name one of them")
	}
	if !(a.Power >= 0 && a.Power <= 1) {
		c.file.Fault("allocation.power", fmt.Sprintf("the power is %v", a.Power), "give a number from 0 (equally precise strata) to 1")
	}
	for h, x := range a.Spread {
		if !(x >= 0 && x <= 1e12) {
			c.file.Fault("allocation.spread", fmt.Sprintf("the spread of stratum %q is %v", h, x), "give a number, 0 or more")
		}
	}
}

func (c planChecker) stage(i int) {
	s, path := c.Stages[i], fmt.Sprintf("stages[%d]", i)
	fault := func(key, msg, way string) { c.file.Fault(path+"."+key, msg, way) }
	unit := slices.Index(stageUnits, s.Unit)
	switch {
	case unit < 0:
		fault("unit", fmt.Sprintf("the unit is %q", s.Unit), "use county, township, village or household")
	case i > 0 && unit <= slices.Index(stageUnits, c.Stages[i-1].Unit):
		fault("unit", fmt.Sprintf("%s does not lie below %s", s.Unit, c.Stages[i-1].Unit), "put the stages in the order county, township, village, household")
	case s.Unit == stageHousehold && (i == 0 || c.Stages[i-1].Unit != "village"):
		fault("unit", "households are drawn within villages", "put a stage of villages before")
	case s.Unit == stageHousehold && s.pps():
		fault("method", "the frame has no sizes of households", "use systematic or simple")
	}
	switch {
	case !slices.Contains(Methods, s.Method):
		fault("method", fmt.Sprintf("the method is %q", s.Method), "use one of "+strings.Join(Methods, ", "))
	case s.pps() != (s.Size != ""):
		fault("size", fmt.Sprintf("the method is %s and the size %q", s.Method, s.Size), "PPS methods need a size, the others take none")
	case s.Method == MethodPPSReplacement && (i > 0 || len(c.Certainty) > 0):
		fault("method", "drawing with replacement is for a first stage without certainty units", "use another PPS method")
	}
	if s.Order != "" && (s.Order != "random" || s.Method != MethodPPSSystematic && s.Method != MethodSystematic) {
		fault("order", fmt.Sprintf("the order is %q", s.Order), "systematic methods take random; otherwise leave it out")
	}
	if s.Short != "" && s.Short != "all" {
		fault("short", fmt.Sprintf("short is %q", s.Short), "use all, or leave it out")
	}
	c.numbers(i, fault)
}

// numbers checks how many units a stage draws.
func (c planChecker) numbers(i int, fault func(key, msg, way string)) {
	s := c.Stages[i]
	switch {
	case i == 0 && c.Allocation != nil:
		if s.Number != 0 {
			fault("number", "the first stage has a number and an allocation", "remove one of them")
		}
	case s.Number <= 0 || s.Number > maxDrawn:
		fault("number", fmt.Sprintf("the number is %d", s.Number), "give the number of units to draw; the first stage may have an allocation instead")
	}
	if r := s.Reserve; r != nil {
		if i == 0 && (s.pps() || len(c.Certainty) > 0) {
			fault("reserve", "units of a first stage that are certain cannot wait in a reserve", "draw the reserve at a stage below, or with equal probabilities")
		}
		if i < len(c.Stages)-1 {
			fault("reserve", "there is a stage below", "draw the reserve at the last stage")
		}
		if r.Replicates < 1 || r.Replicates > maxReplicates || r.Each < 1 || r.Each > maxDrawn/maxReplicates {
			fault("reserve", fmt.Sprintf("%d replicates of %d units", r.Replicates, r.Each), fmt.Sprintf("give 1 to %d replicates of at least 1 unit", maxReplicates))
		}
	}
}
