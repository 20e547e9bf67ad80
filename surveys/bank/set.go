package bank

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/definition"
)

// Booklet returns the IDs of the items of a booklet of the design, in the order of the
// bank.
func (s *Set) Booklet(k int) []string {
	ids := slices.Clone(s.Linking)
	for _, c := range s.Design.Booklets[k] {
		ids = append(ids, s.Clusters[c]...)
	}
	return inBankOrder(s.Bank, ids)
}

// Items returns the IDs of all items of the set, in the order of the bank.
func (s *Set) Items() []string {
	return inBankOrder(s.Bank, slices.Concat(s.Linking, slices.Concat(s.Clusters...)))
}

// The files that stand beside a questionnaire that takes items from a bank.
const (
	BankFile      = "bank.yaml"
	BlueprintFile = "blueprint.yaml"
)

// ReadFile is ReadQuestionnaire for a file.
func ReadFile(path string) (*surveys.Questionnaire, error) {
	src, err := definition.Load(path)
	if err != nil {
		return nil, err
	}
	return ReadQuestionnaire(path, src, os.DirFS(filepath.Dir(path)))
}

// ReadQuestionnaire reads and checks a questionnaire as definition.Read does. Sections
// that ask for items of a bank get those that the blueprint draws; the bank and the
// blueprint are BankFile and BlueprintFile among the files. What it returns is complete.
func ReadQuestionnaire(name string, src []byte, files fs.FS) (*surveys.Questionnaire, error) {
	var q surveys.Questionnaire
	if _, err := definition.Decode(name, src, files, &q); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(q.Sections, func(s surveys.Section) bool { return s.Bank != nil }) {
		return definition.Read(name, src, files)
	}
	set, err := drawn(files)
	if errors.Is(err, fs.ErrNotExist) { // the fault at the section says what to do
		return definition.Read(name, src, files)
	}
	if err != nil {
		return nil, err
	}
	return Complete(name, src, files, set)
}

// drawn assembles the set of the bank and blueprint among the files.
func drawn(files fs.FS) (*Set, error) {
	if files == nil {
		return nil, fs.ErrNotExist
	}
	src, err := fs.ReadFile(files, BankFile)
	if err != nil {
		return nil, err
	}
	b, err := Read(BankFile, src, files)
	if err != nil {
		return nil, err
	}
	if src, err = fs.ReadFile(files, BlueprintFile); err != nil {
		return nil, err
	}
	p, err := ReadBlueprint(BlueprintFile, src, b)
	if err != nil {
		return nil, err
	}
	return Assemble(b, p)
}

// Complete reads a questionnaire and puts the items of a set into the sections that ask
// for them, after the section's own: in the order of the bank, and evenly over the
// sections that want the same dimension. It adds the booklets, which have equal shares;
// a set of one booklet is asked of everybody and needs none. Then it checks everything.
func Complete(name string, src []byte, files fs.FS, set *Set) (*surveys.Questionnaire, error) {
	var q surveys.Questionnaire
	s, err := definition.Decode(name, src, files, &q)
	if err != nil {
		return nil, err
	}
	if len(q.Booklets) > 0 {
		s.Fault("booklets", "the questionnaire has booklets and takes items from a bank", "remove one of them")
	}
	place(s, &q, set)
	if err := s.Err(); err != nil {
		return nil, err
	}
	q.Booklets = append(q.Booklets, booklets(&q, set)...)
	if s.Lint(&q); s.Err() != nil {
		return nil, s.Err()
	}
	return &q, nil
}

// place puts the items of a set into the sections that ask for them.
func place(s *definition.Source, q *surveys.Questionnaire, set *Set) {
	for _, d := range set.Blueprint.Dimensions {
		var sections []int
		for i, section := range q.Sections {
			if section.Bank != nil && section.Bank.Dimension == d.ID {
				sections = append(sections, i)
			}
		}
		if len(sections) == 0 {
			s.Fault("sections", fmt.Sprintf("no section asks for the items of dimension %q", d.ID), fmt.Sprintf("write “bank: {dimension: %s}” in one", d.ID))
			continue
		}
		var items []*Item
		for _, id := range set.Items() {
			if it := set.Bank.Item(id); it.Dimension == d.ID {
				items = append(items, it)
			}
		}
		for n, i := range sections {
			section := &q.Sections[i]
			section.Bank = nil
			for _, it := range items[n*len(items)/len(sections) : (n+1)*len(items)/len(sections)] {
				section.Items = append(section.Items, it.Item)
			}
		}
	}
	for i, section := range q.Sections {
		if section.Bank != nil {
			s.Fault(fmt.Sprintf("sections[%d].bank", i), fmt.Sprintf("the blueprint draws no items of dimension %q", section.Bank.Dimension), "add the dimension to the blueprint, or remove the line")
		}
	}
}

// booklets are those of a set, each with its items in the order of the questionnaire.
func booklets(q *surveys.Questionnaire, set *Set) (list []surveys.Booklet) {
	var placed []string
	for it := range q.Items {
		placed = append(placed, it.ID)
	}
	if n := len(set.Design.Booklets); n > 1 {
		for k := range n {
			b := surveys.Booklet{ID: BookletID(k), Share: 1 / float64(n)}
			drawn := set.Booklet(k)
			for _, id := range placed {
				if slices.Contains(drawn, id) {
					b.Items = append(b.Items, id)
				}
			}
			list = append(list, b)
		}
	}
	return list
}
