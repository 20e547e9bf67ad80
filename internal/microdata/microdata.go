// Package microdata turns the table of another survey into interviews and a
// sample, by a mapping file, so that they go the same way as our own.
package microdata

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// Mapping says where the parts of an interview and of its case stand in a table.
type Mapping struct {
	// Files are the tables, CSV with a header, as patterns of file names.
	Files string `yaml:"files"`
	// PSUs are tables that list every PSU of the full design, also those without
	// respondents, in the columns Stratum and PSU.
	PSUs string `yaml:"psus,omitempty"`
	// Case are the columns that name a respondent, joined with "-".
	Case []string `yaml:"case"`
	// Stratum, PSU and Weight are columns.
	Stratum string `yaml:"stratum"`
	PSU     string `yaml:"psu"`
	Weight  string `yaml:"weight"`
	// Columns are classifications to keep with the case.
	Columns []string `yaml:"columns,omitempty"`
	// Year is the column of the year; its first day stands for the time of the interview.
	Year string `yaml:"year"`
	// Answers gives the column of each item.
	Answers map[string]string `yaml:"answers"`
	// Missing says what the table's missing codes mean.
	Missing Missing `yaml:"missing"`
}

// Missing lists the codes of a table that are not answers.
type Missing struct {
	// DontKnow becomes the option code "dk".
	DontKnow []string `yaml:"dont_know,omitempty"`
	// Blank was asked and not answered.
	Blank []string `yaml:"blank,omitempty"`
	// NotAsked was not asked; the item is left out.
	NotAsked []string `yaml:"not_asked,omitempty"`
}

// Table is what was read: the sample, and one interview for each respondent.
type Table struct {
	Cases      []fieldwork.Case
	Interviews []surveys.Interview
}

// ReadMapping reads a mapping file; name is used in messages.
func ReadMapping(name string, src []byte) (*Mapping, error) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	var m Mapping
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for what, value := range map[string]string{
		"files": m.Files, "stratum": m.Stratum, "psu": m.PSU, "weight": m.Weight, "year": m.Year, "case": strings.Join(m.Case, ""),
	} {
		if value == "" {
			return nil, fmt.Errorf("%s: %s is missing", name, what)
		}
	}
	if len(m.Answers) == 0 {
		return nil, fmt.Errorf("%s: answers is empty, so there is nothing to import", name)
	}
	return &m, nil
}

// Read reads every table that the mapping names from the folders, in the order of
// their names; the first folder that has a file of a name wins. Interviews get the
// wave, and the version of q.
func Read(m *Mapping, q *surveys.Questionnaire, wave string, folders ...fs.FS) (Table, error) {
	var t Table
	files, err := find(m.Files, folders)
	if err != nil {
		return t, err
	}
	if len(files) == 0 {
		return t, fmt.Errorf("no file fits %q: %w", m.Files, surveys.ErrNotFound)
	}
	r := reader{m: m, q: q, wave: wave, version: q.Version(), table: &t, psus: map[[2]string]bool{}}
	for _, f := range files {
		if err := f.each(m.columns(), r.respondent); err != nil {
			return t, err
		}
	}
	psus, err := find(m.PSUs, folders)
	if err != nil {
		return t, err
	}
	for _, f := range psus {
		if err := f.each([]string{m.Stratum, m.PSU}, r.emptyPSU); err != nil {
			return t, err
		}
	}
	return t, nil
}

// file is a table in one of the folders.
type file struct {
	folder fs.FS
	name   string
}

func find(pattern string, folders []fs.FS) ([]file, error) {
	if pattern == "" {
		return nil, nil
	}
	var files []file
	for _, folder := range folders {
		names, err := fs.Glob(folder, pattern)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		for _, n := range names {
			if !slices.ContainsFunc(files, func(f file) bool { return f.name == n }) {
				files = append(files, file{folder, n})
			}
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// columns are all those that a table of respondents must have. A mistyped one would
// otherwise read as a question that nobody was asked.
func (m *Mapping) columns() []string {
	names := slices.Concat(m.Case, m.Columns, []string{m.Year, m.Stratum, m.PSU, m.Weight})
	return slices.AppendSeq(names, maps.Values(m.Answers))
}

// each calls add with every row of the table, by column name.
func (f file) each(needed []string, add func(row map[string]string) error) error {
	r, err := f.folder.Open(f.name)
	if err != nil {
		return err
	}
	defer r.Close()
	cr := csv.NewReader(r)
	head, err := cr.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	slices.Sort(needed)
	for _, n := range needed {
		if !slices.Contains(head, n) {
			return fmt.Errorf("%s: there is no column %q, which the mapping names", f.name, n)
		}
	}
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		row := make(map[string]string, len(head))
		for i, h := range head {
			row[h] = rec[i]
		}
		if err := add(row); err != nil {
			line, _ := cr.FieldPos(0)
			return fmt.Errorf("%s:%d: %w", f.name, line, err)
		}
	}
}

// reader collects a table.
type reader struct {
	m             *Mapping
	q             *surveys.Questionnaire
	wave, version string
	table         *Table
	psus          map[[2]string]bool
}

func (r *reader) respondent(row map[string]string) error {
	c := fieldwork.Case{Stratum: row[r.m.Stratum], PSU: row[r.m.PSU], Columns: map[string]string{}}
	for i, k := range r.m.Case {
		if i > 0 {
			c.ID += "-"
		}
		c.ID += row[k]
	}
	for _, k := range r.m.Columns {
		c.Columns[k] = row[k]
	}
	var err error
	if c.Weight, err = strconv.ParseFloat(row[r.m.Weight], 64); err != nil || !(c.Weight >= 0) || math.IsInf(c.Weight, 0) {
		return fmt.Errorf("weight %q in column %s must be a number, 0 or more", row[r.m.Weight], r.m.Weight)
	}
	if c.Stratum == "" || c.PSU == "" {
		return fmt.Errorf("columns %s and %s must not be empty", r.m.Stratum, r.m.PSU)
	}
	if err := c.Check(); err != nil {
		return err
	}
	year, err := strconv.Atoi(row[r.m.Year])
	if err != nil {
		return fmt.Errorf("year %q in column %s must be a number", row[r.m.Year], r.m.Year)
	}
	r.psus[[2]string{c.Stratum, c.PSU}] = true
	r.table.Cases = append(r.table.Cases, c)
	day := time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC)
	r.table.Interviews = append(r.table.Interviews, surveys.Interview{
		ID: caseID(r.wave, c.ID), Revision: 1, Survey: r.q.ID, Version: r.version, Wave: r.wave, Case: c.ID,
		Mode: surveys.ModeImport, Lang: surveys.EN, Started: day, Finished: day, Answers: r.answers(row),
	})
	return nil
}

// answers translates a row. An item whose column is empty or carries a code for "not
// asked" is left out.
func (r *reader) answers(row map[string]string) surveys.Answers {
	a := surveys.Answers{}
	for item, column := range r.m.Answers {
		v := row[column]
		switch {
		case slices.Contains(r.m.Missing.DontKnow, v):
			a[item] = []string{surveys.DontKnow}
		case slices.Contains(r.m.Missing.Blank, v):
			a[item] = []string{}
		case v == "" || slices.Contains(r.m.Missing.NotAsked, v):
		default:
			a[item] = []string{v}
		}
	}
	return a
}

// emptyPSU adds a PSU of the design in which nobody responded, as a case of weight 0.
func (r *reader) emptyPSU(row map[string]string) error {
	key := [2]string{row[r.m.Stratum], row[r.m.PSU]}
	if key[0] == "" || key[1] == "" {
		return fmt.Errorf("columns %s and %s must not be empty", r.m.Stratum, r.m.PSU)
	}
	if r.psus[key] {
		return nil
	}
	r.psus[key] = true
	c := fieldwork.Case{ID: "psu:" + key[0] + "-" + key[1], Stratum: key[0], PSU: key[1], Columns: map[string]string{}}
	for _, k := range r.m.Columns { // as they are read back from the sample file of the wave
		c.Columns[k] = ""
	}
	r.table.Cases = append(r.table.Cases, c)
	return nil
}

// caseID makes the interview's UUID from wave and case (RFC 9562, version 8), so
// that importing a table twice counts once.
func caseID(wave, id string) string {
	sum := sha256.Sum256([]byte(wave + "\x00" + id))
	u := uuid.UUID(sum[:16])
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}
