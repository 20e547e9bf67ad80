package quality

import (
	"errors"
	"math"
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
// are ordinary. One block that fewer than one in 316 answers so is flagged, and two that
// one in eighteen does.
func DefaultLine() LineRule { return LineRule{Rows: 5, Surprise: 2.5, Wave: 50} }

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
			logits[i] = half(float64(none), float64(asked))
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
		case s.why == whyFewOthers: // where most leave out the same share, the middle is the bound
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

// unlogit is the share k/n of which log((k+½)/(n−k+½)) is the logit, between 0 and 1.
func unlogit(logit, n float64) float64 {
	return min(1, max(0, ((n+1)/(1+math.Exp(-logit))-0.5)/n))
}
