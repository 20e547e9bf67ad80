package engine

import (
	"errors"
	"os"
	"path/filepath"
)

// libraryName is the same everywhere: the packages for macOS use it as well.
const libraryName = "libchdb.so"

// ErrNoLibrary says that libchdb is on none of the places where FindLibrary looks.
var ErrNoLibrary = errors.New("the ClickHouse engine (" + libraryName + ") is missing; run `make engine`, or set SUYANG_LIBCHDB to its path")

// FindLibrary returns the path of libchdb: SUYANG_LIBCHDB, else beside the
// program, else in the data folder. A path in SUYANG_LIBCHDB that does not exist
// is an error, not a reason to look further.
func FindLibrary(data string) (string, error) {
	if path := os.Getenv("SUYANG_LIBCHDB"); path != "" {
		if !isFile(path) {
			return "", errors.New("SUYANG_LIBCHDB names no file: " + path + "; correct it, or unset it and run `make engine`")
		}
		return path, nil
	}
	var places []string
	if program, err := os.Executable(); err == nil {
		places = append(places, filepath.Dir(program))
		if real, err := filepath.EvalSymlinks(program); err == nil {
			places = append(places, filepath.Dir(real))
		}
	}
	for _, folder := range append(places, data) {
		if path := filepath.Join(folder, libraryName); folder != "" && isFile(path) {
			return path, nil
		}
	}
	return "", ErrNoLibrary
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
