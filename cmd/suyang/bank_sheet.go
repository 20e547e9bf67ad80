package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
	"github.com/suyang-survey/suyang/web"
)

// bankSheet is what “suyang bank check” prints.
type bankSheet struct {
	bytes.Buffer
	words map[string]string
	b     *bank.Bank
	p     *bank.Blueprint
	set   *bank.Set // nil when the blueprint cannot be met
}

func newBankSheet(lang surveys.Lang, b *bank.Bank, p *bank.Blueprint, set *bank.Set) *bankSheet {
	s := &bankSheet{b: b, p: p, set: set}
	name := "text/bank." + string(lang) + ".json"
	src, err := web.BankText.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(src, &s.words)
	}
	if err != nil {
		panic("bank: " + name + ": " + err.Error())
	}
	return s
}

// say returns the text of a key with its blanks filled in.
func (s *bankSheet) say(key string, pairs ...string) string {
	text, ok := s.words[key]
	if !ok {
		panic("bank: no words for " + key)
	}
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// write shows what the bank holds and, where there is a set, what was drawn.
func (s *bankSheet) write(name string) {
	fmt.Fprintf(s, "%s\n", s.say("title", "bank", name, "n", strconv.Itoa(len(s.b.Items))))
	s.dimensions()
	numbers := make([]string, bank.Benchmarks)
	for n := range numbers {
		numbers[n] = strconv.Itoa(n + 1)
	}
	s.crossed("benchmark", numbers, func(it *bank.Item) (rows []string) {
		for _, n := range it.Tags.Benchmark {
			rows = append(rows, strconv.Itoa(n))
		}
		return rows
	})
	s.crossed("subject", present(s.b, bank.Subjects, func(it *bank.Item) string { return it.Tags.Subject }),
		func(it *bank.Item) []string { return []string{it.Tags.Subject} })
	s.crossed("band", bands, func(it *bank.Item) []string { return []string{band(it.Tags.Difficulty)} })
	most := 0
	for i := range s.b.Items {
		most = max(most, len(s.b.Items[i].Provenance.Exposure))
	}
	var waves []string
	for n := range most + 1 {
		waves = append(waves, strconv.Itoa(n))
	}
	s.crossed("exposure", waves, func(it *bank.Item) []string { return []string{strconv.Itoa(len(it.Provenance.Exposure))} })
}

// present keeps the values that some item has.
func present(b *bank.Bank, values []string, of func(*bank.Item) string) (out []string) {
	for _, v := range values {
		for i := range b.Items {
			if of(&b.Items[i]) == v {
				out = append(out, v)
				break
			}
		}
	}
	return out
}

// bands are the fifths of difficulty, each with its lower end.
var bands = []string{"0.0–0.2", "0.2–0.4", "0.4–0.6", "0.6–0.8", "0.8–1.0"}

func band(difficulty float64) string { return bands[min(int(difficulty*5+1e-9), 4)] }

// dimensions shows what there is of each dimension and what the blueprint asks for.
func (s *bankSheet) dimensions() {
	rows := [][]string{{s.say("dimension"), s.say("items"), s.say("usable"), s.say("wanted"), s.say("needed"), s.say("keys"), s.say("difficulty")}}
	for _, d := range s.b.Dimensions() {
		var items []*bank.Item
		usable := 0
		for i := range s.b.Items {
			if it := &s.b.Items[i]; it.Dimension == d {
				items = append(items, it)
				if s.p.Usable(it) {
					usable++
				}
			}
		}
		wanted, needed := s.p.Wanted(s.b, d)
		rows = append(rows, []string{d, strconv.Itoa(len(items)), strconv.Itoa(usable), strconv.Itoa(wanted), strconv.Itoa(needed), keys(items), difficulty(items)})
	}
	s.table(s.say("head.dimensions"), rows)
}

// keys counts the right options, as in “1: 10, 2: 9”.
func keys(items []*bank.Item) string {
	counts := map[string]int{}
	for _, it := range items {
		counts[strings.Join(it.Key, "+")]++
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s: %d", k, counts[k]))
	}
	return strings.Join(parts, ", ")
}

// difficulty is the mean difficulty and its range.
func difficulty(items []*bank.Item) string {
	sum, least, most := 0.0, 1.0, 0.0
	for _, it := range items {
		d := it.Tags.Difficulty
		sum, least, most = sum+d, min(least, d), max(most, d)
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", sum/float64(len(items)), least, most)
}

// crossed counts items by dimension and by the rows that they belong to.
func (s *bankSheet) crossed(key string, values []string, of func(*bank.Item) []string) {
	drawn := map[string]bool{}
	if s.set != nil {
		for _, id := range s.set.Items() {
			drawn[id] = true
		}
	}
	dimensions := s.b.Dimensions()
	rows := [][]string{slices.Concat([]string{s.say(key)}, dimensions, []string{s.say("all")})}
	for _, v := range values {
		counts, taken := make([]int, len(dimensions)+1), make([]int, len(dimensions)+1)
		for i := range s.b.Items {
			it := &s.b.Items[i]
			if !slices.Contains(of(it), v) {
				continue
			}
			for _, col := range []int{slices.Index(dimensions, it.Dimension), len(dimensions)} {
				counts[col]++
				if drawn[it.ID] {
					taken[col]++
				}
			}
		}
		row := []string{v}
		for col, n := range counts {
			cell := strconv.Itoa(n)
			if s.set != nil {
				cell += "/" + strconv.Itoa(taken[col])
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	head := s.say("head." + key)
	if s.set != nil {
		head += s.say("drawn")
	}
	s.table(head, rows)
}

// met shows the booklets, and the questionnaire completed with them when one is named.
func (s *bankSheet) met(questionnaire string) error {
	d := s.set.Design
	rows := [][]string{slices.Concat([]string{s.say("booklet"), s.say("share"), s.say("clusters")}, s.b.Dimensions(), []string{s.say("keys"), s.say("difficulty")})}
	for k, clusters := range d.Booklets {
		var items []*bank.Item
		counts := map[string]int{}
		for _, id := range s.set.Booklet(k) {
			it := s.b.Item(id)
			items = append(items, it)
			counts[it.Dimension]++
		}
		row := []string{bank.BookletID(k), fmt.Sprintf("%.4f", 1/float64(len(d.Booklets))), joined(clusters)}
		for _, dimension := range s.b.Dimensions() {
			row = append(row, strconv.Itoa(counts[dimension]))
		}
		rows = append(rows, append(row, keys(items), difficulty(items)))
	}
	s.table(s.say("head.booklets"), rows)
	fmt.Fprintln(s)
	if s.p.Kind == bank.BIB {
		least, most, usedLeast, usedMost := d.PairCounts()
		verdict := "unbalanced"
		if d.Balanced() {
			verdict = "balanced"
		}
		fmt.Fprintln(s, s.say("design", "clusters", strconv.Itoa(d.Clusters), "booklets", strconv.Itoa(len(d.Booklets)),
			"used", span(strconv.Itoa(usedLeast), strconv.Itoa(usedMost)), "pairs", span(strconv.Itoa(least), strconv.Itoa(most)), "verdict", s.say(verdict)))
	}
	if len(s.set.Linking) > 0 {
		fmt.Fprintln(s, s.say("linking", "items", strings.Join(s.set.Linking, s.say("comma"))))
	}
	if len(d.Booklets) > 1 {
		s.inclusion()
	}
	if questionnaire != "" {
		q, err := completedFrom(questionnaire, s.set)
		if err != nil {
			return err
		}
		n := 0
		for range q.Items {
			n++
		}
		fmt.Fprintln(s, s.say("questionnaire", "id", q.ID, "sections", strconv.Itoa(len(q.Sections)), "items", strconv.Itoa(n), "version", q.Version()))
	}
	fmt.Fprintln(s, s.say("met"))
	return nil
}

// inclusion says how many people are asked an item, and which pairs are asked together.
func (s *bankSheet) inclusion() {
	items := s.set.Items()
	place := map[string]int{}
	for i, id := range items {
		place[id] = i
	}
	asked, together := make([]int, len(items)), map[[2]int]bool{}
	for k := range s.set.Design.Booklets {
		ids := s.set.Booklet(k)
		for i, id := range ids {
			asked[place[id]]++
			for _, other := range ids[:i] {
				together[[2]int{place[other], place[id]}] = true
			}
		}
	}
	least, most := math.Inf(1), 0.0
	for i, id := range items {
		if !slices.Contains(s.set.Linking, id) {
			share := float64(asked[i]) / float64(len(s.set.Design.Booklets))
			least, most = min(least, share), max(most, share)
		}
	}
	fmt.Fprintln(s, s.say("inclusion", "share", span(fmt.Sprintf("%.3f", least), fmt.Sprintf("%.3f", most))))
	fmt.Fprintln(s, s.say("pairs", "together", strconv.Itoa(len(together)), "all", strconv.Itoa(len(items)*(len(items)-1)/2)))
}

// span is a range, or one number when both ends are the same.
func span(least, most string) string {
	if least == most {
		return least
	}
	return least + "–" + most
}

func joined(clusters []int) string {
	names := make([]string, len(clusters))
	for i, c := range clusters {
		names[i] = strconv.Itoa(c + 1)
	}
	return strings.Join(names, " ")
}

// unmet says what cannot be met.
func (s *bankSheet) unmet(u bank.Unmet) {
	fmt.Fprintf(s, "\n%s\n", s.say("unmet"))
	for _, short := range u {
		used := ""
		if short.Used > 0 {
			used = s.say("used", "n", strconv.Itoa(short.Used))
		}
		key, about := "short."+string(short.Code), short.Dimension
		switch {
		case len(short.Rules) > 0:
			var rules []string
			for _, r := range short.Rules {
				rules = append(rules, s.rule(r))
			}
			about = strings.Join(rules, s.say("semicolon"))
		case len(short.Items) > 0:
			about = strings.Join(short.Items, s.say("comma"))
			if short.Code == bank.ShortNotFound {
				key += ".enemies"
			}
		case short.Code == bank.ShortEasy || short.Code == bank.ShortHard || short.Code == bank.ShortNotFound:
			about = s.say("mean.all")
			if short.Dimension != "" {
				about = s.say("mean.dimension", "x", short.Dimension)
			}
			if short.Code == bank.ShortNotFound {
				key += ".mean"
			}
		}
		number := func(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
		fmt.Fprintln(s, "  - "+s.say(key, "about", about, "needs", number(short.Needs), "has", number(short.Has), "used", used, "booklet", short.Booklet))
	}
}

// rule words a rule.
func (s *bankSheet) rule(r bank.Rule) string {
	var parts []string
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, s.say("rule."+key, "x", value))
		}
	}
	add("dimension", r.Dimension)
	add("benchmark", strings.Trim(fmt.Sprint(r.Benchmark), "[]"))
	add("subject", r.Subject)
	add("key", r.Key)
	if r.Difficulty != nil {
		add("difficulty", fmt.Sprintf("%v–%v", r.Difficulty.Least, r.Difficulty.Most))
	}
	if len(parts) == 0 {
		parts = append(parts, s.say("rule.every"))
	}
	if r.Least > 0 {
		add("least", strconv.Itoa(r.Least))
	}
	if r.Most != nil {
		add("most", strconv.Itoa(*r.Most))
	}
	return strings.Join(parts, s.say("comma"))
}

// table writes a headline and aligned columns; Chinese characters are two wide.
func (s *bankSheet) table(head string, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	fmt.Fprintf(s, "\n%s\n", head)
	for _, row := range rows {
		line := " "
		for i, cell := range row {
			line += " " + cell + strings.Repeat(" ", widths[i]-width(cell)+1)
		}
		fmt.Fprintln(s, strings.TrimRight(line, " "))
	}
}

// width is how many columns of a terminal a text takes.
func width(text string) (n int) {
	for _, c := range text {
		if n++; c >= 0x2E80 {
			n++
		}
	}
	return n
}
