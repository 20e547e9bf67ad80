package assess

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// The files of published rates.
const (
	nationalFile  = "national.csv"
	provincesFile = "provinces.csv"
	criteriaFile  = "criteria.csv"
	sourcesFile   = "sources.csv"
)

// notStated is the criterion of a rate of which nobody said by what rule it was measured.
const notStated = "not_stated"

// ReadSeries reads published rates: national.csv, provinces.csv, sources.csv with the titles
// of their sources, and criteria.csv, which says which criterion of theirs is that of a
// questionnaire. The header is as documented in
// the README beside them, and every line must be right: a wrong one is an error with its
// line. The criterion of a province's rate is that of the national survey it belongs to;
// one of a survey of its own is not stated.
func ReadSeries(folder fs.FS) ([]Reference, []SameCriterion, error) {
	criteria := map[string]string{} // by number of the national survey
	sources := map[string]string{}
	var refs []Reference
	err := eachLine(folder, sourcesFile, []string{"id", "title", "address"}, func(l line) error {
		if sources[l.get("id")] != "" || l.get("title") == "" {
			return fmt.Errorf("source %q has no title, or stands there twice", l.get("id"))
		}
		sources[l.get("id")] = l.get("title")
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = eachLine(folder, nationalFile, []string{"wave", "year", "group", "value_percent", "source", "grade", "certainty", "criterion", "n_valid", "note"}, func(l line) error {
		if l.get("group") != "literate" {
			return nil
		}
		r, err := l.reference(sources)
		if err != nil {
			return err
		}
		if r.Criterion = l.get("criterion"); r.Criterion == "" {
			return errors.New("criterion is empty; write not_stated")
		}
		r.Area, r.Code, r.Survey = "全国", NationCode, "national"
		criteria[l.get("wave")] = r.Criterion
		refs = append(refs, r)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = eachLine(folder, provincesFile, []string{"wave", "year", "level", "code", "group", "value_percent", "source", "grade", "certainty", "survey", "n_valid", "note"}, func(l line) error {
		r, err := l.reference(sources)
		if err != nil {
			return err
		}
		if r.Area, r.Code, r.Survey = l.get("group"), l.get("code"), l.get("survey"); !isAreaCode(r.Code) || r.Code == NationCode {
			return fmt.Errorf("code %q is not six digits of GB/T 2260", r.Code)
		}
		if !slices.Contains([]string{"national", "own", "local", "not stated"}, r.Survey) {
			return fmt.Errorf("survey %q is none of national, own, local, not stated", r.Survey)
		}
		r.Criterion = notStated
		if wave := l.get("wave"); wave != "" {
			if r.Criterion = criteria[wave]; r.Criterion == "" {
				return fmt.Errorf("there is no national survey with the number %q in %s", wave, nationalFile)
			}
		}
		refs = append(refs, r)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	var same []SameCriterion
	err = eachLine(folder, criteriaFile, []string{"criterion", "questionnaire_criterion", "same_items", "note"}, func(l line) error {
		s := SameCriterion{l.get("criterion"), l.get("questionnaire_criterion"), l.get("same_items") == "yes"}
		if !s.SameItems && l.get("same_items") != "no" {
			return fmt.Errorf("same_items is %q; write yes or no", l.get("same_items"))
		}
		if s.Published == notStated || s.Questionnaire == "" || !slices.ContainsFunc(refs, func(r Reference) bool { return r.Criterion == s.Published }) {
			return fmt.Errorf("criterion %q is none that a published rate states, or has no criterion of a questionnaire beside it", s.Published)
		}
		same = append(same, s)
		return nil
	})
	return refs, same, err
}

// line is a line of a CSV file by its header.
type line map[string]string

func (l line) get(name string) string { return l[name] }

// reference reads what lines of both files have; sources are titles by ID.
func (l line) reference(sources map[string]string) (r Reference, err error) {
	r = Reference{SE: math.NaN(), Grade: l.get("grade"), Certainty: l.get("certainty"), Note: l.get("note")}
	if r.Year, err = strconv.Atoi(l.get("year")); err != nil || r.Year < 1949 || r.Year > 2200 {
		return r, fmt.Errorf("year %q is no year", l.get("year"))
	}
	percent, err := strconv.ParseFloat(l.get("value_percent"), 64)
	if err != nil || !(percent >= 0 && percent <= 100) {
		return r, fmt.Errorf("value_percent %q is no number from 0 to 100", l.get("value_percent"))
	}
	r.Rate = percent / 100
	if n := l.get("n_valid"); n != "" {
		if r.N, err = strconv.Atoi(n); err != nil || r.N < 1 {
			return r, fmt.Errorf("n_valid %q is no number of interviews; leave it empty when it is not known", n)
		}
	}
	for _, id := range strings.FieldsFunc(l.get("source"), func(c rune) bool { return c == ';' }) {
		if sources[id] == "" {
			return r, fmt.Errorf("there is no source %q in %s", id, sourcesFile)
		}
		if r.Source != "" {
			r.Source += "; "
		}
		r.Source += sources[id]
	}
	switch r.Certainty {
	case "sourced", "derived":
		if r.Source == "" || r.Grade == "" {
			return r, fmt.Errorf("a rate that is %s needs source and grade", r.Certainty)
		}
	case "unverified":
		if r.Grade != "" {
			return r, errors.New("a rate that is unverified has no grade")
		}
	default:
		return r, fmt.Errorf("certainty %q is none of sourced, derived, unverified", r.Certainty)
	}
	for _, g := range strings.Split(r.Grade, ";") {
		if r.Grade != "" && !slices.Contains([]string{"A", "B", "C"}, g) {
			return r, fmt.Errorf("grade %q is none of A, B, C", g)
		}
	}
	return r, nil
}

// eachLine reads a CSV file with a header.
func eachLine(folder fs.FS, name string, header []string, use func(line) error) error {
	f, err := folder.Open(name)
	if err != nil {
		return fmt.Errorf("published rates: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(io.LimitReader(f, maxPlan))
	first, err := r.Read()
	if err != nil {
		return fmt.Errorf("published rates: %s: %w: %w", name, surveys.ErrInvalid, err)
	}
	if !slices.Equal(first, header) {
		return fmt.Errorf("published rates: %s:1: %w: the columns are %v; they must be %v", name, surveys.ErrInvalid, first, header)
	}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("published rates: %s: %w: %w", name, surveys.ErrInvalid, err)
		}
		l := line{}
		for i, h := range header {
			l[h] = fields[i]
		}
		if err := use(l); err != nil {
			at, _ := r.FieldPos(0)
			return fmt.Errorf("published rates: %s:%d: %w: %w", name, at, surveys.ErrInvalid, err)
		}
	}
}

// TargetsFile is the content of targets.yaml.
type TargetsFile struct {
	Targets []Target `yaml:"targets"`
}

// ReadTargets reads the targets of a wave from YAML, strictly. name stands for the file, and
// q is the questionnaire of the wave, whose languages the names need. All faults are
// reported at once, each with its line.
func ReadTargets(name string, src []byte, q *surveys.Questionnaire) ([]Target, error) {
	var file TargetsFile
	f, err := OpenPlanFile(name, src, &file, q)
	if err != nil {
		return nil, err
	}
	for i, t := range file.Targets {
		at := []any{"targets", i}
		what := fmt.Sprintf("target of %q in %d", t.Code, t.Year)
		if t.Code == "" {
			f.Fault(at, "a target needs the code of an area, such as 330100, or of a group of a table")
		}
		if t.Year < 1949 || t.Year > 2200 {
			f.Fault(at, "%s: write the year that the target is for, such as 2025", what)
		}
		if !(t.Rate > 0 && t.Rate < 1) {
			f.Fault(at, "%s: the rate is a share between 0 and 1, such as 0.15 for 15 %%, not %v", what, t.Rate)
		}
		f.Text(t.Name, what, "targets", i, "name")
		if slices.ContainsFunc(file.Targets[:i], func(o Target) bool { return o.Code == t.Code && o.Year == t.Year }) {
			f.Fault(at, "%s stands there twice; remove one", what)
		}
	}
	return file.Targets, f.Err()
}
