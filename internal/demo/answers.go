package demo

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/surveys"
)

// itemModel is how hard an item is: a right answer has the probability
// guess + (1−guess)/(1+exp(−slope(ability−difficulty))), the three-parameter
// logistic model (Birnbaum 1968).
type itemModel struct {
	number     uint64
	difficulty float64
	// right is the answer with the key, wrong are all others.
	right []string
	wrong [][]string
}

const (
	guess = 0.22
	slope = 1.35
)

// itemModels gives every item a number and every scored item a difficulty, spread
// evenly over the scale in an order that the seed decides.
func itemModels(seed uint64, q *surveys.Questionnaire) map[string]itemModel {
	models := map[string]itemModel{}
	n := uint64(0)
	for it := range q.Items {
		n++
		d := 2.4*uniform(seed, 7, n) - 1.2
		m := itemModel{number: n, difficulty: d}
		if it.Dimension != "" {
			m.right = it.Key[:1]
			m.wrong = wrongAnswers(it)
		}
		models[it.ID] = m
	}
	return models
}

func wrongAnswers(it *surveys.Item) (wrong [][]string) {
	for _, o := range it.Options {
		if !slices.Contains(it.Key, o.Code) {
			wrong = append(wrong, []string{o.Code})
		}
	}
	return wrong
}

// uniform is a number in [0, 1) that follows from its arguments alone (splitmix64
// finaliser, Steele, Lea and Flood 2014). So an answer does not depend on the order
// in which questions are asked.
func uniform(parts ...uint64) float64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, p := range parts {
		h += p + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return float64(h>>11) / (1 << 53)
}

// Streams of random numbers that a person uses for different things.
const (
	streamRight = iota + 1
	streamWrong
	streamChoice
	streamRespond
	streamPace
)

// Answer is what the person says to an item, given what was answered so far.
func (p *Population) Answer(x *Person, it *surveys.Item, before surveys.Answers) []string {
	if v, ok := x.fact(it); ok {
		return v
	}
	if chosen := before["C01"]; it.ID == "C02" && len(chosen) > 0 {
		return p.mostUsed(x, it, chosen)
	}
	if chosen := before[it.From]; it.From != "" && len(chosen) > 0 {
		if it.Type == surveys.Ranking || it.Type == surveys.Multiple {
			return chosen
		}
		return p.mostUsed(x, it, chosen)
	}
	switch it.Type {
	case surveys.Single, surveys.Likert:
		if it.Dimension != "" {
			return p.judge(x, it)
		}
		return []string{p.choose(x, it)}
	case surveys.Multiple:
		return p.chooseSeveral(x, it)
	case surveys.Ranking:
		return p.rank(x, it)
	case surveys.Number:
		return []string{strconv.Itoa(int(20 * p.luck(x, it, streamChoice)))}
	}
	return nil
}

// luck is the person's own random number for an item in one stream.
func (p *Population) luck(x *Person, it *surveys.Item, stream uint64) float64 {
	return uniform(p.cfg.Seed, x.id, p.items[it.ID].number, stream)
}

// judge answers a scored item: right with the probability of the model, otherwise
// "don't know" or one of the wrong options.
func (p *Population) judge(x *Person, it *surveys.Item) []string {
	m := p.items[it.ID]
	pRight := guess + (1-guess)/(1+math.Exp(-slope*(x.ability-m.difficulty)))
	if uniform(p.cfg.Seed, x.id, m.number, streamRight) < pRight {
		return m.right
	}
	return m.wrong[int(uniform(p.cfg.Seed, x.id, m.number, streamWrong)*float64(len(m.wrong)))]
}

// choose takes one option of an unscored item; earlier ones more often, and the
// special ones rarely.
func (p *Population) choose(x *Person, it *surveys.Item) string {
	total := 0.0
	for i := range it.Options {
		total += popularity(it, i)
	}
	u := total * p.luck(x, it, streamChoice)
	for i, o := range it.Options {
		if u -= popularity(it, i); u < 0 {
			return o.Code
		}
	}
	return it.Options[0].Code
}

func popularity(it *surveys.Item, option int) float64 {
	switch it.Options[option].Code {
	case surveys.DontKnow, surveys.Refused:
		return 0.05
	}
	return 0.3 + uniform(textNumber(it.ID), textNumber(it.Options[option].Code))
}

// chooseSeveral takes each option of a multiple item by its popularity, at least one.
func (p *Population) chooseSeveral(x *Person, it *surveys.Item) []string {
	var chosen []string
	for i, o := range it.Options {
		if o.Exclusive || o.Code == surveys.DontKnow || o.Code == surveys.Refused {
			continue
		}
		if uniform(p.cfg.Seed, x.id, p.items[it.ID].number, streamChoice, uint64(i)) < 0.6*popularity(it, i) {
			chosen = append(chosen, o.Code)
		}
	}
	if len(chosen) == 0 {
		chosen = []string{it.Options[0].Code}
	}
	return chosen
}

// rank puts the options of a ranking item into an order by their popularity and chance,
// as many as the item asks for.
func (p *Population) rank(x *Person, it *surveys.Item) []string {
	type liked struct {
		code string
		by   float64
	}
	var all []liked
	for i, o := range it.Options {
		if !o.Exclusive && o.Code != surveys.DontKnow && o.Code != surveys.Refused {
			all = append(all, liked{o.Code, popularity(it, i) + uniform(p.cfg.Seed, x.id, p.items[it.ID].number, streamChoice, uint64(i))})
		}
	}
	slices.SortStableFunc(all, func(a, b liked) int { return cmp.Compare(b.by, a.by) })
	if it.Most > 0 && it.Most < len(all) {
		all = all[:it.Most]
	}
	codes := make([]string, len(all))
	for i, l := range all {
		codes[i] = l.code
	}
	return codes
}

func textNumber(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// fact returns what the person knows of itself, for items that ask for it. The IDs
// are those of the civic-literacy questionnaire; everybody in the synthetic province
// is a resident and a civilian.
func (x *Person) fact(it *surveys.Item) ([]string, bool) {
	switch it.ID {
	case "age":
		return []string{strconv.Itoa(x.Age)}, true
	case "sex":
		return []string{x.Sex}, true
	case "resident":
		return []string{"1"}, true
	case "military":
		return []string{"2"}, true
	case "residence":
		return []string{x.Residence}, true
	case "education":
		return []string{it.Options[x.Education].Code}, true
	}
	return nil, false
}

// isFact reports whether the answer to an item is a fact about the person.
func isFact(it *surveys.Item) bool {
	_, ok := new(Person).fact(it)
	return ok
}

// mostUsed answers the item that asks for the first choice among the options chosen
// in another.
func (p *Population) mostUsed(x *Person, it *surveys.Item, chosen []string) []string {
	return []string{chosen[int(p.luck(x, it, streamChoice)*float64(len(chosen)))]}
}
