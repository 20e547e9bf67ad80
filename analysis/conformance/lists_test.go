package conformance

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// lists are the cases that are known not to pass.
type lists struct {
	later      []*laterLine
	exceptions map[string]*exception
	absent     map[string]int // cases, by what is absent
}

// A laterLine of later.txt names cases that later work will make pass: patterns of the
// kind, the data set and the design, the issue that will do it, and the reason.
type laterLine struct {
	line                  int
	kind, dataset, design string
	issue, reason         string
	cases, failed         int    // of those it matches in this run
	example               string // the fault of one of them
}

// An exception of exceptions.txt is a case whose number we believe to be wrong.
type exception struct {
	line   int
	bound  float64 // how far off, relatively, our numbers may be: a change of ours is still seen
	reason string
	passes bool
}

// readLists reads both files: words separated by blanks, # begins a comment.
func readLists(laterFile, exceptionsFile string) (*lists, error) {
	l := &lists{exceptions: make(map[string]*exception), absent: make(map[string]int)}
	err := eachLine(laterFile, 5, func(line int, words []string) error {
		for _, pattern := range words[:3] {
			if _, err := path.Match(pattern, ""); err != nil {
				return err
			}
		}
		l.later = append(l.later, &laterLine{line: line, kind: words[0], dataset: words[1], design: words[2], issue: words[3], reason: words[4]})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, eachLine(exceptionsFile, 3, func(line int, words []string) error {
		bound, err := strconv.ParseFloat(words[1], 64)
		l.exceptions[words[0]] = &exception{line: line, bound: bound, reason: words[2]}
		return err
	})
}

// eachLine gives the words of each line, the last one with the rest of the line.
func eachLine(name string, words int, take func(line int, words []string) error) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for i, text := range strings.Split(string(b), "\n") {
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		list := make([]string, words)
		for k := range list {
			list[k], text, _ = strings.Cut(text, " ")
			text = strings.TrimLeft(text, " ")
		}
		list[words-1] = strings.TrimSpace(list[words-1] + " " + text)
		if list[words-1] == "" {
			return fmt.Errorf("%s:%d: has fewer than %d words; the last says why", name, i+1, words)
		}
		if err := take(i+1, list); err != nil {
			return fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	return nil
}

// matches says whether the line speaks of the case.
func (l *laterLine) matches(c Case) bool {
	return glob(l.kind, c.Estimator) && glob(l.dataset, c.Dataset) && glob(l.design, c.Design)
}

// glob is path.Match of a pattern that was checked, with * for slashes too.
func glob(pattern, name string) bool {
	flat := strings.NewReplacer("/", "|")
	ok, _ := path.Match(flat.Replace(pattern), flat.Replace(name))
	return ok
}

// judge computes a case and holds it against the lists.
func (l *lists) judge(t *testing.T, a *archive, f oracleFile, c Case) (outcome, float64) {
	t.Helper()
	r, err := a.compute(f, c)
	if errors.Is(err, errAbsent) {
		l.absent[err.Error()]++
		return absent, 0
	}
	isLater := false
	for _, line := range l.later {
		if line.matches(c) {
			isLater = true
			line.cases++
			line.failed += btoi(len(r.faults) > 0)
			if line.example == "" && len(r.faults) > 0 {
				line.example = c.ID + ": " + r.faults[0]
			}
		}
	}
	except := l.exceptions[c.ID]
	if except != nil {
		except.passes = len(r.faults) == 0
	}
	switch {
	case len(r.faults) == 0:
		return passed, r.worst
	case isLater:
		return later, 0
	case except != nil && r.worst <= except.bound:
		return excepted, 0
	case except != nil:
		t.Errorf("off by %.3g, but exceptions.txt:%d allows %.3g", r.worst, except.line, except.bound)
	}
	for _, fault := range r.faults[:min(len(r.faults), 5)] {
		t.Errorf("%s of %s (%s): %s", c.Estimator, c.Variable, c.Design, fault)
	}
	return failed, 0
}

// waiting says of every line of later.txt how many cases it excuses, and shows one.
func (l *lists) waiting() string {
	var text strings.Builder
	for _, line := range l.later {
		if line.failed > 0 {
			fmt.Fprintf(&text, "later.txt:%d %s: %d of %d cases of %s %s %s, %s; such as %s\n",
				line.line, line.issue, line.failed, line.cases, line.kind, line.dataset, line.design, line.reason, line.example)
		}
	}
	return text.String()
}

// missing says which data are absent and how many cases that leaves out.
func (l *lists) missing() string {
	var text strings.Builder
	for _, what := range slices.Sorted(maps.Keys(l.absent)) {
		fmt.Fprintf(&text, "%d cases: %s\n", l.absent[what], what)
	}
	return text.String()
}

// stale complains of lines that are true no more: all cases of the line pass.
func (l *lists) stale() []string {
	var complaints []string
	for _, line := range l.later {
		if line.cases > 0 && line.failed == 0 {
			complaints = append(complaints, fmt.Sprintf("later.txt:%d: all %d cases of %s %s %s pass; remove the line",
				line.line, line.cases, line.kind, line.dataset, line.design))
		}
	}
	for id, e := range l.exceptions {
		if e.passes {
			complaints = append(complaints, fmt.Sprintf("exceptions.txt:%d: case %s passes; remove the line", e.line, id))
		}
	}
	return complaints
}
