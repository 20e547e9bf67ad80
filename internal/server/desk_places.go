package server

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
)

// AreaText names an area: its code, and its name in the newest list that has it.
func (f deskFrame) AreaText(code string) string {
	return strings.TrimSpace(code + " " + areaName(shortCode(code), f.lang))
}

// The words of what draws name in a sample and in its stages.
var (
	classWords = map[string]string{"urban": "desk.class.urban", "rural": "desk.class.rural"}
	unitWords  = map[string]string{"county": "desk.sample.county", "township": "desk.unit.township", "village": "desk.sample.village", "household": "desk.unit.household"}
)

// stratumPart is a word or a code within the name of a stratum.
var stratumPart = regexp.MustCompile(`[\pL\pN]+`)

// stratum is the name of a stratum in words, as far as it is made of codes of areas and of
// classes; all else stays as the sample has it.
func (t *teller) stratum(name string) string {
	return stratumPart.ReplaceAllStringFunc(name, func(part string) string {
		if key := classWords[part]; key != "" {
			return t.say(key)
		}
		if _, err := strconv.Atoi(part); err == nil && len(part) >= 4 && len(part)%2 == 0 {
			return t.AreaText(part)
		}
		return part
	})
}

// unit is what a stage of a draw selects.
func (t *teller) unit(unit string) string {
	if key := unitWords[unit]; key != "" {
		return t.say(key)
	}
	return unit
}

// columnName is the column of a sample with the name of the village.
const columnName = "name"

// address says where a case is: the area, the village by name, and which household on its list
// when the case was drawn from one.
func (t *teller) address(c office.Case) string {
	var parts []string
	for _, part := range []string{t.AreaText(c.Area), c.Columns[columnName]} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	within, number, found := strings.Cut(c.ID, "-")
	if n, err := strconv.Atoi(number); found && err == nil && within == c.Columns["village"] && c.Method != 0 {
		parts = append(parts, t.say("desk.address.household", "n", n))
	}
	return strings.Join(parts, " · ")
}

// sentBack is why the last review sent an interview back, and who did; empty when none did, or
// when another interview came since.
func sentBack(events []fieldwork.Event) (reason, who string) {
	for _, e := range events {
		switch e.Action {
		case fieldwork.Reject:
			reason, who = e.Reason, e.Who
		case fieldwork.Submit:
			reason, who = "", ""
		}
	}
	return reason, who
}
