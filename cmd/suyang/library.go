package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// libraryCommand shows what comes with the program, and writes it out to be changed.
type libraryCommand struct {
	Name string `arg:"" optional:"" help:"What to write out, such as civic-literacy-guangdong; without it the names are listed."`
	Out  string `short:"o" placeholder:"FOLDER" help:"Folder to write to, by default one of that name here. Files that are there are not overwritten."`
}

// Run lists the library, or writes a part of it.
func (c *libraryCommand) Run(con *console) error {
	if c.Name == "" {
		for _, name := range library.Folders() {
			fmt.Fprintf(con.out, "%s: %s\n", name, strings.Join(filesOf(name), ", "))
		}
		return nil
	}
	if !slices.Contains(library.Folders(), c.Name) {
		return fmt.Errorf("the library has no %q: %w; it has %v", c.Name, surveys.ErrNotFound, library.Folders())
	}
	folder := c.Out
	if folder == "" {
		folder = c.Name
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range filesOf(c.Name) {
		path, err := writeOut(c.Name, name, folder)
		if err != nil {
			return err
		}
		fmt.Fprintln(con.out, path)
	}
	return nil
}

// filesOf are the files of a folder of the library.
func filesOf(folder string) (names []string) {
	files, err := fs.Glob(library.FS, folder+"/*")
	if err != nil {
		panic("library: " + err.Error()) // names of folders are no patterns
	}
	for _, f := range files {
		names = append(names, path.Base(f))
	}
	return names
}

// writeOut writes a file of the library into a folder, unless it has one of that name.
func writeOut(from, name, folder string) (string, error) {
	src, err := library.File(from, name)
	if err != nil {
		return "", err
	}
	to := filepath.Join(folder, name)
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", fmt.Errorf("%w; move it away, or name another folder with -o", err)
	}
	if _, err := f.Write(src); err != nil {
		f.Close()
		return "", err
	}
	return to, f.Close()
}
