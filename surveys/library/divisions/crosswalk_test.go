package divisions_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
)

func crosswalk(t *testing.T) *geo.Crosswalk {
	t.Helper()
	for _, c := range divisions.Crosswalks() {
		if c.From == "2020" && c.To == "2023" {
			return c
		}
	}
	t.Fatal("no crosswalk from 2020 to 2023")
	return nil
}

// Every row leads from a county of the old list, or a zone that no list of counties has, to
// one of the new list, and what Hangzhou lost and got is all there.
func TestCrosswalkAgreesWithLists(t *testing.T) {
	f, err := os.Open("crosswalks/2020-2023.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	then, now, c := list(t, "cn-zj-gd-2020"), list(t, "cn-zj-gd-2023"), crosswalk(t)
	used, renumbered, targets := map[string]bool{}, 0, map[string]string{}
	for _, r := range rows[1:] {
		from, to := r[0], r[1]
		if _, ok := then.Get(from[:6]); !ok && !geo.Zone(from) {
			t.Errorf("%s lies in no county of 2020", from)
		}
		if _, ok := now.Get(to[:6]); !ok {
			t.Errorf("%s lies in no county of 2023", to)
		}
		used[from[:6]], used[to[:6]] = true, true
		if len(from) == 9 && from != to {
			renumbered++
		}
		if len(from) < 9 {
			continue
		}
		if other, twice := targets[to]; twice {
			t.Errorf("%s and %s both become %s", from, other, to)
		}
		targets[to] = from
		if got, err := c.Move(from); got != to {
			t.Errorf("Move(%s) = %s, %v, want %s", from, got, err, to)
		}
	}
	for _, county := range []string{"330103", "330104", "330113", "330114"} {
		if !used[county] {
			t.Errorf("no row for %s", county)
		}
	}
	// 31 townships of Hangzhou and four of the zone in Wenzhou have a new code.
	if renumbered != 35 {
		t.Errorf("%d townships have a new code, want 35", renumbered)
	}
}

// What was decided in 2021 about Hangzhou, in streets: Shangcheng took
// Jianggan without Xiasha and Baiyang, which went to Qiantang together with five streets of
// Xiaoshan; Gongshu took Xiacheng; Linping was taken out of Yuhang. The numbers are those of
// the statistics.
func TestHangzhou2021(t *testing.T) {
	c := crosswalk(t)
	for _, m := range []struct{ name, code, to string }{
		{"采荷街道, Jianggan", "330104006", "330102012"},
		{"下沙街道, Jianggan", "330104010", "330114001"},
		{"白杨街道, Jianggan", "330104009", "330114002"},
		{"义蓬街道, Xiaoshan", "330109007", "330114004"},
		{"城厢街道, Xiaoshan", "330109001", "330109001"},
		{"天水街道, Xiacheng", "330103003", "330105012"},
		{"临平街道, Yuhang", "330110001", "330113001"},
		{"五常街道, Yuhang", "330110005", "330110005"},
		{"海城街道, the zone of Wenzhou", "330371005", "330303012"},
		{"a village of Xihu", "330106002001", "330106002001"},
	} {
		if got, err := c.Move(m.code); got != m.to {
			t.Errorf("%s: Move(%s) = %s, %v, want %s", m.name, m.code, got, err, m.to)
		}
	}
	for _, code := range []string{"330104", "330110", "330104007069", "330104099001"} {
		if got, err := c.Move(code); err == nil {
			t.Errorf("Move(%s) = %s, though that cannot be decided", code, got)
		}
	}
}

// The cooperation zone of Shenshan has the codes of four towns in Haifeng, Shanwei. The
// communiqué of the census counts its 65,663 people with Shenzhen, the yearbook with
// Shanwei; lists and margins here are on the side of the codes and the yearbook.
func TestShenshan(t *testing.T) {
	for _, id := range []string{"cn-zj-gd-2020", "cn-zj-gd-2023"} {
		if in, _, err := list(t, id).Place("441521103001"); in != "441521" || err != nil {
			t.Errorf("%s: 鹅埠镇 lies in %s, %v", id, in, err)
		}
	}
	src, err := os.ReadFile("../census2020/cities.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"440300,深圳市,17494398,", "441500,汕尾市,2738482,"} { // 17,560,061 − 65,663; 2,672,819 + 65,663
		if !strings.Contains(string(src), row) {
			t.Errorf("the census file does not have %s", row)
		}
	}
}

// Codes that are traps, each in both vintages.
func TestPlaceInVintages(t *testing.T) {
	for _, c := range []struct{ name, code, then, now string }{
		{"Xiacheng", "330103001001", "", "330103 is no part of 3301 杭州市"},
		{"Linping", "330113001001", "330113 is no part of 3301 杭州市", ""},
		{"Longgang", "330383001001", "", ""},
		{"all districts together", "330101001001", "330101 is no part", "330101 is no part"},
		{"Dongguan", "441900003001", "", ""},
		{"Dongguan with a county", "441901003001", "begin with 441900", "begin with 441900"},
		{"Zhongshan", "442000001001", "", ""},
		{"a city number that is not used", "441000001001", "4410 is no part of 44 广东省", "4410 is no part of 44 广东省"},
		{"no province", "320000", "", ""},
	} {
		for id, want := range map[string]string{"cn-zj-gd-2020": c.then, "cn-zj-gd-2023": c.now} {
			_, _, err := list(t, id).Place(geo.Short(c.code))
			text := ""
			if err != nil {
				text = strings.TrimPrefix(err.Error(), surveys.ErrNotFound.Error())
			}
			if (want == "") != (text == "") || !strings.Contains(text, want) {
				t.Errorf("%s in %s: %v, want %q", c.name, id, err, want)
			}
		}
	}
}
