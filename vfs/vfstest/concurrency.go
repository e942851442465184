package vfstest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/varvedb/varve/vfs"
)

// parallel runs n goroutines and fails the check if one of them returns an error.
func (f *fixture) parallel(n int, run func(i int) error) {
	f.Helper()
	errs := make([]error, n)
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() { errs[i] = run(i) })
	}
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		f.Fatal(err)
	}
}

func filesAreWrittenConcurrently(f *fixture) {
	f.parallel(8, func(i int) error {
		for round := range 5 {
			seed := uint64(i*5 + round)
			temporary, name := fmt.Sprintf("%d.tmp", i), fmt.Sprintf("%d-%d", i, round)
			if err := writeFile(f.fs, temporary, content(seed, 10_000+i*1000)); err != nil {
				return err
			}
			if err := f.fs.Rename(temporary, name); err != nil {
				return err
			}
			if err := checkFile(f.fs, name, content(seed, 10_000+i*1000)); err != nil {
				return err
			}
			if round%2 == 1 {
				if err := f.fs.Remove(name); err != nil {
					return err
				}
			}
		}
		return nil
	})
	f.fs = f.reopen()
	for i := range 8 {
		for round := 0; round < 5; round += 2 {
			f.wantContent(fmt.Sprintf("%d-%d", i, round), content(uint64(i*5+round), 10_000+i*1000))
		}
	}
}

func oneReaderServesManyGoroutines(f *fixture) {
	want := content(1, 400_000)
	f.write("000001.ldb", want)
	r := f.open("000001.ldb")
	f.parallel(16, func(i int) error {
		p := make([]byte, 9000)
		for j := range 10 {
			from := (i*10 + j) * 2400
			if n, err := r.ReadAt(p, int64(from)); n != len(p) {
				return fmt.Errorf("ReadAt of %d bytes at %d: %d, %w", len(p), from, n, err)
			}
			if !bytes.Equal(p, want[from:from+len(p)]) {
				return fmt.Errorf("ReadAt of %d bytes at %d: wrong bytes", len(p), from)
			}
		}
		return nil
	})
	f.ok(r.Close())
}

func readersRunBesideAWriter(f *fixture) {
	want := content(1, 200_000)
	w := f.create("000001.log")
	f.ok(w.Sync(vfs.Relaxed))
	f.parallel(5, func(i int) error {
		if i == 0 {
			for from := 0; from < len(want); from += 10_000 {
				if _, err := w.Write(want[from : from+10_000]); err != nil {
					return err
				}
				if err := w.Sync(vfs.Relaxed); err != nil {
					return err
				}
			}
			return w.Close()
		}
		for range 10 {
			r, err := f.fs.Open("000001.log")
			if err != nil {
				return err
			}
			got := make([]byte, r.Size())
			if n, err := r.ReadAt(got, 0); n != len(got) || err != nil && err != io.EOF {
				return fmt.Errorf("ReadAt of %d bytes: %d, %w", len(got), n, err)
			}
			if !bytes.Equal(got, want[:len(got)]) {
				return fmt.Errorf("the first %d bytes are wrong", len(got))
			}
			if err := r.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	f.wantContent("000001.log", want)
}

func concurrentLocksHaveOneWinner(f *fixture) {
	locks := make([]io.Closer, 8)
	f.parallel(len(locks), func(i int) error {
		lock, err := f.fs.Lock()
		if errors.Is(err, vfs.ErrLocked) {
			return nil
		}
		locks[i] = lock
		return err
	})
	winners := 0
	for _, lock := range locks {
		if lock != nil {
			winners++
			f.ok(lock.Close())
		}
	}
	if winners != 1 {
		f.Errorf("%d of %d holders got the lock, want 1", winners, len(locks))
	}
}
