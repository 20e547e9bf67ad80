package wal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// FS is one folder of files, with exactly the calls that decide whether data
// survives a power cut. Names have no slashes. Folder gives the real one; tests run
// on a simulated disk.
type FS interface {
	// Open opens an existing file for reading and writing.
	Open(name string) (File, error)
	// Create makes a new file and fails when there is one of that name.
	Create(name string) (File, error)
	Rename(oldName, newName string) error
	Remove(name string) error
	// List returns the names of the files, sorted.
	List() ([]string, error)
	// SyncDir makes the creation, renaming and removal of files durable.
	SyncDir() error
	// Lock reserves the folder for this process until the result is closed.
	Lock() (io.Closer, error)
}

// File is an open file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	// Allocate reserves space for a file of this size, which then reads as zeros.
	Allocate(size int64) error
	Truncate(size int64) error
	// Datasync makes the content and the size durable, Sync all else as well.
	Datasync() error
	Sync() error
}

// Folder returns the folder dir of the operating system. It makes the folder when
// there is none, readable by the owner only.
func Folder(dir string) (FS, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("make folder %s: %w", dir, err)
	}
	return osFolder(dir), nil
}

// makeDir makes dir and its parents, and makes their names durable.
func makeDir(dir string) error {
	switch fi, err := os.Stat(dir); {
	case err == nil && !fi.IsDir():
		return errors.New("there is a file of that name")
	case err == nil:
		return syncParent(dir)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return osFolder(parent).SyncDir()
}

// syncParent makes the name of a folder durable that was there: whoever made it may have
// been killed before. A parent that this user cannot open was not made by this program, and
// where nothing can be written nothing has to be synced.
func syncParent(dir string) error {
	err := osFolder(filepath.Dir(dir)).SyncDir()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

type osFolder string

func (d osFolder) path(name string) string { return filepath.Join(string(d), name) }

// Open opens a file for reading only where the disk cannot be written.
func (d osFolder) Open(name string) (File, error) {
	f, err := openOS(d.path(name), os.O_RDWR)
	if errors.Is(err, syscall.EROFS) {
		return openOS(d.path(name), os.O_RDONLY)
	}
	return f, err
}

func (d osFolder) Create(name string) (File, error) {
	return openOS(d.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func openOS(path string, flag int) (File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d osFolder) Rename(oldName, newName string) error {
	return os.Rename(d.path(oldName), d.path(newName))
}

func (d osFolder) Remove(name string) error { return os.Remove(d.path(name)) }

func (d osFolder) List() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (d osFolder) SyncDir() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// lockName is the file that says who has the log open.
const lockName = "lock"

// Lock takes the lock file. On a disk that cannot be written there may be none, and then
// nobody can write, either.
func (d osFolder) Lock() (io.Closer, error) {
	f, err := os.OpenFile(d.path(lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, syscall.EROFS) {
		if f, err = os.Open(d.path(lockName)); errors.Is(err, fs.ErrNotExist) {
			return io.NopCloser(nil), nil
		}
	}
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("folder %s is in use by another process; stop that one, or choose another data folder: %w", string(d), err)
	}
	return f, nil
}

// Existing returns a folder that is there, for Look: its files are opened for reading
// only, and nothing in it can be made, renamed or removed.
func Existing(dir string) (FS, error) {
	fi, err := os.Stat(dir)
	if err == nil && !fi.IsDir() {
		err = fmt.Errorf("%s is no folder", dir)
	}
	return readOnly{osFolder(dir)}, err
}

// readOnly is a folder in which nothing changes.
type readOnly struct{ osFolder }

func (d readOnly) Open(name string) (File, error) { return openOS(d.path(name), os.O_RDONLY) }
func (readOnly) Create(string) (File, error)      { return nil, syscall.EROFS }
func (readOnly) Rename(string, string) error      { return syscall.EROFS }
func (readOnly) Remove(string) error              { return syscall.EROFS }
func (readOnly) SyncDir() error                   { return syscall.EROFS }
func (readOnly) Lock() (io.Closer, error)         { return nil, syscall.EROFS }

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

// ReadFile returns the content of a small file.
func ReadFile(folder FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, 0, size))
}

// ReplaceFile writes a small file so that a power cut leaves either the old content
// or the new one, and returns when the new one is durable.
func ReplaceFile(folder FS, name string, content []byte) error {
	temp := name + ".new"
	if err := folder.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := folder.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := folder.Rename(temp, name); err != nil {
		return err
	}
	return folder.SyncDir()
}
