package conformance

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// How the designs of the oracle files are made: stages with finite populations, unequal
// chances and two phases.

// newDesign makes the design of the session's data and weights; before are the weights
// before the calibration. Without weights it takes those that the stages give.
func (s *session) newDesign(a *archive, before []float64, calibration *analysis.Calibration) (*analysis.Design, error) {
	c := analysis.Columns{Weight: s.weights, Base: before, Calibration: calibration}
	var err error
	if c.Stages, err = s.stages(a); err != nil {
		return nil, err
	}
	if s.spec.Phase1 != nil {
		if c.SecondPhase, err = s.secondPhase(); err != nil {
			return nil, err
		}
	}
	d, err := analysis.NewDesign(c)
	if err != nil {
		return nil, err
	}
	return d.WithSettings(analysis.Settings{
		LonePSU:       lonePSURule(s.spec.LonelyPSU),
		LoneInDomains: s.spec.LoneInDomains,
		DF:            analysis.DFRule(s.spec.DF),
	}), nil
}

// stages are those of the design; strata are given for the first one only.
func (s *session) stages(a *archive) ([]analysis.Stage, error) {
	ids, strata := texts(s.spec.IDs), s.spec.Strata
	if phase, _ := s.spec.Phase1.(map[string]any); phase != nil {
		ids, strata = texts(phase["ids"]), phase["strata"]
	}
	sizes := texts(s.spec.FPC)
	stages := make([]analysis.Stage, max(len(ids), len(sizes), 1))
	for k := range stages {
		var err error
		if k == 0 {
			if stages[k].Stratum, err = s.data.labels(strata); err != nil {
				return nil, err
			}
		}
		if k < len(ids) {
			if stages[k].Unit, err = s.data.labels(ids[k]); err != nil {
				return nil, err
			}
		}
		if k >= len(sizes) {
			continue
		}
		size, err := s.data.numbers(sizes[k])
		if err != nil {
			return nil, err
		}
		if s.spec.FPCIs == "sampling fraction" {
			stages[k].Fraction = size
		} else {
			stages[k].Population = size
		}
	}
	if s.spec.PPS == nil {
		return stages, nil
	}
	return stages, s.pps(a, &stages[0])
}

// pps gives a stage unequal chances.
func (s *session) pps(a *archive, stage *analysis.Stage) error {
	var err error
	if stage.Chance, err = s.data.numbers(s.spec.Probs); err != nil {
		return err
	}
	spec := s.spec.PPS
	form := analysis.HorvitzThompson // R's default
	if spec.text("variance") == "Yates-Grundy" {
		form = analysis.YatesGrundy
	}
	switch method := spec.text("method"); method {
	case "brewer":
		stage.PPS = analysis.PPS{Rule: analysis.PPSBrewer}
	case "hartley-rao":
		stage.PPS = analysis.PPS{Rule: analysis.PPSHartleyRao, Form: form, SumSquares: map[string]float64{"": spec.number("sum_p2_over_n")}}
	case "joint":
		stage.PPS = analysis.PPS{Form: form}
		stage.PPS.Joint, err = a.matrix(spec.text("joint"))
	default:
		err = fmt.Errorf("%w: pps %q", errUnsupported, method)
	}
	return err
}

// matrix reads a CSV file of numbers without names.
func (a *archive) matrix(name string) ([][]float64, error) {
	for _, root := range a.roots {
		f, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			continue
		}
		defer f.Close()
		records, err := csv.NewReader(f).ReadAll()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		m := make([][]float64, len(records))
		for i, r := range records {
			for _, x := range r {
				v, err := strconv.ParseFloat(x, 64)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				m[i] = append(m[i], v)
			}
		}
		return m, nil
	}
	return nil, fmt.Errorf("%w: %s is not in %v; set SUYANG_DATA", errAbsent, name, a.roots)
}

// secondPhase reads the second phase. R's methods approx and simple are one formula
// where every unit of the first phase is a person.
func (s *session) secondPhase() (*analysis.SecondPhase, error) {
	spec := fields(s.spec.Phase2.(map[string]any))
	p := &analysis.SecondPhase{Variance: analysis.PhaseApprox, Selected: make([]bool, s.data.rows)}
	if s.spec.Method == "full" {
		p.Variance = analysis.PhaseFull
	}
	var err error
	if p.Stratum, err = s.data.labels(spec["strata"]); err != nil {
		return nil, err
	}
	for _, part := range strings.Split(spec.text("selected"), " or ") {
		words := strings.Fields(part)
		if len(words) != 3 || s.data.columns[words[0]] == nil {
			return nil, fmt.Errorf("cannot read the condition %q", part)
		}
		for i, x := range s.data.columns[words[0]] {
			if x == "TRUE" {
				x = "1"
			}
			p.Selected[i] = p.Selected[i] || compare(x, words[1], words[2])
		}
	}
	return p, nil
}

// calibration is what the weights were raked to.
func (r *raking) calibration() *analysis.Calibration {
	return weighting.Known{Margins: r.margins}.Calibration(weighting.Metric{})
}
