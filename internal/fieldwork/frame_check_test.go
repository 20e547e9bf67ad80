package fieldwork

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
)

func codeList(t *testing.T, id, src string) *geo.List {
	t.Helper()
	l, err := geo.Read(id, strings.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// vintageFrame is a frame of codes in a vintage.
func vintageFrame(t *testing.T, vintage string, codes ...string) *Frame {
	t.Helper()
	f := testFrame(t, []byte("code\n"+strings.Join(codes, "\n")+"\n"))
	f.Vintage = vintage
	return f
}

// Codes that the vintage does not have are faults, one for each division, with the way out.
func TestCheckCodes(t *testing.T) {
	rules := FrameRules{Lists: divisions.Lists()}
	own := FrameRules{Lists: rules.Lists, Own: []*geo.List{codeList(t, "office", "code,name_zh\n330106,西湖区\n330106002,北山街道\n330106002001,某社区\n")}}
	for _, c := range []struct {
		name, vintage string
		rules         FrameRules
		codes         []string
		want          []string
	}{
		{"as it should be", "2023", rules, []string{"330106002001", "441900003001", "330383001001", "110101001001"}, nil},
		{"a county of before", "2023", rules, []string{"330106002001", "330103001001", "330103001002", "330104001001"}, []string{
			"f: row 3 and 1 more, column code: 330103 is no part of 3301 杭州市 in cn-zj-gd-2023; cn-zj-gd-2020 has it as 下城区",
			"f: row 5, column code: 330104 is no part of 3301 杭州市"}},
		{"a county of later", "2020", rules, []string{"330113001001"}, []string{"cn-zj-gd-2023 has it as 临平区"}},
		{"all districts together", "2023", rules, []string{"330101001001"}, []string{"01 stands for all districts together (市辖区)"}},
		{"Dongguan with a county", "2023", rules, []string{"441901003001"}, []string{"4419 东莞市 has no counties"}},
		{"no such province", "2023", rules, []string{"990106002001"}, []string{"there is no province 99"}},
		{"no such city", "2023", rules, []string{"441000002001"}, []string{"4410 is no part of 44 广东省"}},
		{"a list of the office", "2023", own, []string{"330106002001", "330106002002", "330106003001"}, []string{
			"row 3, column code: 330106002002 is no part of 330106002 北山街道 in office", "row 4, column code: 330106003 is no part of 330106 西湖区 in office"}},
		{"a vintage that is not known", "1999", rules, []string{"330103001001"}, nil},
	} {
		f := vintageFrame(t, c.vintage, c.codes...)
		_, err := f.Check("f", c.rules)
		if (err != nil) != (len(c.want) > 0) || err != nil && !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: %v", c.name, err)
		}
		if n := strings.Count(fmt.Sprint(err), "f: row"); n != len(c.want) && c.want != nil {
			t.Errorf("%s: %d faults, want %d: %v", c.name, n, len(c.want), err)
		}
		for _, w := range c.want {
			if !strings.Contains(fmt.Sprint(err), w) {
				t.Errorf("%s: %v, want %q", c.name, err, w)
			}
		}
	}
	var many []string
	for c := range 30 {
		many = append(many, fmt.Sprintf("3301%02d001001", 40+c))
	}
	_, err := vintageFrame(t, "2023", many...).Check("f", rules)
	if n := strings.Count(fmt.Sprint(err), "f: row"); n != maxFaults || !strings.Contains(err.Error(), "f: and 10 further divisions") {
		t.Errorf("%d of 30 unknown counties are told: %v", n, err)
	}
}

// Everything else that is odd is a remark with its rows.
func TestCheckRemarks(t *testing.T) {
	f := testFrame(t, []byte(`code,name,class,households,adults,size
330106002001,北山,111,100,210,1
330106002002,北山,111,100,210,1
330106003001,北山,220,100,210,1
330106003002,a,,100,210,1
330106003003,b,urban,0,0,0
330106003004,c,urban,100,49,1
330106003005,d,urban,100,501,1
330106003006,e,urban,100,0,1
330106003007,f,urban,17,40,1
330106003008,g,urban,5001,9000,1
330106000000,h,urban,100,200,1
330371005001,i,urban,100,200,1
110101001001,j,urban,100,50,1
`))
	f.Vintage = "2023"
	all, err := f.Check("f", FrameRules{Lists: divisions.Lists(), Take: 18, Most: 5000})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]int{}
	for _, r := range all {
		if r.Count != len(r.Places) {
			t.Errorf("%s: %d places of %d", r.Kind, len(r.Places), r.Count)
		}
		for _, p := range r.Places {
			got[r.Kind] = append(got[r.Kind], p.Row)
		}
	}
	want := map[string][]int{
		RemarkSameName: {3}, RemarkNoClass: {5}, RemarkZero: {6, 6, 6, 9}, RemarkImplausible: {7, 8, 9},
		RemarkSmall: {6, 10}, RemarkLarge: {11}, RemarkHigher: {12}, RemarkZone: {13}, RemarkUnchecked: {14},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rows by kind, -want +got\n%s", d)
	}
	var file bytes.Buffer
	if err := WriteRemarks(&file, append(all, Remark{Kind: "whole", Text: "of all", Count: 1}, Remark{Kind: "many", Count: 5, Places: []Place{{7, "code", "x, y"}}})); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"same-name,3,name,北山 in row 2 also: 330106002002", "whole,,,of all", `many,7,code,"x, y"`, "many,,,and 4 further rows"} {
		if !strings.Contains(file.String(), line+"\n") {
			t.Errorf("the file of remarks lacks %s:\n%s", line, file.String())
		}
	}
	// Columns that the frame does not have are not zero.
	for _, src := range []string{"code\n330106002001\n", "code,adults\n330106002001,5\n"} {
		f := testFrame(t, []byte(src))
		if all, err := f.Check("f", FrameRules{Lists: divisions.Lists(), Take: 18, Most: 5000}); len(all) != 0 || err != nil {
			t.Errorf("%q: %v, %v", src, all, err)
		}
		if changes, left := f.Proposal(FrameRules{Take: 18}); len(changes)+len(left) != 0 {
			t.Errorf("%q: proposal %v, %v", src, changes, left)
		}
	}
	unknown := vintageFrame(t, "2021", "330106002001")
	if all, err := unknown.Check("f", FrameRules{Lists: divisions.Lists()}); err != nil || len(all) != 1 || all[0].Kind != RemarkUnchecked || !strings.Contains(all[0].Text, `"2021"`) {
		t.Errorf("a vintage without a list: %v, %v", all, err)
	}
}

func TestRemarksAreBounded(t *testing.T) {
	var r remarks
	for i := range MaxPlaces + 5 {
		r.at("k", "odd", i, "c", "x")
	}
	if len(r) != 1 || r[0].Count != MaxPlaces+5 || len(r[0].Places) != MaxPlaces {
		t.Errorf("%d remarks, count %d, %d places", len(r), r[0].Count, len(r[0].Places))
	}
}

// smallFrame has villages that are too small in three townships, not in the order of codes.
const smallFrame = `code,name,class,households,adults,size,路
330106002003,c,urban,4,8,1,x
330106002001,a,urban,30,60,2,x
330106002002,b,urban,5,11,3,y
330106002004,d,urban,9,20,4,x
330106003001,e,rural,3,6,1,
330106004001,f,urban,10,20,1,
330106004002,g,rural,10,20,1,
330106005001,h,urban,12000,20000,1,
`

// The smallest is merged first, with its smaller neighbour in the order of codes: c (4)
// with b (5), then both (9), which d (9) follows, into 18; a keeps to itself. Alone in their township and
// class, e, f and g stay too small; h is split in three parts of at most 5,000.
func TestProposal(t *testing.T) {
	f := testFrame(t, []byte(smallFrame))
	changes, left := f.Proposal(FrameRules{Take: 18, Most: 5000})
	var got []string
	for _, c := range changes {
		got = append(got, fmt.Sprintf("%s %s %s %d %d %d", c.Action, c.Name, c.Into, c.Parts, c.Households, c.Total))
	}
	want := []string{"merge b 330106002002 0 5 18", "merge c 330106002002 0 4 18", "merge d 330106002002 0 9 18", "split h  3 12000 4000"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +proposed\n%s", d)
	}
	if len(left) != 1 || left[0].Count != 3 || left[0].Kind != RemarkSmall {
		t.Errorf("what stays too small: %v", left)
	}
	var file bytes.Buffer
	if err := WriteChanges(&file, changes); err != nil {
		t.Fatal(err)
	}
	read, err := ReadChanges("p", bytes.NewReader(append([]byte("\ufeff"), file.Bytes()...)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Merge("p", read)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Units) != len(f.Units)-2 || len(f.Units) != 8 || f.has(ColumnMerged) {
		t.Fatalf("%d units are left of %d", len(m.Units), len(f.Units))
	}
	at := slices.IndexFunc(m.Units, func(u FrameUnit) bool { return u.Code == "330106002002" })
	wantUnit := FrameUnit{Code: "330106002002", Name: "b＋c＋d", Class: "urban", Households: 18, Adults: 39, Size: 8, Row: 4,
		Columns: map[string]string{"路": "y＋x", ColumnMerged: "330106002002 330106002003 330106002004"}}
	if d := cmp.Diff(wantUnit, m.Units[at]); d != "" {
		t.Errorf("-want +merged\n%s", d)
	}
	if d := cmp.Diff(total(f.Totals()), total(m.Totals())); d != "" {
		t.Errorf("merging changed the totals:\n%s", d)
	}
	if again, _ := m.Proposal(FrameRules{Take: 18, Most: 5000}); len(again) != 1 || again[0].Action != ActionSplit {
		t.Errorf("a merged frame has the proposal %v", again)
	}
}

// total is the totals without the number of units.
func total(all []FrameTotal) []FrameTotal {
	for i := range all {
		all[i].Units = 0
	}
	return all
}

// Whatever the sizes, a proposal that is applied leaves no unit too small that could have
// been merged, keeps the totals, and says of each unit at most one thing.
func TestProposalLeavesNothingSmall(t *testing.T) {
	f := testFrame(t, frameText(3, 4, 9))
	for take := range 90 {
		changes, left := f.Proposal(FrameRules{Take: take, Most: 60})
		m, err := f.Merge("p", changes)
		if err != nil {
			t.Fatalf("take %d: %v", take, err)
		}
		again, stuck := m.Proposal(FrameRules{Take: take, Most: 60})
		if slices.ContainsFunc(again, func(c Change) bool { return c.Action == ActionMerge }) {
			t.Errorf("take %d: there is more to merge after merging: %v", take, again)
		}
		if fmt.Sprint(places(left)) != fmt.Sprint(places(stuck)) {
			t.Errorf("take %d: %v was too small, then %v", take, places(left), places(stuck))
		}
		if d := cmp.Diff(total(f.Totals()), total(m.Totals())); d != "" {
			t.Errorf("take %d: merging changed the totals:\n%s", take, d)
		}
	}
}

func places(all []Remark) (rows []int) {
	for _, r := range all {
		for _, p := range r.Places {
			rows = append(rows, p.Row)
		}
	}
	return rows
}

func TestMergeFaults(t *testing.T) {
	f := testFrame(t, []byte(smallFrame))
	const head = "action,code,into\n"
	for _, c := range []struct{ name, file, want string }{
		{"nothing", "", "p: cannot read the header"},
		{"no column into", "action,code\n", "p:1: the column into is needed"},
		{"no action", head + "join,330106002001,330106002001\n", `p: row 2, column action: "join" is neither merge nor split`},
		{"no code", head + "merge,3301,330106002001\n", `p: row 2, column code: "3301" is not a code of 12 digits`},
		{"nothing to merge into", head + "merge,330106002001,\n", "p: row 2, column into: the code is blank"},
		{"code twice", head + "merge,330106002001,330106002001\nmerge,330106002001,330106002001\n", "p: row 3, column code: 330106002001 stands in row 2 already"},
		{"unknown unit", head + "merge,330106002001,330106002001\nmerge,330106002099,330106002001\n", "p: row 3, column code: the frame has no unit 330106002099"},
		{"alone", head + "merge,330106002001,330106002001\n", "p: row 2, column into: no other unit is merged into 330106002001"},
		{"not into the lowest", head + "merge,330106002001,330106002002\nmerge,330106002002,330106002002\n", "p: row 2, column into: 330106002002 is not the lowest"},
		{"another township", head + "merge,330106002001,330106002001\nmerge,330106004001,330106002001\n", "p: row 3, column into: 330106002001 and 330106004001 are of another township or class"},
		{"another class", head + "merge,330106004001,330106004001\nmerge,330106004002,330106004001\n", "of another township or class"},
		{"short row", head + "merge\n", "wrong number of fields"},
	} {
		changes, err := ReadChanges("p", strings.NewReader(c.file))
		if err == nil {
			_, err = f.Merge("p", changes)
		}
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.want)
		}
	}
}

// A frame of 2020 is brought to 2023: villages of Jianggan get the numbers that they have in
// Shangcheng and Qiantang. What cannot be decided is told, and a further crosswalk decides.
func TestMoveFrame(t *testing.T) {
	walk := divisions.Crosswalks()[0]
	f := vintageFrame(t, "2020", "330104006051", "330106002001", "330104010002")
	m, undecided, err := f.Move("f", walk)
	if err != nil || len(undecided) != 0 || m.Vintage != "2023" || f.Vintage != "2020" {
		t.Fatalf("%v, %v", undecided, err)
	}
	if got := []string{m.Units[0].Code, m.Units[1].Code, m.Units[2].Code[:9]}; !cmp.Equal(got, []string{"330102012001", "330106002001", "330114001"}) {
		t.Errorf("the codes are %v", got)
	}
	if _, err := m.Check("f", FrameRules{Lists: divisions.Lists()}); err != nil {
		t.Errorf("the frame does not fit its new vintage: %v", err)
	}
	f = vintageFrame(t, "2020", "330106002001", "330104007069", "330104099001")
	_, undecided, err = f.Move("f", walk)
	if len(undecided) != 2 || !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), "f: row 3, column code: the crosswalk from 2020 to 2023 does not say what became of 330104007069: 330104007 became 330102013, with new numbers below it") ||
		!strings.Contains(err.Error(), "row 4, column code: the crosswalk from 2020 to 2023 does not say what became of 330104099001: 330104 became 330102 and 330114") {
		t.Fatalf("%v, %v", undecided, err)
	}
	var file bytes.Buffer
	if err := WriteUndecided(&file, undecided); err != nil {
		t.Fatal(err)
	}
	if _, err := geo.ReadCrosswalk("2020", "2023", bytes.NewReader(file.Bytes())); err == nil {
		t.Error("a crosswalk with a blank column was read")
	}
	filled := strings.NewReplacer("330104007069,,", "330104007069,330102013099,", "330104099001,,", "330104099001,330106002001,").Replace(file.String())
	own, err := geo.ReadCrosswalk("2020", "2023", strings.NewReader(filled))
	if err != nil {
		t.Fatalf("%v in\n%s", err, filled)
	}
	if _, _, err = f.Move("f", walk.With(own)); err == nil || !strings.Contains(err.Error(), "f: row 4, column code: 330104099001 and 330106002001 of row 2 would both be 330106002001 in 2023") {
		t.Errorf("two units of one code: %v", err)
	}
	if _, _, err := vintageFrame(t, "2018", "330106002001").Move("f", walk); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a frame of another vintage: %v", err)
	}
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf("330104099%03d", i+1))
	}
	if _, undecided, err = vintageFrame(t, "2020", many...).Move("f", walk); len(undecided) != 30 || strings.Count(err.Error(), "f: row") != maxFaults || !strings.Contains(err.Error(), "and further rows") {
		t.Errorf("%d undecided: %v", len(undecided), err)
	}
}

// The manual names every column with its other names, and every kind of remark.
func TestManualOfFrames(t *testing.T) {
	b, err := os.ReadFile("../../web/docs/reference/frame.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(b)
	for _, c := range frameColumns {
		if row := fmt.Sprintf("| `%s` | %s", c.name, strings.Join(c.other, ", ")); !strings.Contains(manual, row) {
			t.Errorf("the manual lacks the row %s", row)
		}
	}
	for _, kind := range []string{RemarkEncoding, RemarkUnchecked, RemarkZone, RemarkHigher, RemarkSameName, RemarkNoClass, RemarkZero, RemarkImplausible, RemarkSmall, RemarkLarge} {
		if !strings.Contains(manual, "| `"+kind+"` |") {
			t.Errorf("the manual does not explain the remark %s", kind)
		}
	}
}
