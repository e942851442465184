package engine

import (
	"testing"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
)

// Recovery trims what a failed log ends with, as it does with the log of a crash.
func TestVerifyAllowsAFailedLogATornEnd(t *testing.T) {
	for name, retire := range map[string]bool{"the last": false, "before another": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, quietOptions())
			f.put("a=1")
			newTable := onKind(base.FileTable, faultfs.Create)
			f.fs.SetRule(func(_ int, op faultfs.Op) *faultfs.Fault {
				if !logWrite(op) && !newTable(op) {
					return nil
				}
				return &faultfs.Fault{Err: errInjected, Short: 9, KeepTail: true}
			})
			g := f.hold(logWrite)
			done := f.pendingWrite("b=1", Strict)
			<-g.reached
			if retire {
				f.mu.Lock()
				f.retireMutableLocked(0)
				f.mu.Unlock()
				f.must(f.Put([]byte("c"), []byte("1"), Deferred))
			}
			g.open()
			expect(t, "the write", <-done, errInjected)
			_, err := f.Verify()
			f.must(err)
			f.fs.SetRule(nil)
			f.must(f.Sync(Strict))
			_, err = f.Verify()
			f.must(err)
		})
	}
}

// A file system may let the close of a Writer wait for what it does elsewhere.
func TestLogsAreClosedWithoutTheLock(t *testing.T) {
	for name, end := range map[string]func(f *fixture){
		"full": func(f *fixture) { f.must(f.Flush()) },
		"failed": func(f *fixture) {
			f.fs.SetRule(failing(logSync, 0))
			expect(t, "Put", f.Put([]byte("a"), []byte("2"), Relaxed), errInjected)
			f.fs.SetRule(nil)
			f.must(f.Sync(Relaxed))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, quietOptions())
			f.put("a=1")
			closes := onKind(base.FileLog, faultfs.CloseWriter)
			f.fs.OnOp(func(_ int, op faultfs.Op) {
				if closes(op) && !f.lockIsFree() {
					t.Error("DB.mu is held")
				}
			})
			end(f)
			if f.count(closes) == 0 {
				t.Error("no log was closed")
			}
		})
	}
}

// lockIsFree reports whether nobody holds DB.mu for long.
func (f *fixture) lockIsFree() bool {
	for range 1000 {
		if f.mu.TryLock() {
			f.mu.Unlock()
			return true
		}
		time.Sleep(100 * time.Microsecond)
	}
	return false
}

func TestLogStaysUntilItIsClosed(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	logs := f.names(base.FileLog)
	g := f.hold(onKind(base.FileLog, faultfs.CloseWriter))
	flushed := f.background(f.Flush)
	<-g.reached
	f.must(f.Put([]byte("b"), []byte("1"), Deferred))
	closed := f.background(f.Close)
	await(f.isClosing)
	for range 100 {
		time.Sleep(100 * time.Microsecond)
		if len(closed) > 0 || f.names(base.FileLog)[0] != logs[0] {
			t.Fatal("Close, or the flush, did not wait for the log")
		}
	}
	g.open()
	if err := <-flushed; err != nil {
		expect(t, "Flush", err, ErrClosed)
	}
	f.must(<-closed)
	f.open()
	f.holds(f, "a=1 b=1")
}

// A manifest that counted further would have goleveldb drop from the log what it still needs.
func TestUndoneWriteLeavesTheManifestsCountBeforeTheLog(t *testing.T) {
	f := newFixture(t, Options{})
	f.put("a=1", "b=1")
	before := f.loggedSeq(nil)
	f.failWrite()
	if n := f.loggedSeq(nil); n != before {
		t.Errorf("edits count up to %d, want %d", n, before)
	}
}
