package divisions_test

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
)

func list(t *testing.T, id string) *geo.List {
	t.Helper()
	for _, l := range divisions.Lists() {
		if l.ID == id {
			return l
		}
	}
	t.Fatalf("no list %s", id)
	return nil
}

func codes(ds []geo.Division) []string {
	var out []string
	for _, d := range ds {
		out = append(out, d.Code)
	}
	return out
}

// The official numbers of divisions: 34 at the top; Zhejiang has 11 cities and 90
// counties, Guangdong 21 and 122, of which Dongguan and Zhongshan have none.
func TestCounts(t *testing.T) {
	for _, id := range []string{"cn-zj-gd-2020", "cn-zj-gd-2023"} {
		l := list(t, id)
		if n := len(l.Parts("")); n != 34 {
			t.Errorf("%s has %d provinces", id, n)
		}
		for province, want := range map[string][2]int{"33": {11, 90}, "44": {21, 122}, "11": {}} {
			cities := l.Parts(province)
			counties := 0
			for _, c := range cities {
				counties += len(l.Parts(c.Code))
			}
			if got := [2]int{len(cities), counties}; got != want {
				t.Errorf("%s: province %s has %v cities and counties, want %v", id, province, got, want)
			}
		}
		for _, city := range []string{"4419", "4420"} {
			if parts := l.Parts(city); len(parts) != 0 {
				t.Errorf("%s: %s has counties %v", id, city, codes(parts))
			}
		}
	}
}

// What tells the vintages apart: Hangzhou was divided anew in 2021.
func TestVintages(t *testing.T) {
	then, now := codes(list(t, "cn-zj-gd-2020").Parts("3301")), codes(list(t, "cn-zj-gd-2023").Parts("3301"))
	gone := slices.DeleteFunc(slices.Clone(then), func(c string) bool { return slices.Contains(now, c) })
	added := slices.DeleteFunc(slices.Clone(now), func(c string) bool { return slices.Contains(then, c) })
	if !cmp.Equal(gone, []string{"330103", "330104"}) || !cmp.Equal(added, []string{"330113", "330114"}) {
		t.Errorf("gone %v, added %v", gone, added)
	}
}

// A city of the census has the same code and name in the list of its vintage.
func TestAgreesWithCensus(t *testing.T) {
	f, err := os.Open("../census2020/cities.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	l := list(t, "cn-zj-gd-2020")
	for _, row := range rows[1:] {
		if d, ok := l.Get(geo.Short(row[0])); !ok || d.Name[surveys.ZH] != row[1] {
			t.Errorf("the census has %s %s, the list %v", row[0], row[1], d)
		}
	}
	if len(rows) != 1+2+32 {
		t.Errorf("%d rows in the census file", len(rows))
	}
}

// Every division has a name of its own in both languages among its neighbours, and an
// English name says what kind of division it is as the Chinese one does.
func TestNames(t *testing.T) {
	kinds := map[string]string{"自治县": " Autonomous County", "县": " County", "区": " District"}
	for _, l := range divisions.Lists() {
		var walk func(of string)
		walk = func(of string) {
			seen := map[string]bool{}
			for _, d := range l.Parts(of) {
				zh, en := d.Name[surveys.ZH], d.Name[surveys.EN]
				if seen[zh] || seen[en] || en == "" || strings.TrimSpace(en) != en {
					t.Errorf("%s %s: names %q and %q", l.ID, d.Code, zh, en)
				}
				seen[zh], seen[en] = true, true
				kind := ""
				for k, v := range kinds {
					if strings.HasSuffix(zh, k) && len(v) > len(kind) {
						kind = v
					}
				}
				if geo.LevelOf(d.Code) == geo.County && zh != "城区" && (!strings.HasSuffix(en, kind) || kind == "" && strings.Contains(en, " ")) {
					t.Errorf("%s %s: %s is called %q", l.ID, d.Code, zh, en)
				}
				walk(d.Code)
			}
		}
		walk("")
	}
}
