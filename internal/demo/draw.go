package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"

	"github.com/suyang-survey/suyang/internal/fieldwork"
)

// The design: villages are drawn with probability proportional to their adults within each
// city × urban or rural, then addresses in each, then one person of each household.
const (
	addressesPerVillage = 10
	villagesPerStratum  = 2 // at least
	// expectedResponse is the share of the drawn addresses that give an interview.
	expectedResponse = 0.70
	frameVintage     = "2023"
	// FrameFile is what the plan calls its frame.
	FrameFile = "frame.csv"
)

// provinceNames are those of the provinces that the plan of a draw names.
var provinceNames = map[string]string{"330000": "浙江", "440000": "广东"}

// NBS classes of urban and rural places, of which the frame has one each.
var classOf = map[string]string{"urban": "111", "rural": "220"}

// Frame is the list of villages, as the province's statistical office would give it. A
// vacant address counts as a household, since nobody knows before somebody goes there.
func (p *Population) Frame() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{{"code", "name", "class", "households", "adults"}}
	for i := range p.villages {
		v := &p.villages[i]
		name := "村"
		if v.residence == "urban" {
			name = "社区"
		}
		rows = append(rows, []string{v.code, fmt.Sprintf("第 %d %s", i+1, name), classOf[v.residence], strconv.Itoa(len(v.homes)), strconv.Itoa(v.size())})
	}
	err := w.WriteAll(rows)
	return out.Bytes(), err
}

// DrawPlan is the plan of the draw. Villages are shared among the strata in proportion to
// the square root of their adults, so that small cities get a usable sample, as the
// national population survey does between provinces.
func (p *Population) DrawPlan(seed uint64) []byte {
	villages := int(math.Ceil(float64(p.cfg.Interviews) / expectedResponse / addressesPerVillage))
	return fmt.Appendf(nil, `title: 模拟%s调查的抽样方案
seed: %d
frame: %s
vintage: "%s"
strata: [city, class]
allocation: {total: %d, rule: root, size: adults, least: %d}
stages:
  - {unit: village, method: pps-systematic, size: adults, order: random}
  - {unit: household, method: systematic, number: %d, short: all}
person: kish
`, provinceNames[p.province], seed, FrameFile, frameVintage, max(villages, 2*villagesPerStratum*p.cities), villagesPerStratum, addressesPerVillage)
}

// Draw takes the sample by the plan. Other seeds draw other samples from the same
// population.
func (p *Population) Draw(f *fieldwork.Frame, seed uint64, program string) (*fieldwork.Draw, error) {
	plan, err := fieldwork.ReadDrawPlan("draw.yaml", p.DrawPlan(seed))
	if err != nil {
		return nil, err
	}
	return plan.Draw(f, program, nil)
}

// household are the people who live at the address of a case.
func (p *Population) household(id string) ([]*Person, error) {
	var position int
	v := p.byCode[id[:min(len(id), 12)]]
	if _, err := fmt.Sscanf(id[min(len(id), 12):], "-%d", &position); err != nil || v == nil || position < 1 || position > len(v.homes) {
		return nil, fmt.Errorf("the synthetic province has no address %q", id)
	}
	h := v.homes[position-1]
	var list []*Person
	for i := h.first; i < h.last; i++ {
		list = append(list, &p.people[i])
	}
	return list, nil
}
