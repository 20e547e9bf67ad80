package geo_test

import (
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
		"no header":    {"330000,浙江省\n", "line 1: the columns must be"},
		"empty":        {"code,name_zh\n", "is empty"},
		"twice":        {"code,name_zh\n33,浙江省\n330000,浙江省\n", "line 3: code 33 stands there twice"},
		"not a code":   {"code,name_zh\n33010,杭州\n", "line 2: the code is not"},
		"letters":      {"code,name_zh\nzj,浙江\n", "line 2: the code is not"},
		"no name":      {"code,name_zh\n33,\n", "line 2: code 33 needs a name"},
		"more fields":  {"code,name_zh\n33,浙江省,Zhejiang,east\n", "line 2: 4 fields"},
		"long line":    {"code,name_zh\n33," + strings.Repeat("浙", 5000) + "\n", "token too long"},
		"invalid text": {"code,name_zh\n33,\xff\n", "needs a name"},
	} {
		if _, err := geo.Read("x", strings.NewReader(c.src)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
