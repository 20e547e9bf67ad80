package geo_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// Longgang was a town of Cangnan until it became a city of its own in 2019. What is below
// a town that only changed its county may keep its numbers; what was divided may not.
const longgang = `from,to,below,name_zh
330327,330327,,苍南县
330327,330383,,龙港市
330327100,330327100,kept,灵溪镇
330327117,330383001,,龙港镇
330327117201,330383001205,,某村
330327118000,330383002000,kept,某镇
`

func crosswalk(t *testing.T, src string) *geo.Crosswalk {
	t.Helper()
	c, err := geo.ReadCrosswalk("2018", "2020", strings.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMove(t *testing.T) {
	c := crosswalk(t, longgang)
	for _, m := range []struct{ name, code, want, undecided string }{
		{"of no row", "330106002001", "330106002001", ""},
		{"a town that stayed", "330327100005", "330327100005", ""},
		{"a town that moved as it was", "330327118007", "330383002007", ""},
		{"a village with a row", "330327117201", "330383001205", ""},
		{"the town itself", "330327117", "330383001", ""},
		{"a village without a row", "330327117202", "", "330327117 became 330383001, with new numbers below it; add a row for it"},
		{"a town without a row", "330327199", "", "330327 became 330327 and 330383"},
		{"the county, which was divided", "330327", "", "330327 became 330327 and 330383; add a row"},
		{"the city", "3303", "3303", ""},
	} {
		got, err := c.Move(m.code)
		if got != m.want || (err != nil) != (m.undecided != "") {
			t.Errorf("%s: Move(%s) = %q, %v, want %q", m.name, m.code, got, err, m.want)
		}
		if err != nil && (!errors.Is(err, surveys.ErrNotFound) || !strings.Contains(err.Error(), m.undecided)) {
			t.Errorf("%s: %v, want %q", m.name, err, m.undecided)
		}
	}
	own := c.With(crosswalk(t, "from,to,below\r\n330327117202,330383001206,\r\n330327117201,330383001299,\r\n"))
	for code, want := range map[string]string{"330327117202": "330383001206", "330327117201": "330383001299", "330327118007": "330383002007"} {
		if got, err := own.Move(code); got != want {
			t.Errorf("with further rows Move(%s) = %q, %v, want %q", code, got, err, want)
		}
	}
	if got, _ := c.Move("330327117201"); got != "330383001205" {
		t.Errorf("further rows changed the crosswalk they were added to: %s", got)
	}
}

func TestReadCrosswalkFaults(t *testing.T) {
	const head = "from,to,below\n"
	for name, c := range map[string]struct{ src, want string }{
		"nothing":       {"", "has no rows"},
		"head only":     {head, "has no rows"},
		"other columns": {"a,b,c\n", "line 1: the first columns must be from,to,below"},
		"one code":      {head + "330103\n", "line 2: write both codes"},
		"two levels":    {head + "\n330103,330105001,\n", "line 3: \"330103\" and \"330105001\" are not two codes of one level"},
		"no code":       {head + "330103,,\n", "line 2: \"330103\" and \"\" are not two codes"},
		"below":         {head + "330103,330105,yes\n", "line 2: below is \"yes\"; write kept, or nothing"},
		"twice":         {head + "330103,330105,\n330103000000,330105000000,kept\n", "line 3: 330103 to 330105 stands there twice"},
		"long line":     {head + strings.Repeat("1", 5000) + "\n", "line 2: the line is longer than 4096 bytes"},
	} {
		_, err := geo.ReadCrosswalk("a", "b", strings.NewReader(c.src))
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	if _, err := geo.ReadCrosswalk("a", "b", broken{}); errors.Is(err, surveys.ErrInvalid) || err == nil {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

// The list says where a code lies, that it lies nowhere, or that the list does not reach so
// far. Dongguan (4419) has no counties; statistics write 441900 for the city as a county.
func TestPlace(t *testing.T) {
	l := read(t, south+"330000,浙江省,Zhejiang\n440200,韶关市,Shaoguan\n442000,中山市,Zhongshan\n")
	for _, c := range []struct {
		code, in string
		known    bool
		fault    string
	}{
		{"440106003001", "440106", true, ""},
		{"440106", "440106", true, ""},
		{"440107003001", "4401", true, "440107 is no part of 4401 广州市 in cn-2020"},
		{"440100003001", "4401", true, "440100 is no part of 4401"},
		{"449900003001", "44", true, "4499 is no part of 44 广东省"},
		{"550100003001", "", true, "there is no province 55"},
		{"441900003001", "441900003", true, ""},
		{"441900004001", "4419", true, "441900004 is no part of 4419 东莞市"},
		{"442000001001", "4420", true, ""},
		{"442001001001", "4420", true, "its codes begin with 442000, not 442001"},
		{"330106003001", "33", false, ""},
	} {
		in, known, err := l.Place(c.code)
		if in != c.in || known != c.known || (err != nil) != (c.fault != "") {
			t.Errorf("Place(%s) = %q, %v, %v, want %q, %v", c.code, in, known, err, c.in, c.known)
		}
		if err != nil && (!errors.Is(err, surveys.ErrNotFound) || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("Place(%s): %v, want %q", c.code, err, c.fault)
		}
	}
	one := read(t, "code,name_zh\n330106,西湖区\n330106002,北山街道\n")
	for code, fault := range map[string]bool{"330106002001": false, "330106003001": true, "330102001001": false} {
		if _, _, err := one.Place(code); (err != nil) != fault {
			t.Errorf("in the list of one county, Place(%s): %v", code, err)
		}
	}
}

// The seven classes of the regulation of 2008; the first digit says urban (1) or rural (2).
func TestClassOf(t *testing.T) {
	n := 0
	for code := 0; code < 1000; code++ {
		text := string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
		c, ok := geo.ClassOf(text)
		if !ok {
			continue
		}
		n++
		if c.Urban != (text[0] == '1') || c.Code != text || c.Name[surveys.ZH] == "" || c.Name[surveys.EN] == "" {
			t.Errorf("class %s is %+v", text, c)
		}
	}
	if n != 7 {
		t.Errorf("%d classes, want 7", n)
	}
}

func TestZone(t *testing.T) {
	for code, want := range map[string]bool{"330371": true, "130172001001": true, "330370": false, "330381": false, "3303": false, "370102": false} {
		if geo.Zone(code) != want {
			t.Errorf("Zone(%s) = %v", code, !want)
		}
	}
}
