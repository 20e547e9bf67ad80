package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
)

// listPath is where the code list of an author is kept once a wave uses it. An ID names a
// list with its vintage, so the waves of an installation share it.
func (f *stateFlags) listPath(id string) string {
	return filepath.Join(f.State, listFiles, id+".csv")
}

// ownLists are the code lists that a questionnaire takes regions from and that do not come
// with the program.
func ownLists(q *surveys.Questionnaire, shipped []*geo.List) []string {
	var ids []string
	for it := range q.Items {
		if it.Division == nil || slices.Contains(ids, it.Division.List) ||
			slices.ContainsFunc(shipped, func(l *geo.List) bool { return l.ID == it.Division.List }) {
			continue
		}
		ids = append(ids, it.Division.List)
	}
	return ids
}

// keepLists copies the code lists beside a definition to the state folder. A list that is
// there stays as it is: answers refer to it.
func (f *stateFlags) keepLists(q *surveys.Questionnaire, folder string) error {
	for _, id := range ownLists(q, divisions.Lists()) {
		src, err := os.ReadFile(filepath.Join(folder, id+".csv"))
		if err != nil {
			return err
		}
		kept, err := os.ReadFile(f.listPath(id))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if err := makeFolder(filepath.Dir(f.listPath(id))); err != nil {
				return err
			}
			if err := waves.WriteDurably(f.listPath(id), src); err != nil {
				return err
			}
		case err != nil:
			return err
		case !bytes.Equal(kept, src):
			return fmt.Errorf("%w: an earlier wave has published another code list %s; give the changed one another vintage", surveys.ErrConflict, id)
		}
	}
	return nil
}

// lists are the code lists of a published questionnaire.
func (f *stateFlags) lists(q *surveys.Questionnaire) ([]*geo.List, error) {
	all := divisions.Lists()
	for _, id := range ownLists(q, all) {
		file, err := os.Open(f.listPath(id))
		if err != nil {
			return nil, fmt.Errorf("the code list %s of a published questionnaire is gone: %w", id, err)
		}
		l, err := geo.Read(id, file)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}
