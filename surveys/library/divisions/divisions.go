// Package divisions holds the code lists of administrative divisions that come with the
// program: all provinces, and the cities and counties of Zhejiang and Guangdong, in two
// vintages. README.md says where they come from. Townships and other provinces come from
// a file of the user, read by geo.Read.
package divisions

import (
	"embed"
	"io/fs"
	"strings"

	"github.com/suyang-survey/suyang/surveys/geo"
)

//go:embed *.csv
var files embed.FS

// Lists returns the code lists of the program, by ID.
func Lists() []*geo.List {
	names, err := fs.Glob(files, "*.csv")
	if err != nil {
		panic("divisions: " + err.Error()) // the pattern is constant and right
	}
	lists := make([]*geo.List, len(names))
	for i, name := range names {
		if lists[i], err = read(name); err != nil {
			panic("divisions: " + err.Error()) // the files are part of the program
		}
	}
	return lists
}

func read(name string) (*geo.List, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return geo.Read(strings.TrimSuffix(name, ".csv"), f)
}
