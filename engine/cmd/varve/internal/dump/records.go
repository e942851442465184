package dump

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/record"
)

// The log format, as package record describes it.
const (
	recordBlockLen = 32 << 10
	chunkHeaderLen = 7
	chunkTypeFull  = 1
	chunkTypeFirst = 2
	chunkTypeLast  = 4
)

// records calls visit for every whole record of a log or manifest. A record holds during the call.
func (d *dumper) records(visit func(offset int64, data []byte)) error {
	r := record.NewReader(d.file, d.size, d.name)
	for {
		offset := r.Offset()
		if left := recordBlockLen - offset%recordBlockLen; left < chunkHeaderLen {
			offset += left // where the record begins that crossed no block
		}
		data, err := r.Next()
		var corruption *base.CorruptionError
		switch {
		case err == nil:
			visit(offset, data)
		case err == io.EOF:
			return nil
		case errors.Is(err, record.ErrTorn):
			d.torn(offset)
			return nil
		case errors.As(err, &corruption):
			d.damaged(corruption.Offset, corruption.Reason)
			w := recordWalk{dumper: d, visit: visit, reported: corruption.Offset, lost: true}
			return w.run()
		default:
			return err
		}
	}
}

func (d *dumper) torn(offset int64) {
	d.at(offset, "cut off: the file ends within a record, as a crash leaves it")
}

// recordWalk finds the whole records behind damage. It goes on behind a damaged chunk where the
// chunk's length leads to a good one, else at the next block.
type recordWalk struct {
	*dumper
	visit    func(offset int64, data []byte)
	reported int64 // where the damage is from which the walk begins

	lost    bool // no record has begun since the last damage
	joining bool // a record of several chunks
	start   int64
	joined  []byte
	zeros   int64 // where bytes begin that were never written, 0 if none did
}

func (w *recordWalk) run() error {
	from := w.reported
	for start := from - from%recordBlockLen; start < w.size; start += recordBlockLen {
		block, err := w.read(start, int(min(recordBlockLen, w.size-start)))
		if err != nil {
			return err
		}
		w.block(block, start, int(max(from-start, 0)))
	}
	switch {
	case w.joining:
		w.torn(w.start)
	case w.zeros > 0:
		w.torn(w.zeros)
	}
	return nil
}

// block takes the chunks of a block from pos on.
func (w *recordWalk) block(block []byte, start int64, pos int) {
	for len(block)-pos >= chunkHeaderLen {
		at := start + int64(pos)
		kind, data, ok := decodeChunk(block[pos:])
		if ok {
			w.take(at, kind, data)
			pos += chunkHeaderLen + len(data)
			continue
		}
		next, isEnd := w.bad(block, at, pos)
		if isEnd {
			return
		}
		pos = next
	}
}

// bad reports the bad chunk at pos and returns where the block goes on, if it does.
func (w *recordWalk) bad(block []byte, at int64, pos int) (next int, isEnd bool) {
	w.joining, w.lost = false, true
	rest := block[pos:]
	next = chunkHeaderLen + int(binary.LittleEndian.Uint16(rest[4:]))
	switch {
	case at == w.reported:
	case isZero(rest):
		if w.zeros == 0 {
			w.zeros = at
		}
		return 0, true
	case next > len(rest) && len(block) < recordBlockLen:
		w.torn(at)
		return 0, true
	default:
		w.damaged(at, "checksum mismatch")
	}
	if next > len(rest) {
		return 0, true
	}
	_, _, ok := decodeChunk(rest[next:])
	return pos + next, !ok
}

// take goes on with a good chunk.
func (w *recordWalk) take(at int64, kind byte, data []byte) {
	if w.zeros > 0 {
		w.damaged(w.zeros, "zeros, though records follow")
		w.zeros = 0
	}
	begins := kind == chunkTypeFull || kind == chunkTypeFirst
	switch {
	case begins && w.joining:
		w.damaged(w.start, "record without its end")
	case !begins && !w.joining && !w.lost:
		w.damaged(at, "part of a record without its beginning")
	}
	if begins {
		w.lost = false
		w.joining, w.start, w.joined = true, at, w.joined[:0]
	}
	if !w.joining {
		w.lost = true
		return
	}
	w.joined = append(w.joined, data...)
	if kind == chunkTypeFull || kind == chunkTypeLast {
		w.joining = false
		w.visit(w.start, w.joined)
	}
}

// decodeChunk returns the chunk at the beginning of rest if its checksum is right.
func decodeChunk(rest []byte) (kind byte, data []byte, ok bool) {
	if len(rest) < chunkHeaderLen {
		return 0, nil, false
	}
	kind, data = rest[6], rest[chunkHeaderLen:]
	length := int(binary.LittleEndian.Uint16(rest[4:]))
	if kind < chunkTypeFull || kind > chunkTypeLast || length > len(data) {
		return 0, nil, false
	}
	data = data[:length]
	sum := base.MaskedCRC(base.ExtendCRC(base.ExtendCRCByte(0, kind), data))
	return kind, data, sum == binary.LittleEndian.Uint32(rest)
}

func isZero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}
