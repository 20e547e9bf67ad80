package waves

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// maxVersions is how many versions a wave may have.
const maxVersions = 99

// versionFile names the file of version n, from 1.
func versionFile(n int) string {
	if n == 1 {
		return questionnaireFile
	}
	return fmt.Sprintf("questionnaire.%d.json", n)
}

// versions reads the frozen questionnaires of a wave, the first version first, with the
// bytes of each.
func (f Folder) versions(id string) (list []*surveys.Questionnaire, texts [][]byte, err error) {
	for n := 1; n <= maxVersions; n++ {
		src, err := os.ReadFile(filepath.Join(string(f), id, versionFile(n)))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		q := new(surveys.Questionnaire)
		if err := json.Unmarshal(src, q); err != nil {
			return nil, nil, fmt.Errorf("wave %s: %s: %w", id, versionFile(n), err)
		}
		if err := f.checkVersion(id, n, q); err != nil {
			return nil, nil, err
		}
		list, texts = append(list, q), append(texts, src)
	}
	return list, texts, nil
}

// versionMark is what the name of a version's file ends in that holds only the version
// itself, so that a file which was changed afterwards is found out.
const versionMark = ".version"

// checkVersion compares a questionnaire that was read with the version it was published
// as. Waves of older programs do not say it.
func (f Folder) checkVersion(id string, n int, q *surveys.Questionnaire) error {
	mark, err := os.ReadFile(filepath.Join(string(f), id, versionFile(n)+versionMark))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if was := strings.TrimSpace(string(mark)); was != q.Version() {
		return fmt.Errorf("%w: wave %s: %s was published as version %s, and what is there now is version %s; "+
			"restore the file from a backup, and publish a change as a further version (suyang publish %[2]s --questionnaire FILE)",
			ErrEdited, id, filepath.Join(string(f), id, versionFile(n)), was, q.Version())
	}
	return nil
}

// freezeVersion keeps a questionnaire as the newest version of a wave, unless it is that
// already.
func (f Folder) freezeVersion(id string, q *surveys.Questionnaire) error {
	src, err := json.Marshal(q)
	if err != nil {
		return err
	}
	list, texts, err := f.versions(id)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(texts, func(text []byte) bool { return bytes.Equal(text, src) })
	switch {
	case at >= 0 && at == len(texts)-1:
		return nil
	case at >= 0:
		return fmt.Errorf("%w: wave %s had version %s before and goes on with %s; change the edition to publish the old wording again",
			surveys.ErrConflict, id, q.Version(), list[len(list)-1].Version())
	case len(list) == maxVersions:
		return fmt.Errorf("%w: wave %s has %d versions already; publish a new wave", surveys.ErrConflict, id, maxVersions)
	case len(list) > 0:
		if why := differs(list[len(list)-1], q); why != "" {
			return fmt.Errorf("%w: wave %s: %s, so the answers of both versions cannot be analysed together; publish the change as a new wave", surveys.ErrConflict, id, why)
		}
	}
	name := versionFile(len(list) + 1)
	if err := f.make(id); err != nil {
		return err
	}
	// A mark without its file is left of a publishing that was cut short.
	if err := WriteDurably(filepath.Join(string(f), id, name+versionMark), []byte(q.Version()+"\n")); err != nil {
		return err
	}
	return f.freeze(id, name, src)
}

// differs says why answers to two questionnaires cannot be put together; "" when they
// can: what is scored and how, the booklets, and the kind of every item must be the
// same. Wordings, and what is not scored, may differ.
func differs(a, b *surveys.Questionnaire) string {
	switch {
	case a.ID != b.ID:
		return fmt.Sprintf("it asks %s, not %s", a.ID, b.ID)
	case ruleOf(a) != ruleOf(b):
		return otherRule(a.Criterion, b.Criterion)
	case !slices.EqualFunc(a.Booklets, b.Booklets, sameBooklet):
		return "the booklets are others"
	}
	now := map[string]*surveys.Item{}
	for it := range b.Items {
		now[it.ID] = it
	}
	for it := range a.Items {
		other := now[it.ID]
		delete(now, it.ID)
		switch {
		case other == nil && it.Dimension != "":
			return fmt.Sprintf("the scored item %s is gone", it.ID)
		case other == nil:
		case other.Type != it.Type:
			return fmt.Sprintf("item %s was %s and is %s now (give it another ID)", it.ID, it.Type, other.Type)
		case other.Dimension != it.Dimension:
			return fmt.Sprintf("item %s counts for another dimension", it.ID)
		case it.Dimension != "" && (!sameSet(it.Key, other.Key) || !sameSet(codes(it), codes(other))):
			return fmt.Sprintf("the scored item %s has another key or other options", it.ID)
		}
	}
	for _, it := range now {
		if it.Dimension != "" {
			return "there are new scored items"
		}
	}
	return ""
}

// otherRule names the criteria of two questionnaires that score by other rules.
func otherRule(a, b *surveys.Criterion) string {
	switch {
	case a == nil || b == nil:
		return "one version has a criterion and the other has none"
	case a.ID != b.ID:
		return fmt.Sprintf("its criterion is %s, not %s", a.ID, b.ID)
	}
	return fmt.Sprintf("its criterion %s has other points, cuts or rules now", a.ID)
}

// ruleOf is a criterion without its words.
func ruleOf(q *surveys.Questionnaire) string {
	if q.Criterion == nil {
		return ""
	}
	c := *q.Criterion
	c.Name, c.Lowest = nil, nil
	c.Dimensions, c.Levels = slices.Clone(c.Dimensions), slices.Clone(c.Levels)
	for i := range c.Dimensions {
		c.Dimensions[i].Name = nil
	}
	for i := range c.Levels {
		c.Levels[i].Name = nil
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic("waves: a criterion must be plain data: " + err.Error())
	}
	return string(b)
}

func sameBooklet(a, b surveys.Booklet) bool {
	return a.ID == b.ID && a.Share == b.Share && slices.Equal(a.Items, b.Items)
}

func codes(it *surveys.Item) (list []string) {
	for _, o := range it.Options {
		list = append(list, o.Code)
	}
	return list
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, strings.Compare)
	slices.SortFunc(b, strings.Compare)
	return slices.Equal(a, b)
}
