// Package simdisk is a disk for tests that forgets what was not synced. It keeps
// apart what programs see and what is on the platter, loses power at a chosen
// moment, fails on demand, and is the same for the same seed.
package simdisk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// ErrPower is the error of every call after the power was cut.
var ErrPower = errors.New("simulated disk: no power")

const (
	page   = 4096
	sector = 512
)

// Directories says what makes the name of a new file durable.
type Directories int

// The models of directories.
const (
	// Strict is what POSIX promises: only a sync of the directory does.
	Strict Directories = iota
	// Journal is what ext4 does: the sync of any file does, too.
	Journal
)

// Disk is one folder on a simulated disk. It satisfies wal.FS.
type Disk struct {
	model Directories

	mu       sync.Mutex
	rng      *rand.Rand
	names    map[string]*inode // what programs see
	platter  map[string]*inode // what survives
	calls    int
	cutAt    int
	capacity int64
	readOnly bool
	locked   bool
	faults   Faults
}

// Faults are errors to come. A negative number means for ever.
type Faults struct {
	// Syncs and Writes are how many calls fail with EIO. A sync that fails drops
	// what it could not write, as Linux does: the next sync succeeds without it.
	Syncs, Writes int
	// ShortWrites makes a failing write store the first half.
	ShortWrites bool
}

type inode struct {
	data    []byte // what programs see
	platter []byte // what survives
	dirty   map[int]bool
}

// New returns an empty disk; seed decides what a power cut leaves.
func New(seed uint64, model Directories) *Disk {
	return &Disk{
		model: model, rng: rand.New(rand.NewPCG(seed, 1)),
		names: map[string]*inode{}, platter: map[string]*inode{}, cutAt: -1, capacity: -1,
	}
}

// CutAfter cuts the power after n more calls that write.
func (d *Disk) CutAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt = d.calls + n
}

// Calls returns how many calls that write there were.
func (d *Disk) Calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// Fail makes the next calls fail.
func (d *Disk) Fail(f Faults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = f
}

// SetCapacity limits the size of all files together; a negative number is no limit.
func (d *Disk) SetCapacity(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity = n
}

// SetReadOnly makes calls that change something fail with EROFS, as after a remount.
func (d *Disk) SetReadOnly(is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readOnly = is
}

// Reboot cuts the power now, if it was not cut before, and returns the disk as the
// next start finds it: of what was not synced any part may be there, in pages that
// may be torn, and so may names of files.
func (d *Disk) Reboot() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt = d.calls
	next := New(d.rng.Uint64(), d.model)
	survivors := map[*inode]*inode{}
	for _, name := range d.allNames() {
		ino := d.platter[name]
		if seen := d.names[name]; seen != ino && d.rng.IntN(2) == 0 {
			ino = seen
		}
		if ino == nil {
			continue
		}
		if survivors[ino] == nil {
			survivors[ino] = d.survivor(ino)
		}
		next.names[name], next.platter[name] = survivors[ino], survivors[ino]
	}
	return next
}

// Restart lets the disk work again after CutAfter with nothing lost, as when it was the
// process that ended and not the power: what was written is seen, and still not on the
// platter.
func (d *Disk) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt = -1
}

func (d *Disk) allNames() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(d.names)), maps.Keys(d.platter))
	slices.Sort(names)
	return slices.Compact(names)
}

// survivor returns a file as it is after a power cut.
func (d *Disk) survivor(ino *inode) *inode {
	size := len(ino.platter)
	if d.rng.IntN(2) == 0 {
		size = len(ino.data)
	}
	data := resize(slices.Clone(ino.platter), size)
	pages := slices.Sorted(maps.Keys(ino.dirty))
	for _, p := range pages {
		fate := d.rng.IntN(3) // lost, kept, torn
		for s := p * page; s < (p+1)*page && fate != 0; s += sector {
			if end := min(s+sector, len(ino.data), size); s < end && (fate == 1 || d.rng.IntN(2) == 0) {
				copy(data[s:end], ino.data[s:end])
			}
		}
	}
	return &inode{data: data, platter: slices.Clone(data), dirty: map[int]bool{}}
}

func resize(b []byte, size int) []byte {
	if size <= len(b) {
		return b[:size]
	}
	return append(b, make([]byte, size-len(b))...)
}

// step counts a call that writes and says whether there is power. Callers hold mu.
func (d *Disk) step() error {
	if d.cutAt >= 0 && d.calls >= d.cutAt {
		return ErrPower
	}
	if d.readOnly {
		return syscall.EROFS
	}
	d.calls++
	return nil
}

// take uses one of n errors to come.
func take(n *int) bool {
	if *n > 0 {
		*n--
		return true
	}
	return *n < 0
}

// room says whether a file may grow to size.
func (d *Disk) room(ino *inode, size int) bool {
	if d.capacity < 0 || size <= len(ino.data) {
		return true
	}
	used := int64(size - len(ino.data))
	for _, other := range d.names {
		used += int64(len(other.data))
	}
	return used <= d.capacity
}

// Open opens a file.
func (d *Disk) Open(name string) (wal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ino := d.names[name]
	if ino == nil {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	return &file{d, ino}, nil
}

// Create makes a file.
func (d *Disk) Create(name string) (wal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return nil, err
	}
	if d.names[name] != nil {
		return nil, fmt.Errorf("create %s: %w", name, fs.ErrExist)
	}
	ino := &inode{dirty: map[int]bool{}}
	d.names[name] = ino
	return &file{d, ino}, nil
}

// Rename gives a file another name.
func (d *Disk) Rename(oldName, newName string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	ino := d.names[oldName]
	if ino == nil {
		return fmt.Errorf("rename %s: %w", oldName, fs.ErrNotExist)
	}
	delete(d.names, oldName)
	d.names[newName] = ino
	return nil
}

// Remove removes a file.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	if d.names[name] == nil {
		return fmt.Errorf("remove %s: %w", name, fs.ErrNotExist)
	}
	delete(d.names, name)
	return nil
}

// List returns the names of the files.
func (d *Disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names)), nil
}

// SyncDir makes names durable.
func (d *Disk) SyncDir() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	if take(&d.faults.Syncs) {
		return syscall.EIO
	}
	d.platter = maps.Clone(d.names)
	return nil
}

// Lock reserves the disk.
func (d *Disk) Lock() (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked {
		return nil, errors.New("the simulated disk is in use")
	}
	d.locked = true
	return unlocker{d}, nil
}

type unlocker struct{ d *Disk }

func (u unlocker) Close() error {
	u.d.mu.Lock()
	defer u.d.mu.Unlock()
	u.d.locked = false
	return nil
}

// Corrupt changes a file in place, in the cache and on the platter.
func (d *Disk) Corrupt(name string, change func(content []byte) []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ino := d.names[name]
	ino.data = change(slices.Clone(ino.data))
	ino.platter = slices.Clone(ino.data)
	clear(ino.dirty)
}

type file struct {
	d   *Disk
	ino *inode
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if off >= int64(len(f.ino.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.ino.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step(); err != nil {
		return 0, err
	}
	var err error
	if take(&f.d.faults.Writes) {
		if err = syscall.EIO; !f.d.faults.ShortWrites {
			return 0, err
		}
		p = p[:len(p)/2]
	}
	if !f.d.room(f.ino, int(off)+len(p)) {
		return 0, syscall.ENOSPC
	}
	if end := int(off) + len(p); end > len(f.ino.data) {
		f.ino.data = resize(f.ino.data, end)
	}
	copy(f.ino.data[off:], p)
	for i := int(off) / page; i*page < int(off)+len(p); i++ {
		f.ino.dirty[i] = true
	}
	return len(p), err
}

func (f *file) Close() error { return nil }

func (f *file) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return int64(len(f.ino.data)), nil
}

func (f *file) Allocate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step(); err != nil {
		return err
	}
	if !f.d.room(f.ino, int(size)) {
		return syscall.ENOSPC
	}
	f.ino.data = resize(f.ino.data, max(int(size), len(f.ino.data)))
	return nil
}

func (f *file) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step(); err != nil {
		return err
	}
	f.ino.data = resize(slices.Clone(f.ino.data), int(size))
	return nil
}

func (f *file) Datasync() error { return f.Sync() }

func (f *file) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step(); err != nil {
		return err
	}
	if take(&f.d.faults.Syncs) {
		clear(f.ino.dirty)
		return syscall.EIO
	}
	f.ino.flush()
	if f.d.model == Journal {
		f.d.platter = maps.Clone(f.d.names)
	}
	return nil
}

// flush brings dirty pages and the size to the platter.
func (ino *inode) flush() {
	ino.platter = resize(ino.platter, len(ino.data))
	for p := range ino.dirty {
		if at := p * page; at < len(ino.data) {
			copy(ino.platter[at:min(at+page, len(ino.data))], ino.data[at:])
		}
	}
	clear(ino.dirty)
}
