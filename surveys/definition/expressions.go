package definition

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
	"github.com/suyang-survey/suyang/surveys/form"
	"github.com/suyang-survey/suyang/surveys/geo"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
)

// divisions finds the code lists of the regions.
func (l *linter) divisions() (lists []*geo.List) {
	wanted := map[string]bool{}
	var shipped []*geo.List
	l.walk(func(path string, it *surveys.Item) {
		if it.Division == nil || wanted[it.Division.List] {
			return
		}
		id := it.Division.List
		wanted[id] = true
		if shipped == nil {
			shipped = divisions.Lists()
		}
		if i := slices.IndexFunc(shipped, func(s *geo.List) bool { return s.ID == id }); i >= 0 {
			lists = append(lists, shipped[i])
		} else if own := l.ownList(path+".division.list", id, shipped); own != nil {
			lists = append(lists, own)
		}
	})
	return lists
}

// depth checks that the answers to regions can be as deep as the item wants; otherwise
// any division without parts would be taken for a whole answer.
func (l *linter) depth(lists []*geo.List) {
	deepest := map[surveys.Division]geo.Level{}
	l.walk(func(path string, it *surveys.Item) {
		if it.Division == nil {
			return
		}
		i := slices.IndexFunc(lists, func(s *geo.List) bool { return s.ID == it.Division.List })
		want := geo.Level(it.Division.Level)
		if i < 0 || !want.Valid() {
			return // that is a fault of its own
		}
		part := surveys.Division{List: it.Division.List, Within: it.Division.Within}
		if _, known := deepest[part]; !known {
			deepest[part] = lists[i].Deepest(part.Within)
		}
		if has := deepest[part]; has != "" && !has.Reaches(want) {
			l.faultAt(path+".division.level", fmt.Sprintf("region %q asks down to the %s and the code list %s has none there", it.ID, want, part.List),
				fmt.Sprintf("write “level: %s”, the deepest that it has, or a list of your own with more", has))
		}
	})
}

// maxList is the largest code list that is read, in bytes.
const maxList = 64 << 20

// ownList reads a code list of the author.
func (l *linter) ownList(path, id string, shipped []*geo.List) *geo.List {
	var f fs.File
	err := fs.ErrNotExist
	if l.files != nil && matches(id, addressID) {
		f, err = l.files.Open(id + ".csv")
	}
	if err != nil {
		known := make([]string, len(shipped))
		for i, s := range shipped {
			known[i] = s.ID
		}
		l.faultAt(path, fmt.Sprintf("there is no code list %q", shorten(id)), "put it beside the definition as a file LIST.csv with the columns code,name_zh,name_en, or use one of: "+strings.Join(known, ", "))
		return nil
	}
	defer f.Close()
	list, err := geo.Read(id, io.LimitReader(f, maxList))
	if err != nil {
		l.faultAt(path, strings.TrimPrefix(err.Error(), "invalid: "), "correct the file "+id+".csv")
		return nil
	}
	return list
}

// walk calls each for every item with its path, those of a roster after it.
func (l *linter) walk(each func(path string, it *surveys.Item)) {
	for s := range l.q.Sections {
		for i := range l.q.Sections[s].Items {
			it := &l.q.Sections[s].Items[i]
			path := fmt.Sprintf("sections[%d].items[%d]", s, i)
			each(path, it)
			for n := range it.Items {
				each(fmt.Sprintf("%s.items[%d]", path, n), &it.Items[n])
			}
		}
	}
}

// expressions compiles the form and shows where each fault stands in the file.
func (l *linter) expressions(lists []*geo.List) {
	f, err := form.Compile(l.q, lists...)
	if err == nil {
		l.sense(f, lists)
		return
	}
	var faults form.Faults
	if !errors.As(err, &faults) {
		l.faultAt("", err.Error(), "")
		return
	}
	path := l.paths()
	for _, f := range faults {
		path := path(form.Use{Section: f.Section, Item: f.Item, Field: f.Field})
		var e *expr.Error
		if n, ok := l.at[path]; ok && errors.As(f.Err, &e) {
			l.expression(n, path, e)
		} else {
			l.faultAt(path, f.Err.Error(), "")
		}
	}
}

// expression reports a fault in an expression that a scalar is, or has in it as ${…}.
func (l *linter) expression(n *yaml.Node, path string, e *expr.Error) {
	at, piped := l.charOf(n, path, e)
	msg := fmt.Sprintf("%s is not a valid expression: %s", named(path), e.Msg)
	if piped {
		msg = "${" + shorten(e.Source) + "} is not a valid expression: " + e.Msg
	}
	l.faultIn(at, path, msg, "")
}

// charAt counts the characters before a place of a text.
func charAt(s string, line, col int) (n int) {
	for _, text := range strings.SplitAfter(s, "\n")[:line-1] {
		n += utf8.RuneCountInString(text)
	}
	return n + col - 1
}
