// Package session serves the requests of one client on one store: it is what stands between
// the frames of package frame and the engine. It knows nothing of JavaScript, so that it is
// tested natively, under the race detector.
//
//  1. Submit never waits. What must wait does so in goroutines, of which at most maxReading
//     read at once.
//  2. Requests take effect in the order in which they were submitted: a read sees what was
//     written before it, and nothing of what was written behind it, however long it waits.
//  3. Writes that follow each other are applied as one batch; those of one request stay
//     together.
//  4. If a request can't take effect yet, all behind it wait in order.
//  5. Every request gets one response. Responses leave many to a frame.
//
// A Session is safe for concurrent use. Its mutex is held across no wait: with one thread it is
// always free, so that taking it is no wait either. Submit and drain hold it while they serve
// requests, with all that they call; what runs in another goroutine takes it for itself.
package session

import (
	"sync"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/wasm/frame"
)

// Host is what a session runs in. Respond must not wait and not call the session; the others
// may wait.
type Host interface {
	// OpenFS opens the file system of the store, which fails with engine.ErrNoStore if it must exist
	// and there is none. It may keep so many bytes of files in memory; 0: as it likes.
	OpenFS(store, storage string, mustExist bool, cacheSize int64) (vfs.FS, error)

	// Destroy deletes a store. It is no error if there is none.
	Destroy(store string) error

	// List returns the names of the stores.
	List() ([]string, error)

	// Respond sends a frame, which is head followed by body. It keeps neither.
	Respond(head, body []byte)

	// Yield returns when the host has served what else it has to.
	Yield()
}

// maxReading is the number of goroutines that read at once. It is also about the number of
// blocks that are fetched at once.
const maxReading = 64

// maxFrame is the size in bytes from which a response frame is not held for more: a client in another
// thread decodes one while the next is made.
const maxFrame = 128 << 10

// Session serves one client. Use New.
type Session struct {
	host Host

	mu         sync.Mutex
	db         *engine.DB // nil before Open and after Close
	fs         vfs.FS
	durability engine.Durability
	restoring  *restoring // nil if no archive is being imported

	submitted frame.Requests // what Submit serves
	gathered  gathering
	present   *moment // of reads since the last write; nil if none had to wait
	blocked   func()  // what must be waited for before waiting is served; nil if nothing
	waiting   []*frame.Requests

	gets      []frame.Single // that are looked up together
	keys      [][]byte       // that are looked up together
	snapshots map[uint32]*moment
	scans     map[uint32]*scan
	spare     frame.Responses // the buffers of a scan that has ended, for the next

	reading int      // goroutines that read
	queue   []func() // reads that wait for one
	active  int      // requests that goroutines or the engine will answer
	idle    chan struct{}

	out      frame.Responses
	flushing bool // a goroutine is about to send out
	woke     bool // Submit made a goroutine runnable
	frames   int  // that were submitted, ever
	yielded  int  // frames that were submitted before the last yield
}

// New returns a session without a store. The first request must open one.
func New(host Host) *Session {
	return &Session{host: host, snapshots: map[uint32]*moment{}, scans: map[uint32]*scan{}}
}

// Submit takes a frame of requests, which it does not keep. woke says that goroutines wait to
// run. It fails, without any effect, if the frame is not well formed.
func (s *Session) Submit(data []byte) (woke bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames++
	requests := &s.submitted
	if err := requests.Reset(data); err != nil {
		return false, err
	}
	s.woke = false
	if s.blocked != nil {
		s.waiting = append(s.waiting, requests.Clone())
		return false, nil
	}
	s.run(requests)
	if s.blocked != nil {
		s.waiting = append(s.waiting, requests.Clone())
		s.spawn(s.drain)
	}
	s.send()
	return s.woke, nil
}

// run serves requests until they end or one blocks.
func (s *Session) run(requests *frame.Requests) {
	for requests.Valid() {
		if requests.Request().Op == frame.Get && s.db != nil {
			s.serveGets(requests)
		} else if s.serve(requests.Request()) {
			requests.Next()
		}
		if s.blocked != nil {
			return
		}
		if s.out.Len() >= maxFrame {
			s.send()
		}
	}
	s.apply()
	s.leavePresent()
}

// drain serves what waits, and waits itself for what blocks it.
func (s *Session) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.blocked != nil {
		wait := s.blocked
		s.notify()
		s.mu.Unlock()
		wait()
		s.mu.Lock()
		s.blocked = nil
		for s.blocked == nil && len(s.waiting) > 0 {
			s.run(s.waiting[0])
			if s.blocked == nil {
				s.waiting = s.waiting[1:]
			}
		}
	}
	s.notify()
}

// block lets everything behind the current request wait until wait has returned. It is called
// in a goroutine, without the mutex.
func (s *Session) block(wait func()) { s.blocked = wait }

// yield lets the host serve its events, and reports whether requests came since the last time.
func (s *Session) yield() (served bool) {
	s.host.Yield()
	s.mu.Lock()
	defer s.mu.Unlock()
	served = s.frames > s.yielded
	s.yielded = s.frames
	return served
}

func (s *Session) spawn(f func()) {
	s.woke = true
	go f()
}
