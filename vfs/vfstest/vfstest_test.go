package vfstest

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// Each defect breaks one promise, and at least the checks named must notice.
func TestSuiteNoticesDefects(t *testing.T) {
	for _, c := range []struct {
		defect  string
		broken  func(fs *memfs.FS) vfs.FS
		noticed string
	}{
		{"drops a write of a page and a byte", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, write: func(w vfs.Writer, p []byte) (int, error) {
				if len(p) == 4097 {
					return len(p), nil
				}
				return w.Write(p)
			}}
		}, "FileIsTheConcatenationOfItsWrites"},
		{"keeps the buffer until the next write", keepsBuffers, "WriteDoesNotKeepItsBuffer"},
		{"reads one byte late behind a page", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, read: func(r vfs.Reader, p []byte, offset int64) (int, error) {
				if offset > 32768 {
					offset++
				}
				return r.ReadAt(p, offset)
			}}
		}, "ReadAtReadsAnyRange OneReaderServesManyGoroutines"},
		{"gives no EOF", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, read: func(r vfs.Reader, p []byte, offset int64) (int, error) {
				n, _ := r.ReadAt(p, offset)
				return n, nil
			}}
		}, "ReadAtEndsWithEOF SizeIsFixedAtOpen"},
		{"writes behind the buffer", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, read: func(r vfs.Reader, p []byte, offset int64) (int, error) {
				n, err := r.ReadAt(p[:min(cap(p), len(p)+1)], offset)
				return min(n, len(p)), err
			}}
		}, "ReadAtWritesIntoItsBufferOnly"},
		{"forgets the lock", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, lock: func() (io.Closer, error) { return io.NopCloser(nil), nil }}
		}, "LockIsExclusive ReleasedLockCannotReleaseItsSuccessor ConcurrentLocksHaveOneWinner ClosedFileSystemRefuses"},
		{"never releases the lock", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, lock: func() (io.Closer, error) {
				_, err := fs.Lock()
				return io.NopCloser(nil), err
			}}
		}, "LockIsFreeAfterRelease ReleasedLockCannotReleaseItsSuccessor"},
		{"lists in any order", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, list: func() ([]vfs.FileInfo, error) {
				infos, err := fs.List()
				slices.Reverse(infos)
				return infos, err
			}}
		}, "ListIsInOrderOfNames"},
		{"lists wrong sizes", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, list: func() ([]vfs.FileInfo, error) {
				infos, err := fs.List()
				for i := range infos {
					infos[i].Size++
				}
				return infos, err
			}}
		}, "ListIsInOrderOfNames"},
		{"renames by copying a name", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, rename: func(from, to string) error {
				p, err := readAll(fs, from)
				if err != nil {
					return err
				}
				return writeFile(fs, to, p)
			}}
		}, "RenameMovesAFile RenameReplacesItsTarget ListFollowsTheDirectory RenamePersists"},
		{"removes nothing", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, remove: func(string) error { return nil }}
		}, "RemoveRemovesAFile MissingFileIsNotFound InvalidNamesAreRefused RemovalPersists"},
		{"hides errors' kinds", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, remove: func(name string) error {
				if err := fs.Remove(name); err != nil {
					return fmt.Errorf("remove %s failed", name)
				}
				return nil
			}}
		}, "MissingFileIsNotFound InvalidNamesAreRefused ClosedFileSystemRefuses"},
		{"names no files in errors", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, remove: func(name string) error {
				if err := fs.Remove(name); err != nil {
					return vfs.ErrNotFound
				}
				return nil
			}}
		}, "MissingFileIsNotFound"},
		{"removes a file from under its readers", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, read: func(r vfs.Reader, p []byte, offset int64) (int, error) {
				if infos, err := fs.List(); err == nil && len(infos) == 0 {
					return 0, vfs.ErrNotFound
				}
				return r.ReadAt(p, offset)
			}}
		}, "RemovedFileStaysReadableWhileOpen"},
		{"reads after Close", func(fs *memfs.FS) vfs.FS {
			return &broken{FS: fs, closeReader: func(vfs.Reader) error { return nil }}
		}, "ClosedReaderRefuses"},
	} {
		t.Run(c.defect, func(t *testing.T) {
			var noticed []string
			for _, check := range checks() {
				if failsOn(check, c.broken) {
					noticed = append(noticed, check.name)
				}
			}
			for name := range strings.FieldsSeq(c.noticed) {
				if !slices.Contains(noticed, name) {
					t.Errorf("%s did not notice; these did: %v", name, noticed)
				}
			}
		})
	}
}

// The same for what only a reopened medium shows.
func TestSuiteNoticesLoss(t *testing.T) {
	for _, c := range []struct {
		defect  string
		reopen  func(fs *memfs.FS) *memfs.FS
		noticed string
	}{
		{"loses everything", func(*memfs.FS) *memfs.FS { return memfs.New() },
			"SyncedFilesPersist SyncOfAnEmptyFilePersistsItsName SyncPersistsWhatCameBeforeIt ReplacedFilePersists " +
				"RenamePersists ReopenedDirectoryIsWritable FilesAreWrittenConcurrently"},
		{"loses relaxed syncs", func(fs *memfs.FS) *memfs.FS { return fs.Crash(memfs.Keep{PowerLoss: true}) },
			"SyncedFilesPersist SyncOfAnEmptyFilePersistsItsName SyncPersistsWhatCameBeforeIt"},
		{"keeps removed files", func(fs *memfs.FS) *memfs.FS {
			clone := fs.Clone()
			_ = writeFile(clone, "000001.ldb", content(1, 80_000))
			return clone
		}, "RemovalPersists RenamePersists SyncedFilesPersist"},
	} {
		t.Run(c.defect, func(t *testing.T) {
			for _, check := range checks() {
				fs := memfs.New()
				failed := fails(check, fs, func() vfs.FS {
					_ = fs.Close()
					fs = c.reopen(fs)
					return fs
				})
				if !failed && slices.Contains(strings.Fields(c.noticed), check.name) {
					t.Errorf("%s did not notice", check.name)
				}
			}
		})
	}
}

func failsOn(c check, breakFS func(*memfs.FS) vfs.FS) bool {
	inner := memfs.New()
	return fails(c, breakFS(inner), func() vfs.FS {
		_ = inner.Close()
		inner = inner.Clone()
		return breakFS(inner)
	})
}

// fails runs a check on its own goroutine, which a Fatal ends.
func fails(c check, fs vfs.FS, reopen func() vfs.FS) bool {
	verdict := &verdict{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(&fixture{TB: verdict, fs: fs, reopen: reopen})
	}()
	<-done
	return verdict.failed
}

// verdict is a testing.TB that keeps a failure to itself.
type verdict struct {
	testing.TB
	failed bool
}

func (v *verdict) Helper()               {}
func (v *verdict) Error(...any)          { v.failed = true }
func (v *verdict) Errorf(string, ...any) { v.failed = true }
func (v *verdict) Fatal(...any)          { v.failed = true; runtime.Goexit() }
func (v *verdict) Fatalf(string, ...any) { v.failed = true; runtime.Goexit() }

func readAll(fs vfs.FS, name string) ([]byte, error) {
	r, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	p := make([]byte, r.Size())
	_, err = r.ReadAt(p, 0)
	return p, err
}

// broken replaces some operations of a file system.
type broken struct {
	vfs.FS
	rename      func(from, to string) error
	remove      func(name string) error
	list        func() ([]vfs.FileInfo, error)
	lock        func() (io.Closer, error)
	write       func(w vfs.Writer, p []byte) (int, error)
	read        func(r vfs.Reader, p []byte, offset int64) (int, error)
	closeReader func(r vfs.Reader) error
}

func (b *broken) Create(name string) (vfs.Writer, error) {
	w, err := b.FS.Create(name)
	if err != nil || b.write == nil {
		return w, err
	}
	return &brokenWriter{w, b}, nil
}

func (b *broken) Open(name string) (vfs.Reader, error) {
	r, err := b.FS.Open(name)
	if err != nil || b.read == nil && b.closeReader == nil {
		return r, err
	}
	return &brokenReader{r, b}, nil
}

func (b *broken) Rename(from, to string) error {
	if b.rename == nil {
		return b.FS.Rename(from, to)
	}
	return b.rename(from, to)
}

func (b *broken) Remove(name string) error {
	if b.remove == nil {
		return b.FS.Remove(name)
	}
	return b.remove(name)
}

func (b *broken) List() ([]vfs.FileInfo, error) {
	if b.list == nil {
		return b.FS.List()
	}
	return b.list()
}

func (b *broken) Lock() (io.Closer, error) {
	if b.lock == nil {
		return b.FS.Lock()
	}
	return b.lock()
}

type brokenWriter struct {
	vfs.Writer
	fs *broken
}

func (w *brokenWriter) Write(p []byte) (int, error) { return w.fs.write(w.Writer, p) }

type brokenReader struct {
	vfs.Reader
	fs *broken
}

func (r *brokenReader) ReadAt(p []byte, offset int64) (int, error) {
	if r.fs.read == nil {
		return r.Reader.ReadAt(p, offset)
	}
	return r.fs.read(r.Reader, p, offset)
}

func (r *brokenReader) Close() error {
	if r.fs.closeReader == nil {
		return r.Reader.Close()
	}
	return r.fs.closeReader(r.Reader)
}

// keepsBuffers is a file system whose Writers write the slice they were given last only when
// they are called again.
func keepsBuffers(fs *memfs.FS) vfs.FS { return &lateFS{fs} }

type lateFS struct{ vfs.FS }

func (fs *lateFS) Create(name string) (vfs.Writer, error) {
	w, err := fs.FS.Create(name)
	if err != nil {
		return nil, err
	}
	return &lateWriter{Writer: w}, nil
}

type lateWriter struct {
	vfs.Writer
	kept []byte
}

func (w *lateWriter) Write(p []byte) (int, error) {
	_, err := w.Writer.Write(w.kept)
	w.kept = p
	return len(p), err
}

func (w *lateWriter) Sync(d vfs.Durability) error {
	if _, err := w.Writer.Write(w.kept); err != nil {
		return err
	}
	w.kept = nil
	return w.Writer.Sync(d)
}
