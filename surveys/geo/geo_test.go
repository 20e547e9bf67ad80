package geo_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// Dongguan (4419) has no counties: its towns hang directly under the city.
const south = `code,name_zh,name_en
440000,广东省,Guangdong
440100,广州市,Guangzhou
440106,天河区,Tianhe
441900,东莞市,Dongguan
441900003,东城街道,Dongcheng
`

func read(t *testing.T, src string) *geo.List {
	t.Helper()
	l, err := geo.Read("cn-2020", strings.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func codes(ds []geo.Division) (out []string) {
	for _, d := range ds {
		out = append(out, d.Code)
	}
	return out
}

func TestParts(t *testing.T) {
	l := read(t, south)
	for of, want := range map[string][]string{"": {"44"}, "44": {"4401", "4419"}, "4401": {"440106"}, "4419": {"441900003"}, "440106": nil} {
		if got := codes(l.Parts(of)); !cmp.Equal(got, want) {
			t.Errorf("Parts(%q) = %v, want %v", of, got, want)
		}
	}
	if got := l.Chain("441900003", surveys.ZH); !cmp.Equal(got, []string{"广东省", "东莞市", "东城街道"}) {
		t.Errorf("Chain = %v", got)
	}
	if got := l.Chain("440106", surveys.EN); !cmp.Equal(got, []string{"Guangdong", "Guangzhou", "Tianhe"}) {
		t.Errorf("Chain = %v", got)
	}
}

func TestDeepest(t *testing.T) {
	l := read(t, south)
	for in, want := range map[string]geo.Level{"": geo.Township, "4401": geo.County, "440106": geo.County, "4419": geo.Township, "33": ""} {
		if got := l.Deepest(in); got != want {
			t.Errorf("Deepest(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShort(t *testing.T) {
	for long, want := range map[string]string{"330000000000": "33", "330100": "3301", "330106000000": "330106", "330106003000": "330106003",
		"330106003001": "330106003001", "33": "33", "3301": "3301"} {
		if got := geo.Short(long); got != want {
			t.Errorf("Short(%s) = %s, want %s", long, got, want)
		}
	}
}

func TestReadFaults(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"no header":       {"330000,浙江省\n", "line 1: the columns must be"},
		"other columns":   {"name_zh,code\n浙江省,33\n", "line 1: the columns must be"},
		"empty":           {"code,name_zh\n\n", "code list x is empty"},
		"nothing":         {"", "code list x is empty"},
		"twice":           {"code,name_zh\n33,浙江省\n\n330000,浙江省\n", "line 4: code 33 stands there twice"},
		"five digits":     {"code,name_zh\n33010,杭州\n", `line 2: "33010" is no code: a code has 2, 4, 6, 9 or 12 digits`},
		"letters":         {"code,name_zh\nzj,浙江\n", `line 2: "zj" is no code`},
		"wide digits":     {"code,name_zh\n３３,浙江\n", `line 2: "３３" is no code`},
		"no name":         {"code,name_zh\n33,\n", "line 2: code 33 needs a name of at most 200 characters"},
		"blank name":      {"code,name_zh\n33, \n", "line 2: code 33 needs a name"},
		"long name":       {"code,name_zh,name_en\n33,浙江省," + strings.Repeat("z", 201) + "\n", "line 2: code 33 needs a name"},
		"turning name":    {"code,name_zh\n33,浙江\u202e省\n", "line 2: code 33 needs a name"},
		"name with a NUL": {"code,name_zh\n33,浙江\x00省\n", "line 2: code 33 needs a name"},
		"more fields":     {"code,name_zh\n33,浙江省,Zhejiang,east\n", "line 2: write the code, the Chinese name and at most an English name"},
		"one field":       {"code,name_zh\n33\n", "line 2: write the code"},
		"quotes":          {"code,name_zh\n33,\"浙江省\"\n", "line 2: write the code"},
		"long line":       {"code,name_zh\n33," + strings.Repeat("浙", 5000) + "\n", "line 2: the line is longer than 4096 bytes"},
		"GBK":             {"code,name_zh\n33,\xd5\xe3\xbd\xad\n", "line 2: the text is not UTF-8"},
	} {
		_, err := geo.Read("x", strings.NewReader(c.src))
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A file that cannot be read is no fault of its author.
func TestReadFails(t *testing.T) {
	_, err := geo.Read("x", io.MultiReader(strings.NewReader(south), broken{}))
	if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

// A list has a limit, and reading stops there.
func TestReadStopsAtTheLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a million lines")
	}
	_, err := geo.Read("x", &endless{})
	if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), "at most 1000000 divisions") {
		t.Errorf("error %v", err)
	}
}

// endless is a list of villages without end.
type endless struct {
	n   int
	buf []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		e.buf = append(e.buf, "code,name_zh\n"...)
	}
	for len(e.buf) < len(p) {
		e.buf = fmt.Appendf(e.buf, "%d,村\n", 330000000001+e.n)
		e.n++
	}
	n := copy(p, e.buf)
	e.buf = append(e.buf[:0], e.buf[n:]...)
	return n, nil
}

// Central China has cities that no prefecture stands above (省直辖县级行政区划). A list
// may name that group, as statistics do, or not.
func TestSkippedLevels(t *testing.T) {
	grouped := read(t, "code,name_zh\n42,湖北省\n4290,省直辖县级行政区划\n429004,仙桃市\n429004100,郑场镇\n")
	direct := read(t, "code,name_zh\n420000,湖北省\n429004,仙桃市\n429004100,郑场镇\n")
	for _, c := range []struct {
		list   *geo.List
		parent string
		chain  []string
	}{
		{grouped, "4290", []string{"湖北省", "省直辖县级行政区划", "仙桃市", "郑场镇"}},
		{direct, "42", []string{"湖北省", "仙桃市", "郑场镇"}},
	} {
		if got := c.list.Parent("429004"); got != c.parent {
			t.Errorf("Parent = %q, want %q", got, c.parent)
		}
		if got := c.list.Chain("429004100", surveys.ZH); !cmp.Equal(got, c.chain) {
			t.Errorf("Chain = %v, want %v", got, c.chain)
		}
		if got := codes(c.list.Parts(c.parent)); !cmp.Equal(got, []string{"429004"}) {
			t.Errorf("Parts(%q) = %v", c.parent, got)
		}
	}
}

// A list of one county's townships begins there; what stands above is not in it.
func TestListOfOneCounty(t *testing.T) {
	l := read(t, "\ufeffcode,name_zh\r\n330106109,三墩镇\r\n330106002,北山街道\r\n330106,西湖区\r\n")
	if got := codes(l.Parts("")); !cmp.Equal(got, []string{"330106"}) {
		t.Errorf("topmost %v", got)
	}
	if got := codes(l.Parts("330106")); !cmp.Equal(got, []string{"330106002", "330106109"}) {
		t.Errorf("parts %v", got)
	}
	if got := l.Chain("3301", surveys.ZH); len(got) != 0 {
		t.Errorf("a division that is not in the list has the names %v", got)
	}
	if _, ok := l.Get("3301"); ok {
		t.Error("3301 is not in the list")
	}
}

func TestLevels(t *testing.T) {
	for code, want := range map[string]geo.Level{"33": geo.Province, "3301": geo.City, "330106": geo.County, "330106002": geo.Township,
		"330106002001": geo.Village, "": "", "3": "", "330": "", "3301060020011": "", "33010a": "", "-3": "", "dk": ""} {
		if got := geo.LevelOf(code); got != want {
			t.Errorf("LevelOf(%q) = %q, want %q", code, got, want)
		}
		if want != "" && !want.Valid() {
			t.Errorf("%s is no valid level", want)
		}
	}
	if geo.Level("").Valid() || geo.Level("prefecture").Valid() {
		t.Error("a level that is none is valid")
	}
	if !geo.Township.Reaches(geo.County) || !geo.County.Reaches(geo.County) || geo.City.Reaches(geo.County) {
		t.Error("a township reaches the county, a city does not")
	}
}

// Whatever the bytes, reading ends without panic, and in a list that is read every
// division is a part of its parent and of nothing else.
func FuzzRead(f *testing.F) {
	f.Add(south)
	f.Add("code,name_zh\n33,浙江省\n330106,西湖区\n330106002001,村\n")
	f.Add("code,name_zh\n33,\xff\n")
	f.Fuzz(func(t *testing.T, src string) {
		l, err := geo.Read("x", strings.NewReader(src))
		if err != nil {
			return
		}
		var walk func(of string) int
		walk = func(of string) (n int) {
			for _, d := range l.Parts(of) {
				if got := l.Parent(d.Code); got != of || !geo.Within(d.Code, of) || geo.Short(d.Code) != d.Code {
					t.Fatalf("%s is a part of %q, but its parent is %q", d.Code, of, got)
				}
				if chain := l.Chain(d.Code, surveys.ZH); len(chain) == 0 || chain[len(chain)-1] != d.Name[surveys.ZH] {
					t.Fatalf("chain of %s: %v", d.Code, chain)
				}
				n += 1 + walk(d.Code)
			}
			return n
		}
		if n, lines := walk(""), strings.Count(src, "\n"); n == 0 || n > lines+1 {
			t.Fatalf("%d divisions from %d lines", n, lines)
		}
	})
}

// What CSV writes, Read reads as the same list.
func TestCSV(t *testing.T) {
	for _, src := range []string{south, "code,name_zh\n330000,浙江省\n330100,杭州市\n"} {
		want := read(t, src)
		got := read(t, want.CSV())
		if diff := cmp.Diff(want.CSV(), got.CSV()); diff != "" {
			t.Error(diff)
		}
		for _, code := range append(codes(want.Parts("")), "4419", "441900003") {
			if !cmp.Equal(want.Parts(code), got.Parts(code)) {
				t.Errorf("parts of %s: %v, want %v", code, got.Parts(code), want.Parts(code))
			}
		}
	}
}
