package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/node"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
)

// bookletsFile holds the booklets of a wave's cases where the sample itself is not.
const bookletsFile = "booklets.json"

// keptBooklets are those of bookletsFile, nil when there is none.
func (f *stateFlags) keptBooklets(wave string) (map[string]string, error) {
	src, err := os.ReadFile(filepath.Join(string(f.waves()), wave, bookletsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	given := map[string]string{}
	if err == nil {
		err = json.Unmarshal(src, &given)
	}
	return given, err
}

// fingerprint changes when a file of the published waves does.
func (f *stateFlags) fingerprint() (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(string(f.waves()), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // there is no wave yet, or a file is just being replaced
		err = nil
	}
	return b.String(), err
}

// bundler puts together what collectors get, and keeps it until something changes.
type bundler struct {
	st *station

	mu   sync.Mutex
	of   string
	text []byte
	tag  string
}

// bundle is what the office publishes now.
func (b *bundler) bundle(ctx context.Context) ([]byte, string, error) {
	of, err := b.st.flags.fingerprint()
	if err != nil {
		return nil, "", err
	}
	issues, err := b.st.drafts.Issues(ctx)
	if err != nil {
		return nil, "", err
	}
	of += fmt.Sprintf("%x", issues)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == of {
		return b.text, b.tag, nil
	}
	bundle := &node.Bundle{}
	for hash, n := range issues {
		bundle.Issues = append(bundle.Issues, node.Issue{Case: []byte(hash), Issue: n})
	}
	slices.SortFunc(bundle.Issues, func(x, y node.Issue) int { return slices.Compare(x.Case, y.Case) })
	if bundle.Files, err = b.st.flags.bundleFiles(); err != nil {
		return nil, "", err
	}
	if b.text, b.tag, err = bundle.Encode(); err == nil {
		b.of = of
	}
	return b.text, b.tag, err
}

// bundleFiles are the files that collectors need of all waves.
func (f *stateFlags) bundleFiles() (files []node.File, err error) {
	list, err := f.waves().All()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, w := range list {
		own, err := f.waveFiles(w)
		if err != nil {
			return nil, fmt.Errorf("wave %s: %w", w.ID, err)
		}
		files = append(files, own...)
		for _, q := range append(slices.Clone(w.Earlier), w.Questionnaire) {
			for _, id := range ownLists(q, divisions.Lists()) {
				if seen[id] {
					continue
				}
				seen[id] = true
				src, err := os.ReadFile(f.listPath(id))
				if err != nil {
					return nil, err
				}
				files = append(files, node.File{Name: path.Join(listFiles, id+".csv"), Data: src})
			}
		}
	}
	return files, nil
}

// waveFiles are the files of a wave that collectors need: all but the sample, of which they
// need the booklets only.
func (f *stateFlags) waveFiles(w waves.Wave) (files []node.File, err error) {
	dir := filepath.Join(string(f.waves()), w.ID)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	add := func(name string, data []byte) {
		files = append(files, node.File{Name: path.Join("waves", w.ID, name), Data: data})
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") || slices.Contains(waves.OfficeFiles, e.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if e.Name() == waves.ClosedFile { // a mark of an older program says it by the file's own time
			data = []byte(w.ClosedAt.UTC().Format(time.RFC3339) + "\n")
		}
		add(e.Name(), data)
	}
	given, err := f.booklets(w.ID)
	if err != nil || len(given) == 0 {
		return files, err
	}
	text, err := json.Marshal(given)
	add(bookletsFile, text)
	return files, err
}

// The files of a collector's copy of what the office has published.
const (
	cacheFolder = "published"
	cacheTag    = "current"
)

// markCollector makes the folder of the copy, which says from then on that the state folder
// is that of a collector.
func (f *stateFlags) markCollector() error {
	_, err := wal.Folder(filepath.Join(f.State, cacheFolder))
	return err
}

// cached is the copy of what the office has published, and its tag; nil when there is none.
func (f *stateFlags) cached() (*publishedWaves, string, error) {
	text, err := os.ReadFile(filepath.Join(f.State, cacheFolder, cacheTag))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	tag := strings.TrimSpace(string(text))
	if err != nil || !filepath.IsLocal(tag) {
		return nil, "", errors.Join(err, fmt.Errorf("the copy of the waves is named %q", tag))
	}
	p, err := (&stateFlags{State: filepath.Join(f.State, cacheFolder, tag)}).published()
	return p, tag, err
}

// keep takes what the office has published in the place of what was there, once all of it
// has been read and compiled.
func (f *stateFlags) keep(b *node.Bundle, tag string) (*publishedWaves, error) {
	parent := filepath.Join(f.State, cacheFolder)
	folder := filepath.Join(parent, tag)
	if err := os.RemoveAll(folder); err != nil { // of a try that was cut short
		return nil, err
	}
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	for _, file := range b.Files {
		to := filepath.Join(folder, filepath.FromSlash(file.Name))
		if err := makeFolder(filepath.Dir(to)); err != nil {
			return nil, err
		}
		if err := waves.WriteDurably(to, file.Data); err != nil {
			return nil, err
		}
	}
	p, err := (&stateFlags{State: folder}).published()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the waves of the office cannot be used, and those of before are served: %w", err), os.RemoveAll(folder))
	}
	if err := waves.WriteDurably(filepath.Join(parent, cacheTag), []byte(tag+"\n")); err != nil {
		return nil, err
	}
	return p, removeOthers(parent, tag)
}

// removeOthers removes earlier copies.
func removeOthers(parent, tag string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != tag {
			err = errors.Join(err, os.RemoveAll(filepath.Join(parent, e.Name())))
		}
	}
	return err
}
