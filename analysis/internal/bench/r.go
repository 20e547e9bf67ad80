package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
	"github.com/suyang-survey/suyang/analysis/replicate"
)

//go:embed bench.R
var program []byte

// An rscript is R with package survey, or the reason why there is none.
type rscript struct {
	path    string
	absent  string
	version string // known after the first run
}

func findR(ctx context.Context) rscript {
	path, err := exec.LookPath("Rscript")
	if err != nil {
		return rscript{absent: "Rscript is not installed"}
	}
	if err := exec.CommandContext(ctx, path, "--vanilla", "-e", "library(survey)").Run(); err != nil {
		return rscript{absent: "R has no package survey"}
	}
	return rscript{path: path}
}

// found is what R says about a work.
type found struct {
	seconds []float64
	numbers
}

// run lets R do works on a sample, each as often as repetitions says unless that takes
// longer than ten seconds; progress is told of every run.
func (r *rscript) run(ctx context.Context, s *synthetic.Sample, ids []string, repetitions int, progress func(id string, seconds float64)) (map[string]*found, error) {
	folder, err := os.MkdirTemp("", "suyang-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := writeColumns(folder, s); err != nil {
		return nil, err
	}
	if slices.Contains(ids, "bootstrap") {
		if err := writeMultipliers(folder, s); err != nil {
			return nil, err
		}
	}
	script := filepath.Join(folder, "bench.R")
	if err := os.WriteFile(script, program, 0o600); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, r.path, "--vanilla", script, folder, strconv.Itoa(repetitions), strings.Join(ids, ","))
	var talk bytes.Buffer
	command.Stderr = &talk
	said, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	works, err := r.read(said, progress)
	if err != nil {
		io.Copy(io.Discard, said) // so that R can end
	}
	if failed := command.Wait(); failed != nil {
		return nil, fmt.Errorf("%w: %s", failed, strings.TrimSpace(talk.String()))
	}
	return works, err
}

// read understands the lines of bench.R: words separated by tabs.
func (r *rscript) read(said io.Reader, progress func(id string, seconds float64)) (map[string]*found, error) {
	works := map[string]*found{}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		if words[0] == "version" && len(words) == 2 {
			r.version = words[1]
			continue
		}
		x, err := parseNumbers(words[min(2, len(words)):])
		if err != nil || len(x) != map[string]int{"time": 1, "estimate": 2, "covariance": 1}[words[0]] || len(x) == 0 {
			return nil, fmt.Errorf("cannot understand %q", lines.Text())
		}
		w := works[words[1]]
		if w == nil {
			w = &found{}
			works[words[1]] = w
		}
		switch words[0] {
		case "time":
			w.seconds = append(w.seconds, x[0])
			progress(words[1], x[0])
		case "estimate":
			w.values, w.se = append(w.values, x[0]), append(w.se, x[1])
		case "covariance":
			w.covariance = append(w.covariance, x[0])
		}
	}
	return works, lines.Err()
}

func parseNumbers(words []string) ([]float64, error) {
	var x []float64
	for _, w := range words {
		if w == "NA" {
			w = "NaN"
		}
		v, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return nil, err
		}
		x = append(x, v)
	}
	return x, nil
}

// writeColumns writes a sample for bench.R: a file for each column and columns.tsv, the
// list of them.
func writeColumns(folder string, s *synthetic.Sample) error {
	list := "name\trows\tlevels\n"
	add := func(name string, levels int, column []byte, rows int) error {
		list += fmt.Sprintf("%s\t%d\t%d\n", name, rows, levels)
		return os.WriteFile(filepath.Join(folder, name), column, 0o600)
	}
	for name, x := range map[string][]float64{"weight": s.Columns.Weight, "score": s.Score, "literate": s.Literate, "age": s.Age} {
		column := make([]byte, 0, 8*len(x))
		for _, v := range x {
			column = binary.LittleEndian.AppendUint64(column, math.Float64bits(v))
		}
		if err := add(name, 0, column, len(x)); err != nil {
			return err
		}
	}
	for name, labels := range map[string][]string{"stratum": s.Columns.Stratum, "psu": s.Columns.PSU} {
		codes := map[string]int{}
		column := make([]byte, 0, 4*len(labels))
		for _, l := range labels {
			if codes[l] == 0 {
				codes[l] = len(codes) + 1
			}
			column = binary.LittleEndian.AppendUint32(column, uint32(codes[l]))
		}
		if err := add(name, len(codes), column, len(labels)); err != nil {
			return err
		}
	}
	for _, f := range s.Factors {
		column := make([]byte, 0, 4*len(f.Level))
		for _, l := range f.Level {
			column = binary.LittleEndian.AppendUint32(column, uint32(l+1))
		}
		if err := add(f.ID, len(f.Levels), column, len(f.Level)); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "columns.tsv"), []byte(list), 0o600)
}

// writeMultipliers writes the multipliers of some bootstrap replicates for bench.R: by
// row, one replicate after the other.
func writeMultipliers(folder string, s *synthetic.Sample) error {
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		return err
	}
	set, err := replicate.Bootstrap(d, bootstrapsR, bootstrapsSeed)
	if err != nil {
		return err
	}
	var column []byte
	for r := range bootstrapsR {
		m, err := set.Multipliers(r)
		if err != nil {
			return err
		}
		for _, unit := range d.Units() {
			column = binary.LittleEndian.AppendUint64(column, math.Float64bits(m[unit]))
		}
	}
	return os.WriteFile(filepath.Join(folder, "multipliers"), column, 0o600)
}
