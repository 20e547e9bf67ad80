package fieldwork

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// FrameRules say what a frame is checked against.
type FrameRules struct {
	// Lists are code lists; those whose ID ends in the frame's vintage, as cn-2023 does in
	// 2023, and those in Own are what its codes must be in.
	Lists, Own []*geo.List
	// Take is how many households the draw takes in a village, with its reserve; units with
	// fewer are small. Most is how many households can be listed at most; units with more
	// are large. 0 checks neither.
	Take, Most int
}

// Adults and households fit together when there are from LeastAdults to MostAdults in a
// household on average. In the census of 2020 a family household had 2.62 people, so that
// five adults on average in a whole village are an error of the columns or a hostel.
const LeastAdults, MostAdults = 0.5, 5.0

// Check looks at every unit of a frame. The error has the faults for which the frame cannot
// be used, up to 20 of them, each with row and column: codes that the vintage does not have.
// Everything else that is odd is a remark; those of the reading are not repeated.
func (f *Frame) Check(name string, rules FrameRules) ([]Remark, error) {
	c := f.check(rules)
	if len(c.lists) == 0 {
		text := fmt.Sprintf("no code list of the vintage %q is known, so that the codes were not checked; give one", f.Vintage)
		if f.Vintage == "" {
			text = "the vintage of the codes is not named, so that they were not checked"
		}
		c.remarks = append(c.remarks, Remark{Kind: RemarkUnchecked, Count: 1, Text: text})
	}
	names := map[string]int{}
	for i := range f.Units {
		u := &f.Units[i]
		c.place(u)
		c.sizes(u)
		if key := u.Code[:9] + u.Name; u.Name != "" && names[key] > 0 {
			c.remarks.at(RemarkSameName, "units of one township have the same name", u.Row, "name", "%s in row %d also: %s", u.Name, names[key], u.Code)
		} else {
			names[key] = u.Row
		}
		if u.Class == "" && (f.has("class") || f.has("class_code")) {
			c.remarks.at(RemarkNoClass, "units are neither urban nor rural", u.Row, "class", "%s has no class", u.Code)
		}
	}
	return c.remarks.sorted(), c.err(name, maxFaults)
}

// CodeFaults adds to the faults of ReadFrame those of Check in the rows that could be read,
// up to 20 altogether.
func (f *Frame) CodeFaults(name string, rules FrameRules, reading error) error {
	told := 1
	if joined, ok := reading.(interface{ Unwrap() []error }); ok {
		told = len(joined.Unwrap())
	}
	if f == nil || told >= maxFaults {
		return reading
	}
	c := f.check(rules)
	for i := range f.Units {
		c.place(&f.Units[i])
	}
	return errors.Join(reading, c.err(name, maxFaults-told))
}

// of are the lists of a vintage.
func of(all []*geo.List, vintage string) (some []*geo.List) {
	for _, l := range all {
		if vintage != "" && strings.HasSuffix(l.ID, "-"+vintage) {
			some = append(some, l)
		}
	}
	return some
}

func (f *Frame) check(rules FrameRules) *frameCheck {
	return &frameCheck{frame: f, rules: rules, lists: slices.Concat(of(rules.Lists, f.Vintage), rules.Own), unknown: map[string]int{}}
}

// frameCheck looks at the units of a frame.
type frameCheck struct {
	frame   *Frame
	rules   FrameRules
	lists   []*geo.List
	remarks remarks
	faults  []frameFault
	unknown map[string]int // the place of a fault by what is unknown
}

// frameFault is a division that is not there, with the first row of it.
type frameFault struct {
	row, more int
	text      string
}

// place checks the code of a unit against the lists.
func (c *frameCheck) place(u *FrameUnit) {
	known := false
	for _, l := range c.lists {
		if geo.Zone(u.Code) {
			if _, ok := l.Get(u.Code[:6]); !ok {
				c.remarks.at(RemarkZone, "units lie in development zones that only statistics number as counties", u.Row, "code", "%s: %s is no division of %s", u.Code, u.Code[:6], l.ID)
				known = true
				continue
			}
		}
		_, reaches, err := l.Place(geo.Short(u.Code))
		if err != nil {
			c.fault(u, err)
			return
		}
		known = known || reaches
	}
	if !known && len(c.lists) > 0 {
		c.remarks.at(RemarkUnchecked, "no code list reaches the counties", u.Row, "code", "%s was checked for its province at most", u.Code)
	}
	if u.Code[9:] == "000" {
		c.remarks.at(RemarkHigher, "the code of a township, county or city stands for a village", u.Row, "code", "%s is the code of a %s", u.Code, geo.LevelOf(geo.Short(u.Code)))
	}
}

// fault keeps one fault for each unknown division.
func (c *frameCheck) fault(u *FrameUnit, err error) {
	text := strings.TrimPrefix(err.Error(), surveys.ErrNotFound.Error()+": ")
	if i, ok := c.unknown[text]; ok {
		c.faults[i].more++
		return
	}
	c.unknown[text] = len(c.faults)
	c.faults = append(c.faults, frameFault{row: u.Row, text: text + c.elsewhere(u.Code)})
}

// elsewhere says which other vintage has a county that is unknown in this one.
func (c *frameCheck) elsewhere(code string) string {
	if slices.ContainsFunc(c.lists, func(l *geo.List) bool { _, ok := l.Get(code[:6]); return ok }) {
		return "" // what is unknown lies below it
	}
	for _, l := range c.rules.Lists {
		if d, ok := l.Get(code[:6]); ok {
			return fmt.Sprintf("; %s has it as %s, so name that vintage, or bring the frame to this one by a crosswalk", l.ID, d.Name[surveys.ZH])
		}
	}
	if code[4:6] == "01" {
		return "; in many cities 01 stands for all districts together (市辖区): write the district"
	}
	return ""
}

// err is the faults that are told, at most so many.
func (c *frameCheck) err(name string, most int) error {
	var errs []error
	for i, f := range c.faults {
		if i == most {
			errs = append(errs, invalidf("%s: and %d further divisions", name, len(c.faults)-i))
			break
		}
		more := ""
		if f.more > 0 {
			more = fmt.Sprintf(" and %d more", f.more)
		}
		errs = append(errs, invalidf("%s: row %d%s, column code: %s", name, f.row, more, f.text))
	}
	return errors.Join(errs...)
}

// sizes looks at the sizes of a unit.
func (c *frameCheck) sizes(u *FrameUnit) {
	for _, s := range []struct {
		column string
		zero   bool
	}{{"households", u.Households == 0}, {"adults", u.Adults == 0}, {"size", u.Size == 0}} {
		if s.zero && c.frame.has(s.column) {
			c.remarks.at(RemarkZero, "a size is 0, with which no unit can be drawn", u.Row, s.column, "%s has none", u.Code)
		}
	}
	if !c.frame.has("households") {
		return
	}
	if per := float64(u.Adults) / float64(u.Households); u.Households > 0 && u.Adults > 0 && (per < LeastAdults || per > MostAdults) {
		c.remarks.at(RemarkImplausible, "adults and households do not fit together", u.Row, "adults", "%s has %d adults in %d households, %.2f in each", u.Code, u.Adults, u.Households, per)
	} else if c.frame.has("adults") && (u.Households == 0) != (u.Adults == 0) {
		c.remarks.at(RemarkImplausible, "adults and households do not fit together", u.Row, "adults", "%s has %d adults in %d households", u.Code, u.Adults, u.Households)
	}
	switch {
	case u.Households < c.rules.Take:
		c.remarks.at(RemarkSmall, "units have fewer households than the draw takes in one", u.Row, "households", "%s has %d of %d", u.Code, u.Households, c.rules.Take)
	case c.rules.Most > 0 && u.Households > c.rules.Most:
		c.remarks.at(RemarkLarge, "units have more households than can be listed", u.Row, "households", "%s has %d, more than %d", u.Code, u.Households, c.rules.Most)
	}
}

// Take is how many households the plan takes in a village, with the reserve; 0 when it
// draws none.
func (p *DrawPlan) Take() int {
	if last := p.Stages[len(p.Stages)-1]; last.Unit == stageHousehold {
		return last.total(last.Number)
	}
	return 0
}
