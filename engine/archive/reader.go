package archive

import (
	"io"
	"time"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
)

// Reader gives the bytes of an archive, one after the other.
type Reader struct {
	image *engine.Image
	next  int   // the member that has not been begun
	made  int64 // in seconds of Unix: with a time.Time, whoever is given a Reader could print it

	// The current member: a block in front of its content, its content, zeros behind it.
	front  []byte
	file   vfs.Reader // open while there is content left
	at     int64
	zeros  int64
	ended  bool
	closed bool
}

// NewReader returns the archive of an image, which the Reader closes. Its files are dated made.
func NewReader(image *engine.Image, made time.Time) *Reader {
	return &Reader{image: image, made: made.Unix()}
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (n int, err error) {
	if r.closed {
		return 0, engine.ErrClosed
	}
	for n < len(p) && err == nil {
		var some int
		some, err = r.readSome(p[n:])
		n += some
	}
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// readSome reads from the part at which the Reader stands, and moves to the next at its end.
func (r *Reader) readSome(p []byte) (n int, err error) {
	switch {
	case len(r.front) > 0:
		n = copy(p, r.front)
		r.front = r.front[n:]
	case r.file != nil:
		return r.readContent(p)
	case r.zeros > 0:
		n = int(min(int64(len(p)), r.zeros))
		clear(p[:n])
		r.zeros -= int64(n)
	case r.next < r.image.Len():
		return 0, r.begin()
	case !r.ended:
		r.ended = true
		r.zeros = 2 * blockSize
	default:
		err = io.EOF
	}
	return n, err
}

// begin opens the next member.
func (r *Reader) begin() error {
	name, file, err := r.image.Open(r.next)
	if err != nil {
		return err
	}
	r.next++
	r.file, r.at = file, 0
	r.front = newHeader(name, file.Size(), r.made)[:]
	r.zeros = padding(file.Size())
	return nil
}

func (r *Reader) readContent(p []byte) (int, error) {
	size := r.file.Size()
	p = p[:min(int64(len(p)), size-r.at)]
	n, err := r.file.ReadAt(p, r.at)
	r.at += int64(n)
	switch {
	case r.at == size:
		err = r.file.Close()
		r.file = nil
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close lets go of the image. It may be called again.
func (r *Reader) Close() error {
	r.closed = true
	if r.file != nil {
		_ = r.file.Close() // nothing was written
		r.file = nil
	}
	return r.image.Close()
}
