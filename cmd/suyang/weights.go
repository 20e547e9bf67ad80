package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
)

// weightsCommand writes the weights of a wave for other programs.
type weightsCommand struct {
	stateFlags
	Wave    string `arg:"" help:"Name of the wave."`
	Weights string `required:"" help:"Weights: a name, which means its latest version, or a version such as calibrated@2."`
	varianceFlags
	RScales string `name:"rscales" type:"path" help:"File for the factor of each replicate, one on a line; the jackknife needs them."`
}

// Run prints the weights, and says what a program needs to know of the replicates.
func (c *weightsCommand) Run(ctx context.Context, con *console) error {
	variance, err := c.variance()
	if err != nil {
		return err
	}
	st, w, err := c.openWave(ctx, c.Wave)
	if err != nil {
		return err
	}
	defer st.Close()
	opt := assess.Options{Wave: c.Wave, Variance: variance}
	if opt.Weighting, err = st.store.Weighting(ctx, c.Wave, c.Weights); err != nil {
		return err
	}
	out := bufio.NewWriterSize(con.out, 1<<16)
	if err := st.tellStandings(ctx, w.ID); err != nil {
		return err
	}
	scale, err := assess.WriteWeights(ctx, st.store, w.Questionnaire, w.Plan, opt, out)
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if scale.Replicates == 0 {
		return nil
	}
	same := !slices.ContainsFunc(scale.RScales, func(x float64) bool { return x != scale.RScales[0] })
	if c.RScales != "" {
		var b strings.Builder
		for _, x := range scale.RScales {
			b.WriteString(strconv.FormatFloat(x, 'g', -1, 64) + "\n")
		}
		if err := os.WriteFile(c.RScales, []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	how := fmt.Sprintf("%d replicates, scale %v", scale.Replicates, scale.Scale)
	switch {
	case c.RScales != "":
		how += ", rscales in " + c.RScales
	case same:
		how += fmt.Sprintf(", rscales all %v", scale.RScales[0])
	default:
		how += ", rscales that differ: write them to a file with --rscales"
	}
	con.say("%s, deviations from the %s", how, strings.ReplaceAll(string(scale.Centre), "-", " "))
	return nil
}
