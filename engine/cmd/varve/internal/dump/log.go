package dump

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
)

func (d *dumper) log() error {
	d.title("log")
	var batches, puts, deletes int
	err := d.records(func(offset int64, data []byte) {
		b, err := decodeBatch(data)
		if err != nil {
			d.damaged(offset, err.Error())
			return
		}
		batches++
		d.at(offset, "batch of %d bytes, sequence numbers %d to %d", len(data), b.first, b.last())
		err = b.each(func(seq base.Seq, e entry) {
			if e.kind == base.KindPut {
				puts++
			} else {
				deletes++
			}
			d.logEntry(seq, e)
		})
		if err != nil {
			d.damaged(offset, err.Error())
		}
	})
	fmt.Fprintf(d.out, "batches: %d, puts: %d, deletes: %d\n", batches, puts, deletes)
	return err
}

func (d *dumper) logEntry(seq base.Seq, e entry) {
	if e.kind == base.KindDelete {
		fmt.Fprintf(d.out, "  %d del %q\n", seq, e.key)
		return
	}
	fmt.Fprintf(d.out, "  %d put %q %s\n", seq, e.key, d.value(e.value))
}

// value is how a value is printed.
func (d *dumper) value(p []byte) string {
	if d.Values {
		return fmt.Sprintf("%q", p)
	}
	return fmt.Sprintf("%d bytes", len(p))
}

// batch is a record of a log: u64 first sequence number, u32 number of entries, entries.
type batch struct {
	first   base.Seq
	count   uint32
	entries []byte
}

// entry is u8 kind | varint length, key | only of a put: varint length, value.
type entry struct {
	kind       base.Kind
	key, value []byte
}

func decodeBatch(data []byte) (batch, error) {
	const headerLen = 12
	if len(data) < headerLen {
		return batch{}, fmt.Errorf("a record of %d bytes is no batch", len(data))
	}
	b := batch{base.Seq(binary.LittleEndian.Uint64(data)), binary.LittleEndian.Uint32(data[8:]), data[headerLen:]}
	if b.first > base.MaxSeq {
		return batch{}, fmt.Errorf("sequence number %d is out of range", b.first)
	}
	return b, nil
}

func (b batch) last() base.Seq { return b.first + base.Seq(max(b.count, 1)) - 1 }

// each calls visit for the entries up to the first that can't be decoded.
func (b batch) each(visit func(seq base.Seq, e entry)) error {
	rest := b.entries
	for i := range b.count {
		var e entry
		var err error
		if e, rest, err = cutEntry(rest); err != nil {
			return fmt.Errorf("entry %d of %d in the batch: %w", i+1, b.count, err)
		}
		visit(b.first+base.Seq(i), e)
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes stand behind the batch's last entry", len(rest))
	}
	return nil
}

func cutEntry(data []byte) (e entry, rest []byte, err error) {
	if len(data) == 0 {
		return e, nil, errors.New("it is missing")
	}
	e.kind = base.Kind(data[0])
	if e.kind > base.KindPut {
		return e, nil, fmt.Errorf("unknown kind %d", e.kind)
	}
	if e.key, rest, err = cutBytes(data[1:]); err != nil {
		return e, nil, fmt.Errorf("key: %w", err)
	}
	if e.kind == base.KindPut {
		if e.value, rest, err = cutBytes(rest); err != nil {
			return e, nil, fmt.Errorf("value: %w", err)
		}
	}
	return e, rest, nil
}

func cutBytes(data []byte) (p, rest []byte, err error) {
	n, width := binary.Uvarint(data)
	if width <= 0 || n > uint64(len(data)-width) {
		return nil, nil, errors.New("its length is wrong")
	}
	return data[width:][:n], data[width:][n:], nil
}
