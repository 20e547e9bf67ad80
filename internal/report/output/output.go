// Package output writes a report in the forms that people ask for, each as a file that is
// there as a whole or not at all.
package output

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/docx"
	"github.com/suyang-survey/suyang/internal/report/export"
	"github.com/suyang-survey/suyang/internal/report/pdf"
	"github.com/suyang-survey/suyang/internal/report/xlsx"
	"github.com/suyang-survey/suyang/surveys"
)

// Format is a form of a report, named like the ending of its file.
type Format string

// The forms of a report.
const (
	HTML Format = "html"
	DOCX Format = "docx"
	XLSX Format = "xlsx"
	CSV  Format = "csv"
	JSON Format = "json"
	PDF  Format = "pdf"
)

// Options are what writing needs beside the report.
type Options struct {
	// Page writes the report as a page that is complete in itself; HTML and PDF need it.
	Page func(w io.Writer, d *document.Document) error
	// Picture draws the charts of a DOCX; see docx.Options.
	Picture func(c *document.Chart) (png, svg []byte, err error)
	// Print says how a PDF is printed; it says that it was made when the report was.
	Print pdf.Options
	// Progress is told how many files of all are done; nil where nobody waits.
	Progress func(done, total int)
}

// Write writes a report in one form. The same report gives the same bytes; a PDF does so with
// the same browser and fonts.
func Write(ctx context.Context, w io.Writer, f Format, d *document.Document, opt Options) error {
	switch f {
	case HTML:
		return opt.Page(w, d)
	case PDF:
		var page bytes.Buffer
		if err := opt.Page(&page, d); err != nil {
			return err
		}
		how := opt.Print
		how.Made = d.Made
		return pdf.Write(ctx, w, page.Bytes(), how)
	case DOCX:
		return docx.Write(w, d, docx.Options{Picture: opt.Picture})
	case XLSX:
		return xlsx.Write(w, d)
	case CSV:
		return export.CSV(w, d)
	case JSON:
		return export.JSON(w, d)
	}
	return fmt.Errorf("%w: there is no report in the form %q; use html, docx, xlsx, csv, json or pdf", surveys.ErrInvalid, f)
}

// Paths says where the files of a report go. Out is a folder, or for one form also a file; a
// folder gets files that are named name and the form. An error wraps surveys.ErrInvalid.
func Paths(out, name string, formats []Format) ([]string, error) {
	if len(formats) == 1 && !isFolder(out) {
		return []string{out}, nil
	}
	if info, err := os.Stat(out); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%w: %s is a file; several forms need a folder", surveys.ErrInvalid, out)
	}
	paths := make([]string, len(formats))
	for i, f := range formats {
		paths[i] = filepath.Join(out, name+"."+string(f))
	}
	return paths, nil
}

// isFolder reports whether a path names a folder, that is there or ends like one.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator))
}

// Files writes a report in each form to its path and returns the paths that are written. A
// form that cannot be written keeps none of the others from being written; the error says of
// each what went wrong.
func Files(ctx context.Context, paths []string, formats []Format, d *document.Document, opt Options) ([]string, error) {
	var written []string
	var failed error
	for i, f := range formats {
		if err := ctx.Err(); err != nil {
			return written, errors.Join(failed, err)
		}
		err := File(paths[i], func(w io.Writer) error { return Write(ctx, w, f, d, opt) })
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("report %s: %w", paths[i], err))
		} else {
			written = append(written, paths[i])
		}
		if opt.Progress != nil {
			opt.Progress(i+1, len(formats))
		}
	}
	return written, failed
}

// unfinished begins the names of files that are being written, stale is how old one is that
// nobody writes any more: its command was killed.
const (
	unfinished = ".report-"
	stale      = 24 * time.Hour
)

// sweep removes what killed commands left in a folder. A file that cannot be removed is in
// nobody's way.
func sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, unfinished+"*"))
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > stale {
			_ = os.Remove(path)
		}
	}
}

// File writes a file beside its path and moves it there when it is whole and on the disk, so
// that nobody ever sees half of it, and what was there before stays until then.
func File(path string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	sweep(filepath.Dir(path))
	f, err := os.CreateTemp(filepath.Dir(path), unfinished+"*")
	if err != nil {
		return err
	}
	defer func() {
		if removed := os.Remove(f.Name()); err == nil && !errors.Is(removed, fs.ErrNotExist) {
			err = removed
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
