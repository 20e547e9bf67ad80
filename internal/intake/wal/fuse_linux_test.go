package wal_test

import (
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
)

// mount shows a simulated disk as a folder of the operating system, so that what writes
// to it goes through the system's own calls. The system keeps no pages of it: each write
// and each sync reaches the disk.
func mount(d *simdisk.Disk, dir string) (unmount func() error, err error) {
	server, err := fs.Mount(dir, &lossyRoot{disk: d}, &fs.Options{
		MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "simdisk", Name: "lossy"},
	})
	if err != nil {
		return nil, err
	}
	return func() error {
		err := server.Unmount()
		if err != nil {
			err = errors.Join(err, syscall.Unmount(dir, syscall.MNT_DETACH))
		}
		server.Wait()
		return err
	}, nil
}

// lossyRoot is the folder, lossyFile a file in it.
type (
	lossyRoot struct {
		fs.Inode
		disk *simdisk.Disk
	}
	lossyFile struct {
		fs.Inode
		root *lossyRoot
		file wal.File
	}
)

var (
	_ fs.NodeLookuper  = (*lossyRoot)(nil)
	_ fs.NodeCreater   = (*lossyRoot)(nil)
	_ fs.NodeUnlinker  = (*lossyRoot)(nil)
	_ fs.NodeRenamer   = (*lossyRoot)(nil)
	_ fs.NodeReaddirer = (*lossyRoot)(nil)
	_ fs.NodeFsyncer   = (*lossyRoot)(nil)
	_ fs.NodeGetattrer = (*lossyFile)(nil)
	_ fs.NodeSetattrer = (*lossyFile)(nil)
	_ fs.NodeOpener    = (*lossyFile)(nil)
	_ fs.NodeReader    = (*lossyFile)(nil)
	_ fs.NodeWriter    = (*lossyFile)(nil)
	_ fs.NodeFsyncer   = (*lossyFile)(nil)
	_ fs.NodeAllocater = (*lossyFile)(nil)
)

// number returns an error of the disk as the system has it.
func errorNumber(err error) syscall.Errno {
	var n syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &n):
		return n
	case errors.Is(err, iofs.ErrNotExist):
		return syscall.ENOENT
	case errors.Is(err, iofs.ErrExist):
		return syscall.EEXIST
	}
	return syscall.EIO
}

func (r *lossyRoot) child(ctx context.Context, f wal.File) *fs.Inode {
	return r.NewInode(ctx, &lossyFile{root: r, file: f}, fs.StableAttr{Mode: syscall.S_IFREG})
}

func (r *lossyRoot) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	f, err := r.disk.Open(name)
	if err != nil {
		return nil, errorNumber(err)
	}
	fill(f, &out.Attr)
	return r.child(ctx, f), 0
}

func fill(f wal.File, attr *fuse.Attr) {
	size, _ := f.Size()
	attr.Size, attr.Mode = uint64(size), syscall.S_IFREG|0o600
}

func (r *lossyRoot) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	f, err := r.disk.Create(name)
	if err != nil {
		return nil, nil, 0, errorNumber(err)
	}
	fill(f, &out.Attr)
	return r.child(ctx, f), nil, fuse.FOPEN_DIRECT_IO, 0
}

func (r *lossyRoot) Unlink(_ context.Context, name string) syscall.Errno {
	return errorNumber(r.disk.Remove(name))
}

func (r *lossyRoot) Rename(_ context.Context, name string, _ fs.InodeEmbedder, newName string, _ uint32) syscall.Errno {
	return errorNumber(r.disk.Rename(name, newName))
}

func (r *lossyRoot) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	names, err := r.disk.List()
	var entries []fuse.DirEntry
	for _, name := range names {
		entries = append(entries, fuse.DirEntry{Name: name, Mode: syscall.S_IFREG})
	}
	return fs.NewListDirStream(entries), errorNumber(err)
}

// Fsync of the folder makes names durable.
func (r *lossyRoot) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return errorNumber(r.disk.SyncDir())
}

func (f *lossyFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	fill(f.file, &out.Attr)
	return 0
}

func (f *lossyFile) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if err := f.file.Truncate(int64(size)); err != nil {
			return errorNumber(err)
		}
	}
	fill(f.file, &out.Attr)
	return 0
}

func (f *lossyFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (f *lossyFile) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n, err := f.file.ReadAt(dest, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errorNumber(err)
	}
	return fuse.ReadResultData(dest[:n]), 0
}

func (f *lossyFile) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	n, err := f.file.WriteAt(data, off)
	if n > 0 {
		return uint32(n), 0 // a short write is no error to the system
	}
	return 0, errorNumber(err)
}

// Fsync makes the file durable, be it fsync or fdatasync that was called.
func (f *lossyFile) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return errorNumber(f.file.Sync())
}

func (f *lossyFile) Allocate(_ context.Context, _ fs.FileHandle, off, size uint64, _ uint32) syscall.Errno {
	return errorNumber(f.file.Allocate(int64(off + size)))
}
