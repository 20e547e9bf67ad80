package conformance

import (
	"fmt"

	"github.com/suyang-survey/suyang/analysis/sampling"
)

// The kinds of sample design: all inputs are in their params.

func init() {
	register("sample_size_proportion", runSizeProportion)
	register("sample_size_mean", func(r *run) error {
		n, err := sampling.MeanForCV(r.Params.number("cv"), r.Params.number("unit_cv"), r.Params.number("N"))
		r.check("n", n, number(r.Estimate))
		return err
	})
	register("sample_size_two_proportions", func(r *run) error {
		n, err := sampling.TwoProportions(r.Params.number("p1"), r.Params.number("p2"), r.Params.number("alpha"), r.Params.number("power"))
		r.check("n", n, number(r.Estimate))
		return err
	})
	register("allocation", runAllocation)
	register("two_stage_optimum", runTwoStage)
	register("pps_inclusion_probabilities", func(r *run) error {
		chances, err := sampling.Inclusion(r.Params.numbers("size"), int(r.Params.number("n")))
		r.checkAll("π", chances, numbers(r.Estimate))
		return err
	})
}

func runSizeProportion(r *run) error {
	g := sampling.Goal{P: r.Params.number("p"), N: r.Params.number("N"), Confidence: 1 - r.Params.number("alpha")}
	size, bound := g.ForMargin, r.Params.number("half_width")
	switch target := r.Params.text("target"); target {
	case "cv":
		size, bound = g.ForCV, r.Params.number("cv")
	case "moe":
	case "relative moe":
		size, bound = g.ForRelativeMargin, r.Params.number("relative_half_width")
	case "moe, log odds interval":
		size = g.ForLogOddsMargin
	case "moe, Wilson interval":
		g.N = 2 // of no consequence
		size = g.ForWilsonMargin
	default:
		return fmt.Errorf("target %q is unknown", target)
	}
	n, err := size(bound)
	r.check("n", n, number(r.Estimate))
	return err
}

func runAllocation(r *run) error {
	size, deviation, cost := r.Params.numbers("Nh"), r.Params.numbers("Sh"), r.Params.numbers("ch")
	var got []float64
	var err error
	switch kind := r.Params.text("kind"); kind {
	case "proportional":
		got, err = sampling.Allocate(int(r.Params.number("n")), sampling.ProportionalScores(size), sampling.Limits{})
	case "neyman":
		got, err = sampling.Allocate(int(r.Params.number("n")), sampling.NeymanScores(size, deviation), sampling.Limits{})
	case "optimal for total cost":
		got = sampling.CostAllocation(r.Params.number("cost"), size, deviation, cost)
	case "optimal for variance":
		got = sampling.VarianceAllocation(r.Params.number("cv"), r.Params.number("ybar"), size, deviation, cost)
	default:
		return fmt.Errorf("allocation %q is unknown", kind)
	}
	r.checkAll("n", got, numbers(r.Estimate))
	return err
}

func runTwoStage(r *run) error {
	c := sampling.Clustering{PSUCost: r.Params.number("cost_psu"), UnitCost: r.Params.number("cost_unit"),
		Delta: r.Params.number("delta"), UnitRelvar: r.Params.number("unit_relvar"), K: r.Params.number("k")}
	s, err := c.ForCost(r.Params.number("total_cost"))
	if err != nil {
		return err
	}
	// The reference gives n̄ and m to one decimal and the CV to four.
	r.checkWithin("units per PSU", s.PerPSU, number(r.Estimate), 0.05/11.9)
	r.checkWithin("PSUs", s.PSUs, r.Extra.number("m"), 0.05/51.4)
	r.checkWithin("CV", s.CV, r.Extra.number("cv"), 0.00005/0.0502)
	return nil
}
