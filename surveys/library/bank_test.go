package library_test

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
	"github.com/suyang-survey/suyang/surveys/library"
)

// readBank reads a bank with all the checks of package bank: keys, tags, provenance,
// both languages, no two items alike.
func readBank(t *testing.T, id string) *bank.Bank {
	t.Helper()
	folder, err := fs.Sub(library.FS, id)
	if err != nil {
		t.Fatal(err)
	}
	src, err := fs.ReadFile(folder, bank.BankFile)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bank.Read(id+"/bank.yaml", src, folder)
	if err != nil {
		t.Fatal(err)
	}
	if want := []surveys.Lang{surveys.ZH, surveys.EN}; !cmp.Equal(b.Languages, want) {
		t.Errorf("languages %v, want %v", b.Languages, want)
	}
	return b
}

// The purpose of the bank: at least 60, 20, 20 and 20 items.
func TestBankHasEnoughItems(t *testing.T) {
	count := map[string]int{}
	for _, it := range readBank(t, "civic-literacy").Items {
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
	for _, it := range readBank(t, "civic-literacy").Items {
		kind := it.Dimension + ", choice"
		codes := []string{"a", "b", "c", "d"}
		if len(it.Options) == 3 {
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
	for _, it := range readBank(t, "civic-literacy").Items {
		for _, b := range it.Tags.Benchmark {
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
	for _, it := range readBank(t, "civic-literacy").Items {
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
			b := readBank(t, id)
			for _, it := range b.Items {
				codes := []string{}
				for _, o := range it.Options {
					codes = append(codes, o.Code)
				}
				if it.Type != surveys.Single || !it.Required || it.Dimension == "" {
					t.Errorf("%s: type %s, required %v, dimension %q; want a required single item that is scored", it.ID, it.Type, it.Required, it.Dimension)
				}
				if len(codes) < 3 || codes[len(codes)-1] != surveys.DontKnow {
					t.Errorf("%s: options %v, want “don't know” as the last", it.ID, codes)
				}
				p := it.Provenance
				if own := id == "civic-literacy"; own != (p.Wording == "own") || own != (p.Licence == "Apache-2.0") {
					t.Errorf("%s: wording %q under %q does not belong into %s", it.ID, p.Wording, p.Licence, id)
				}
				for _, e := range it.Enemies {
					if !slices.Contains(b.Item(e).Enemies, it.ID) {
						t.Errorf("%s: its enemy %q does not name it in turn", it.ID, e)
					}
				}
			}
		})
	}
}

// Wording that is not ours stays in the pack that says whose it is.
func TestTrendWordingIsNotInTheBank(t *testing.T) {
	trend := map[string]string{}
	for _, it := range readBank(t, "trend-pack").Items {
		for _, s := range it.Text {
			trend[s] = it.ID
		}
		if it.Provenance.Comparable == "" {
			t.Errorf("%s does not say what it can be compared with", it.ID)
		}
	}
	for _, it := range readBank(t, "civic-literacy").Items {
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
	banked := map[string]string{}
	for _, it := range readBank(t, "civic-literacy").Items {
		banked[it.ID] = wording(&it.Item)
	}
	n := 0
	for it := range read(t, "civic-literacy").Items {
		if it.Dimension == "" {
			continue
		}
		n++
		if got, want := banked[it.ID], wording(it); got != want {
			t.Errorf("%s in the bank:\n%s\nin the questionnaire:\n%s", it.ID, got, want)
		}
	}
	if n != 50 {
		t.Errorf("%d scored items in the questionnaire, want 50", n)
	}
}

// wording is what a person is asked, and what is right.
func wording(it *surveys.Item) string {
	figure := surveys.Figure{}
	if it.Figure != nil {
		figure = *it.Figure
	}
	return fmt.Sprint(it.Text, it.Options, it.Key, it.Dimension, figure)
}

// The blueprints that come with the bank can be met, and every booklet has what they ask
// for: 50 items, 20, 10, 10 and 10 of the dimensions, and each of the 26 benchmarks.
func TestBlueprintsOfTheLibrary(t *testing.T) {
	for name, booklets := range map[string]int{"blueprint.yaml": 1, "blueprint-rotating.yaml": 7} {
		t.Run(name, func(t *testing.T) {
			b := readBank(t, "civic-literacy")
			src, err := fs.ReadFile(library.FS, "civic-literacy/"+name)
			if err != nil {
				t.Fatal(err)
			}
			p, err := bank.ReadBlueprint(name, src, b)
			if err != nil {
				t.Fatal(err)
			}
			set, err := bank.Assemble(b, p)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(set.Design.Booklets); n != booklets || !set.Design.Balanced() {
				t.Errorf("%d booklets, balanced %v; want %d, balanced", n, set.Design.Balanced(), booklets)
			}
			for k := range booklets {
				count, benchmarks := map[string]int{}, map[int]bool{}
				for _, id := range set.Booklet(k) {
					it := b.Item(id)
					count[it.Dimension]++
					for _, n := range it.Tags.Benchmark {
						benchmarks[n] = true
					}
				}
				if d := cmp.Diff(map[string]int{"knowledge": 20, "method": 10, "spirit": 10, "application": 10}, count); d != "" {
					t.Errorf("booklet %s (-want +got):\n%s", bank.BookletID(k), d)
				}
				if len(benchmarks) != bank.Benchmarks {
					t.Errorf("booklet %s covers %d benchmarks, want all %d", bank.BookletID(k), len(benchmarks), bank.Benchmarks)
				}
			}
		})
	}
}
