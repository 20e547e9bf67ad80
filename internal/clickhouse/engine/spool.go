package engine

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// spool is the private folder for the data of inserts on their way into the
// engine, which reads binary data only from a file.
type spool string

// newSpool makes the folder, without what a process that was killed left there,
// and makes it the working directory of the process: the engine takes files in
// the working directory for tables of the database default.
func newSpool(folder string) (spool, error) {
	path := filepath.Join(folder, "spool")
	if strings.ContainsAny(path, "*?{}") || strings.Contains(path, "::") {
		return "", fmt.Errorf("the data folder %s has *, ?, {, } or :: in its path, which the engine takes for a pattern; choose another folder", folder)
	}
	if err := os.RemoveAll(path); err != nil {
		return "", fmt.Errorf("clean the spool folder: %w", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", fmt.Errorf("make the spool folder: %w", err)
	}
	if err := os.Chdir(path); err != nil {
		return "", fmt.Errorf("enter the spool folder: %w", err)
	}
	return spool(path), nil
}

// keep writes r to a new file with a generated name. The caller removes it.
func (s spool) keep(r io.Reader) (path string, err error) {
	f, err := os.CreateTemp(string(s), "insert-*")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, r)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
