// Package divisions holds the code lists of administrative divisions that come with the
// program: all provinces, and the cities and counties of Zhejiang and Guangdong, in two
// vintages, and what became of the codes between them. README.md says where they come from. Townships and other provinces come from
// a file of the user, read by geo.Read.
package divisions

import (
	"embed"
	"io"
	"io/fs"
	"strings"

	"github.com/suyang-survey/suyang/surveys/geo"
)

//go:embed *.csv crosswalks/*.csv
var files embed.FS

// Lists returns the code lists of the program, by ID.
func Lists() []*geo.List {
	names, err := fs.Glob(files, "*.csv")
	if err != nil {
		panic("divisions: " + err.Error()) // the pattern is constant and right
	}
	lists := make([]*geo.List, len(names))
	for i, name := range names {
		if lists[i], err = read(name, geo.Read); err != nil {
			panic("divisions: " + err.Error()) // the files are part of the program
		}
	}
	return lists
}

// Crosswalks returns the crosswalks of the program, by their vintages.
func Crosswalks() []*geo.Crosswalk {
	names, err := fs.Glob(files, "crosswalks/*.csv")
	if err != nil {
		panic("divisions: " + err.Error()) // the pattern is constant and right
	}
	all := make([]*geo.Crosswalk, len(names))
	for i, name := range names {
		all[i], err = read(name, func(id string, r io.Reader) (*geo.Crosswalk, error) {
			from, to, _ := strings.Cut(strings.TrimPrefix(id, "crosswalks/"), "-")
			return geo.ReadCrosswalk(from, to, r)
		})
		if err != nil {
			panic("divisions: " + err.Error()) // the files are part of the program
		}
	}
	return all
}

// read reads a file of the program.
func read[T any](name string, as func(id string, r io.Reader) (T, error)) (T, error) {
	f, err := files.Open(name)
	if err != nil {
		var none T
		return none, err
	}
	defer f.Close()
	return as(strings.TrimSuffix(name, ".csv"), f)
}
