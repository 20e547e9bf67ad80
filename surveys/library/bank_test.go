package library_test

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// banked is an item of a bank as it stands in the file.
type banked struct {
	ID        string
	Type      surveys.ItemType
	Text      surveys.Text
	Options   options
	Required  bool
	Key       []string
	Dimension string
	Figure    struct {
		File string
		Alt  surveys.Text
	}
	Tags struct {
		Benchmark  []int
		Subject    string
		Difficulty float64
	}
	Provenance struct {
		Wording, Fact, Licence, Comparable string
		Exposure                           []string
	}
	Enemies []string
}

// options are written out, or named after a list.
type options struct {
	List string
	Own  []surveys.Option
}

func (o *options) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&o.List)
	}
	return n.Decode(&o.Own)
}

// readBank decodes a bank and resolves its option lists.
func readBank(t *testing.T, id string) []banked {
	t.Helper()
	src, err := fs.ReadFile(library.FS, id+"/bank.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var b struct {
		Languages   []surveys.Lang
		OptionLists map[string][]surveys.Option `yaml:"option_lists"`
		Items       []banked
	}
	dec := yaml.NewDecoder(strings.NewReader(string(src)))
	dec.KnownFields(true)
	if err := dec.Decode(&b); err != nil {
		t.Fatal(err)
	}
	if want := []surveys.Lang{surveys.ZH, surveys.EN}; !cmp.Equal(b.Languages, want) {
		t.Errorf("languages %v, want %v", b.Languages, want)
	}
	for i, it := range b.Items {
		if it.Options.List != "" {
			b.Items[i].Options.Own = b.OptionLists[it.Options.List]
		}
	}
	return b.Items
}

// The purpose of the bank: at least 60, 20, 20 and 20 items.
func TestBankHasEnoughItems(t *testing.T) {
	count := map[string]int{}
	for _, it := range readBank(t, "civic-literacy") {
		count[it.Dimension]++
	}
	if len(count) != 4 {
		t.Errorf("dimensions %v, want four", count)
	}
	for dimension, least := range map[string]int{"knowledge": 60, "method": 20, "spirit": 20, "application": 20} {
		if count[dimension] < least {
			t.Errorf("%s has %d items, want at least %d", dimension, count[dimension], least)
		}
	}
}

// Whoever marks everything true, or always a, must gain nothing: within a dimension true
// and false differ by a tenth at most, and so do a, b, c and d.
func TestBankKeysAreBalanced(t *testing.T) {
	keys := map[string]map[string]int{}
	for _, it := range readBank(t, "civic-literacy") {
		kind := it.Dimension + ", choice"
		codes := []string{"a", "b", "c", "d"}
		if it.Options.List == "truth" {
			kind, codes = it.Dimension+", truth", []string{"1", "2"}
		}
		if keys[kind] == nil {
			keys[kind] = map[string]int{}
			for _, c := range codes {
				keys[kind][c] = 0
			}
		}
		if len(it.Key) != 1 || !slices.Contains(codes, it.Key[0]) {
			t.Errorf("%s: key %v, want one of %v", it.ID, it.Key, codes)
			continue
		}
		keys[kind][it.Key[0]]++
	}
	for kind, count := range keys {
		n := slices.Collect(maps.Values(count))
		total := 0
		for _, k := range n {
			total += k
		}
		if slices.Max(n)-slices.Min(n) > total/10 {
			t.Errorf("%s: keys %v are not balanced", kind, count)
		}
	}
}

// The headings of the benchmarks run from 1 to 26. Every one is measured by two items at
// least; none had to be left out.
func TestBankCoversEveryBenchmark(t *testing.T) {
	count := map[int]int{}
	for _, it := range readBank(t, "civic-literacy") {
		if len(it.Tags.Benchmark) == 0 {
			t.Errorf("%s belongs to no benchmark", it.ID)
		}
		for _, b := range it.Tags.Benchmark {
			if b < 1 || b > 26 {
				t.Errorf("%s: benchmark %d, want 1 to 26", it.ID, b)
			}
			count[b]++
		}
	}
	for b := 1; b <= 26; b++ {
		if count[b] < 2 {
			t.Errorf("benchmark %d has %d items, want at least 2", b, count[b])
		}
	}
}

// A booklet needs easy and hard items of each dimension.
func TestBankDifficultiesAreSpread(t *testing.T) {
	hard, easy := map[string]int{}, map[string]int{}
	for _, it := range readBank(t, "civic-literacy") {
		switch d := it.Tags.Difficulty; {
		case d < 0.25 || d > 0.9:
			t.Errorf("%s: difficulty %v, want 0.25 to 0.9", it.ID, d)
		case d <= 0.6:
			hard[it.Dimension]++
		case d >= 0.75:
			easy[it.Dimension]++
		}
	}
	for dimension, n := range hard {
		if n < 3 || easy[dimension] < 3 {
			t.Errorf("%s: %d hard and %d easy items, want 3 of each", dimension, n, easy[dimension])
		}
	}
	if len(hard) != 4 {
		t.Errorf("hard items in %v, want all four dimensions", hard)
	}
}

// What holds for the items of both banks, each for itself.
func TestBanksAreComplete(t *testing.T) {
	for _, id := range []string{"civic-literacy", "trend-pack"} {
		t.Run(id, func(t *testing.T) {
			items := readBank(t, id)
			ids := map[string]bool{}
			for _, it := range items {
				if ids[it.ID] {
					t.Errorf("%s is there twice", it.ID)
				}
				ids[it.ID] = true
			}
			texts := map[string]string{}
			for _, it := range items {
				written := map[string]surveys.Text{"text": it.Text}
				if it.Figure.File != "" {
					written["alt"] = it.Figure.Alt
					if _, err := fs.Stat(library.FS, id+"/"+it.Figure.File); err != nil {
						t.Errorf("%s: %v", it.ID, err)
					}
				}
				codes := []string{}
				for _, o := range it.Options.Own {
					codes = append(codes, o.Code)
					written["option "+o.Code] = o.Text
				}
				for what, text := range written {
					for _, l := range []surveys.Lang{surveys.ZH, surveys.EN} {
						if strings.TrimSpace(text[l]) == "" {
							t.Errorf("%s: %s is missing in %s", it.ID, what, l)
						}
					}
				}
				for l, s := range it.Text {
					if first := texts[string(l)+s]; first != "" {
						t.Errorf("%s asks the same as %s", it.ID, first)
					}
					texts[string(l)+s] = it.ID
				}
				if it.Type != surveys.Single || !it.Required || it.Dimension == "" {
					t.Errorf("%s: type %s, required %v, dimension %q; want a required single item that is scored", it.ID, it.Type, it.Required, it.Dimension)
				}
				if len(codes) < 3 || codes[len(codes)-1] != surveys.DontKnow {
					t.Errorf("%s: options %v, want “don't know” as the last", it.ID, codes)
				}
				for _, k := range it.Key {
					if !slices.Contains(codes, k) {
						t.Errorf("%s: the key %q is no option", it.ID, k)
					}
				}
				p := it.Provenance
				if p.Wording == "" || p.Fact == "" || p.Licence == "" || it.Tags.Subject == "" {
					t.Errorf("%s: provenance %+v, subject %q; want all of them", it.ID, p, it.Tags.Subject)
				}
				if own := id == "civic-literacy"; own != (p.Wording == "own") || own != (p.Licence == "Apache-2.0") {
					t.Errorf("%s: wording %q under %q does not belong into %s", it.ID, p.Wording, p.Licence, id)
				}
				for _, e := range it.Enemies {
					i := slices.IndexFunc(items, func(o banked) bool { return o.ID == e })
					if i < 0 || e == it.ID || !slices.Contains(items[i].Enemies, it.ID) {
						t.Errorf("%s: enemy %q is no other item that names it in turn", it.ID, e)
					}
				}
			}
		})
	}
}

// Wording that is not ours stays in the pack that says whose it is.
func TestTrendWordingIsNotInTheBank(t *testing.T) {
	trend := map[string]string{}
	for _, it := range readBank(t, "trend-pack") {
		for _, s := range it.Text {
			trend[s] = it.ID
		}
		if it.Provenance.Comparable == "" {
			t.Errorf("%s does not say what it can be compared with", it.ID)
		}
	}
	for _, it := range readBank(t, "civic-literacy") {
		for _, s := range it.Text {
			if id := trend[s]; id != "" {
				t.Errorf("%s has the words of %s: %q", it.ID, id, s)
			}
		}
	}
}

// Stored responses refer to the items of the questionnaire: in the bank they have the
// same texts, options and keys.
func TestBankHoldsTheItemsOfTheQuestionnaire(t *testing.T) {
	bank := map[string]string{}
	for _, it := range readBank(t, "civic-literacy") {
		bank[it.ID] = fmt.Sprint(it.Text, it.Options.Own, it.Key, it.Dimension, it.Figure.Alt)
	}
	n := 0
	for it := range read(t, "civic-literacy").Items {
		if it.Dimension == "" {
			continue
		}
		n++
		var alt surveys.Text
		if it.Figure != nil {
			alt = it.Figure.Alt
		}
		if got, want := bank[it.ID], fmt.Sprint(it.Text, it.Options, it.Key, it.Dimension, alt); got != want {
			t.Errorf("%s in the bank:\n%s\nin the questionnaire:\n%s", it.ID, got, want)
		}
	}
	if n != 50 {
		t.Errorf("%d scored items in the questionnaire, want 50", n)
	}
}
