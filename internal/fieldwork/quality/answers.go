package quality

import (
	"errors"
	"math"
	"slices"
)

// LineRule is the rule of StraightLine.
type LineRule struct {
	// Rows is how many substantive answers a block needs, all of them the same, to be a
	// straight line.
	Rows int
	// Surprise is the least sum of −log10 of the shares of interviews with as straight a
	// line that is flagged: 2 is one block that one in a hundred answers so, or two that
	// one in ten does.
	Surprise float64
	// Wave is how many interviews must have answered a block for its share to be known.
	Wave int
}

// DefaultLine takes blocks from five rows on: four equal answers on one side of a scale
// are ordinary.
func DefaultLine() LineRule { return LineRule{Rows: 5, Surprise: 2, Wave: 50} }

func (r LineRule) check() error {
	return errors.Join(within("Line.Rows", float64(r.Rows), 2, 1000), within("Line.Surprise", r.Surprise, 0.1, 100),
		within("Line.Wave", float64(r.Wave), 10, 1e9))
}

// The reasons of StraightLine and NoAnswer.
const (
	whyNoBlock  Why = "no-block"
	whyFewItems Why = "few-items"
)

// StraightLine judges grids and runs of likert items that have the same scale. A block is a
// straight line when at least Rows of its rows have a substantive answer and all those
// answers are the same. How much it says depends on the block: where many say "very
// interested" to everything it says little. Value is the sum over the interview's straight
// lines of −log10 of the block's share of them, (lines + 1) / (interviews + 1); it is
// flagged at Surprise or more. N is the number of blocks that could be judged. "Don't
// know" in every row is a matter of NoAnswer.
func (w *Wave) StraightLine(r LineRule) ([]Finding, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	lines, judged := make([]int, len(w.blocks)), make([]int, len(w.blocks))
	for i := range w.rows {
		for b, block := range w.blocks {
			rows, same := straight(w.answers(i)[block.first:block.end])
			if rows >= r.Rows {
				judged[b]++
				if same {
					lines[b]++
				}
			}
		}
	}
	out := make([]Finding, len(w.rows))
	for i := range w.rows {
		out[i] = w.line(i, r, lines, judged)
	}
	return out, nil
}

// line judges an interview, given in how many of the interviews each block is a line.
func (w *Wave) line(i int, r LineRule, lines, judged []int) Finding {
	f := w.finding(StraightLine, i)
	value, n, few := 0.0, 0, false
	for b, block := range w.blocks {
		rows, same := straight(w.answers(i)[block.first:block.end])
		switch {
		case rows < r.Rows:
		case judged[b] < r.Wave:
			few = true
		default:
			n++
			if same {
				value -= math.Log10(float64(lines[b]+1) / float64(judged[b]+1))
			}
		}
	}
	switch {
	case n == 0 && few:
		return f.cannot(whyFewOthers, 0)
	case n == 0:
		return f.cannot(whyNoBlock, 0)
	}
	return f.judge(value, r.Surprise, value >= r.Surprise, n)
}

// straight counts the substantive answers and says whether they are all the same.
func straight(codes []uint16) (rows int, same bool) {
	var first uint16
	same = true
	for _, c := range codes {
		if c < firstCode {
			continue
		}
		if rows++; rows == 1 {
			first = c
		}
		same = same && c == first
	}
	return rows, same
}

// NoAnswerRule is the rule of NoAnswer.
type NoAnswerRule struct {
	// Share is the share of items below which nobody is flagged.
	Share float64
	// Robust is how many robust standard deviations above the middle is too many.
	Robust float64
	// Items is how many items must have been asked, Wave how many interviews of the mode
	// and language there must be.
	Items, Wave int
}

// DefaultNoAnswer leaves everybody alone who answered two thirds: "don't know" is an
// honest answer to a question of knowledge.
func DefaultNoAnswer() NoAnswerRule {
	return NoAnswerRule{Share: 1.0 / 3, Robust: 3, Items: 20, Wave: 50}
}

func (r NoAnswerRule) check() error {
	return errors.Join(within("NoAnswer.Share", r.Share, 0, 1), within("NoAnswer.Robust", r.Robust, 0.5, 20),
		within("NoAnswer.Items", float64(r.Items), 1, 1e6), within("NoAnswer.Wave", float64(r.Wave), 10, 1e9))
}

// NoAnswer judges the share of the items asked that were answered "don't know" or
// "refused" or left blank. Value is that share. It is flagged when it is above Share and
// its logit, log((k+½)/(n−k+½)), is more than Robust robust standard deviations above the
// median of its mode and language; Threshold is the greater of the two bounds, as a share.
// N is the number of items asked.
func (w *Wave) NoAnswer(r NoAnswerRule) ([]Finding, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	logits := make([]float64, len(w.rows))
	for i := range w.rows {
		logits[i] = math.NaN()
		if none, asked := w.silent(i); asked >= r.Items {
			logits[i] = math.Log((float64(none) + 0.5) / (float64(asked-none) + 0.5))
		}
	}
	scales := scales(logits, w.strata(), r.Wave)
	out := make([]Finding, len(w.rows))
	for i := range w.rows {
		f := w.finding(NoAnswer, i)
		none, asked := w.silent(i)
		switch s := scales[w.stratum(i)]; {
		case asked < r.Items:
			out[i] = f.cannot(whyFewItems, asked)
		case s.why != "":
			out[i] = f.cannot(s.why, asked)
		default:
			n := float64(asked)
			share, bound := float64(none)/n, max(r.Share, unlogit(s.middle+r.Robust*s.sd, n))
			out[i] = f.judge(share, bound, share > bound, asked)
		}
	}
	return out, nil
}

// silent counts the items that were asked and not answered in substance.
func (w *Wave) silent(i int) (none, asked int) {
	for _, c := range w.answers(i) {
		if c != unasked {
			asked++
		}
		if c == blank || c == dontKnow || c == refused {
			none++
		}
	}
	return none, asked
}

// score counts the scored items that were asked and those answered rightly.
func (w *Wave) score(i int) (right, asked int) {
	codes, marks := w.answers(i), w.marks(i)
	for j, k := range w.scored {
		if codes[k] == unasked {
			continue
		}
		asked++
		if marks[j] {
			right++
		}
	}
	return right, asked
}

// FitRule is the rule of PersonFit.
type FitRule struct {
	// Robust is how many robust standard deviations above the middle of those with the
	// same booklet and a like score is too many.
	Robust float64
	// Items is how many scored items must have been asked.
	Items int
	// Like is how many interviews of the booklet with the nearest scores are compared
	// with, at least.
	Like int
}

// DefaultFit takes 3 robust standard deviations among at least 100 people.
func DefaultFit() FitRule { return FitRule{Robust: 3, Items: 15, Like: 100} }

func (r FitRule) check() error {
	return errors.Join(within("Fit.Robust", r.Robust, 0.5, 20), within("Fit.Items", float64(r.Items), 3, 1e6),
		within("Fit.Like", float64(r.Like), 20, 1e9))
}

// The reasons of PersonFit.
const (
	whyAllAlike Why = "all-alike"
	whyNoKey    Why = "no-key"
)

// PersonFit judges whether knowledge follows the order of difficulty. Value is the share of
// Guttman errors: the pairs of items of which the easier was answered wrongly and the
// harder rightly, over the r(n−r) pairs that there can be with r of n right (normed
// Guttman errors, van der Flier 1982, Journal of Cross-Cultural Psychology 13; Meijer &
// Sijtsma 2001, Applied Psychological Measurement 25). Unlike lz it needs no model and no
// parameters, and unlike Hᵀ no covariances of items that few people were asked together:
// items that were not asked drop out of the pairs, so each booklet is judged on its own
// items. An item's difficulty is the share of right answers among all who were asked it.
//
// The share of errors depends on the score, so its logit, with half an error added on both
// sides, is compared with that of the people of the same booklet who have the nearest
// scores, by median and MAD: more than Robust deviations above is flagged, and Threshold is
// where that begins. N is the number of scored items asked. Guessing raises the value; so
// do being told the answers of hard items and an education of another kind.
func (w *Wave) PersonFit(r FitRule) ([]Finding, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	logits, groups := w.guttman(r)
	bounds := map[fitGroup]float64{}
	for g, peers := range peersOf(logits, groups, r.Like) {
		middle, sd, _ := spread(peers)
		bounds[g] = math.NaN()
		if sd > 0 {
			bounds[g] = middle + r.Robust*sd
		}
	}
	out := make([]Finding, len(w.rows))
	for i := range w.rows {
		f := w.finding(PersonFit, i)
		right, asked := w.score(i)
		bound, enough := bounds[groups[i]]
		switch {
		case len(w.scored) == 0:
			out[i] = f.cannot(whyNoKey, 0)
		case asked < r.Items:
			out[i] = f.cannot(whyFewItems, asked)
		case right == 0 || right == asked:
			out[i] = f.cannot(whyAllAlike, asked)
		case !enough:
			out[i] = f.cannot(whyFewOthers, asked)
		case math.IsNaN(bound):
			out[i] = f.cannot(whyNoSpread, asked)
		default:
			pairs := float64(right * (asked - right))
			out[i] = f.judge(unlogit(logits[i], pairs), unlogit(bound, pairs), logits[i] > bound, asked)
		}
	}
	return out, nil
}

// unlogit is the share k/n of which log((k+½)/(n−k+½)) is the logit, between 0 and 1.
func unlogit(logit, n float64) float64 {
	return min(1, max(0, ((n+1)/(1+math.Exp(-logit))-0.5)/n))
}

// fitGroup is a booklet and a score, in whole per cent right.
type fitGroup struct {
	booklet string
	score   int
}

// guttman returns the logit of each interview's share of Guttman errors, NaN where there
// is none, and the group by which it is compared.
func (w *Wave) guttman(r FitRule) ([]float64, []fitGroup) {
	order := w.easiestFirst()
	logits, groups := make([]float64, len(w.rows)), make([]fitGroup, len(w.rows))
	for i := range w.rows {
		right, asked := w.score(i)
		logits[i] = math.NaN()
		if asked < r.Items || right == 0 || right == asked {
			continue
		}
		groups[i] = fitGroup{w.rows[i].booklet, int(math.Round(100 * float64(right) / float64(asked)))}
		errs, pairs := float64(guttmanErrors(order, w.scored, w.answers(i), w.marks(i))), float64(right*(asked-right))
		logits[i] = math.Log((errs + 0.5) / (pairs - errs + 0.5))
	}
	return logits, groups
}

// guttmanErrors counts the pairs of asked items with the easier wrong and the harder right.
func guttmanErrors(order, scored []int, codes []uint16, marks []bool) (errs int) {
	wrong := 0
	for _, j := range order {
		switch {
		case codes[scored[j]] == unasked:
		case marks[j]:
			errs += wrong
		default:
			wrong++
		}
	}
	return errs
}

// easiestFirst orders the scored items by the share of right answers among those asked;
// items with the same share keep the order of the questionnaire.
func (w *Wave) easiestFirst() []int {
	right, asked := make([]float64, len(w.scored)), make([]float64, len(w.scored))
	for i := range w.rows {
		codes, marks := w.answers(i), w.marks(i)
		for j, k := range w.scored {
			if codes[k] != unasked {
				asked[j]++
			}
			if marks[j] {
				right[j]++
			}
		}
	}
	order := make([]int, len(w.scored))
	for j := range order {
		order[j] = j
	}
	ease := func(j int) float64 { return right[j] / max(asked[j], 1) }
	slices.SortStableFunc(order, func(a, b int) int {
		switch x, y := ease(a), ease(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return order
}

// peersOf collects for every group the values of its booklet with the nearest scores: all
// within the least distance that has at least like of them. A booklet with fewer has none.
func peersOf(logits []float64, groups []fitGroup, like int) map[fitGroup][]float64 {
	byScore := map[string]*[101][]float64{}
	for i, x := range logits {
		if math.IsNaN(x) {
			continue
		}
		b := byScore[groups[i].booklet]
		if b == nil {
			b = &[101][]float64{}
			byScore[groups[i].booklet] = b
		}
		b[groups[i].score] = append(b[groups[i].score], x)
	}
	out := map[fitGroup][]float64{}
	for booklet, scores := range byScore {
		for s := range scores {
			if len(scores[s]) == 0 {
				continue
			}
			if peers := around(scores, s, like); len(peers) >= like {
				out[fitGroup{booklet, s}] = peers
			}
		}
	}
	return out
}

// around collects the values of scores around s, going outwards until there are like.
func around(scores *[101][]float64, s, like int) []float64 {
	peers := slices.Clone(scores[s])
	for d := 1; d <= 100 && len(peers) < like; d++ {
		if s-d >= 0 {
			peers = append(peers, scores[s-d]...)
		}
		if s+d <= 100 {
			peers = append(peers, scores[s+d]...)
		}
	}
	return peers
}
