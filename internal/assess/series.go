package assess

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

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
// questionnaire. Notes and titles are there in Chinese and in English. The header is as documented in
// the README beside them, and every line must be right: a wrong one is an error with its
// line. The criterion of a province's rate is that of the national survey it belongs to;
// one of a survey of its own is not stated.
func ReadSeries(folder fs.FS) ([]Reference, []SameCriterion, error) {
	criteria := map[string]string{} // by number of the national survey
	sources := map[string]surveys.Text{}
	var refs []Reference
	err := eachLine(folder, sourcesFile, []string{"id", "title_zh", "title_en", "address"}, func(l line) error {
		title, err := l.text("title")
		if err != nil {
			return err
		}
		if sources[l.get("id")] != nil || title == nil {
			return fmt.Errorf("source %q has no title, or stands there twice", l.get("id"))
		}
		sources[l.get("id")] = title
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = eachLine(folder, nationalFile, []string{"wave", "year", "group", "value_percent", "source", "grade", "certainty", "criterion", "n_valid", "note_zh", "note_en"}, func(l line) error {
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
	err = eachLine(folder, provincesFile, []string{"wave", "year", "level", "code", "group", "value_percent", "source", "grade", "certainty", "survey", "n_valid", "note_zh", "note_en"}, func(l line) error {
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

// seriesLanguages are those that every text about published rates must have, since the report
// shows it in one of them and without the other.
var seriesLanguages = []surveys.Lang{surveys.ZH, surveys.EN}

// text reads a text that has a column for each language, nil where all are empty. One that has
// a language must have the others, and a Chinese one has Chinese characters.
func (l line) text(name string) (surveys.Text, error) {
	t := surveys.Text{}
	for _, lang := range seriesLanguages {
		if s := strings.TrimSpace(l.get(name + "_" + string(lang))); s != "" {
			t[lang] = s
		}
	}
	switch {
	case len(t) == 0:
		return nil, nil
	case len(t) < len(seriesLanguages):
		return nil, fmt.Errorf("%[1]s_%[2]s and %[1]s_%[3]s say the same in two languages: fill in both, or none", name, surveys.ZH, surveys.EN)
	case !hasHan(t[surveys.ZH]):
		return nil, fmt.Errorf("%s_%s %q has no Chinese character; write it in Chinese", name, surveys.ZH, t[surveys.ZH])
	case hasHan(t[surveys.EN]):
		return nil, fmt.Errorf("%s_%s %q has Chinese characters; translate or transcribe them", name, surveys.EN, t[surveys.EN])
	}
	return t, nil
}

func hasHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// cited is a source that a note refers to by its ID, such as [S18].
var cited = regexp.MustCompile(`\[(S\w+)\]`)

// cite puts the title of a source in the place of every ID in a note, which readers of the
// report could not look up.
func cite(note surveys.Text, sources map[string]surveys.Text) (surveys.Text, error) {
	if note == nil {
		return nil, nil
	}
	var err error
	out := surveys.Text{}
	for lang, s := range note {
		out[lang] = cited.ReplaceAllStringFunc(s, func(ref string) string {
			title := sources[strings.Trim(ref, "[]")]
			if title == nil {
				err = fmt.Errorf("the note refers to %s, but there is no such source in %s", ref, sourcesFile)
			}
			return "[" + title[lang] + "]"
		})
	}
	return out, err
}

// reference reads what lines of both files have; sources are titles by ID.
func (l line) reference(sources map[string]surveys.Text) (r Reference, err error) {
	r = Reference{SE: math.NaN(), Grade: l.get("grade"), Certainty: l.get("certainty")}
	if r.Note, err = l.text("note"); err != nil {
		return r, err
	}
	if r.Note, err = cite(r.Note, sources); err != nil {
		return r, err
	}
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
		if sources[id] == nil {
			return r, fmt.Errorf("there is no source %q in %s", id, sourcesFile)
		}
		r.Source = joined(r.Source, sources[id])
	}
	switch r.Certainty {
	case "sourced", "derived":
		if r.Source == nil || r.Grade == "" {
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

// between stands between the titles of two sources.
var between = map[surveys.Lang]string{surveys.ZH: "；", surveys.EN: "; "}

// joined adds the title of a further source.
func joined(before, title surveys.Text) surveys.Text {
	if before == nil {
		return title
	}
	out := surveys.Text{}
	for _, lang := range seriesLanguages {
		out[lang] = before[lang] + between[lang] + title[lang]
	}
	return out
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
