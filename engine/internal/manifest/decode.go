package manifest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/varvedb/varve/engine/internal/base"
)

var errShort = errors.New("cut off")

// DecodeEdit decodes an edit. It shares no memory with data.
func DecodeEdit(data []byte) (*Edit, error) {
	d := decoder{rest: data}
	e := &Edit{}
	for len(d.rest) > 0 {
		at := len(data) - len(d.rest)
		name, err := d.field(e)
		if err != nil {
			return nil, fmt.Errorf("version edit, %s at byte %d: %w", name, at, err)
		}
	}
	return e, nil
}

// decoder takes an edit's fields from the front of rest.
type decoder struct{ rest []byte }

// field decodes one field into e, and returns the field's name for errors.
func (d *decoder) field(e *Edit) (name string, err error) {
	tag, err := d.uvarint()
	if err != nil {
		return "tag", err
	}
	switch tag {
	case tagComparer:
		name = "comparator"
		e.Comparer, err = d.comparer()
	case tagLogNum:
		name = "log number"
		e.LogNum, err = d.fileNumField()
	case tagPrevLogNum:
		name = "previous log number"
		e.PrevLogNum, err = d.fileNumField()
	case tagNextFileNum:
		name = "next file number"
		e.NextFileNum, err = d.fileNumField()
	case tagLastSeq:
		name = "last sequence number"
		e.LastSeq, err = d.lastSeq()
	case tagCompactPointer:
		name = "compact pointer"
		err = d.compactPointer(e)
	case tagDeletedTable:
		name = "deleted file"
		err = d.deletedTable(e)
	case tagAddedTable:
		name = "new file"
		err = d.addedTable(e)
	default:
		return "tag", fmt.Errorf("%d is unknown", tag)
	}
	return name, err
}

func (d *decoder) comparer() (string, error) {
	name, err := d.bytes()
	if err == nil && len(name) == 0 {
		err = errors.New("empty name")
	}
	return string(name), err
}

func (d *decoder) fileNumField() (*base.FileNum, error) {
	num, err := d.fileNum()
	if err != nil {
		return nil, err
	}
	return &num, nil
}

func (d *decoder) lastSeq() (*base.Seq, error) {
	n, err := d.uvarint()
	if err != nil {
		return nil, err
	}
	seq := base.Seq(n)
	if seq > base.MaxSeq {
		return nil, fmt.Errorf("%d is out of range", n)
	}
	return &seq, nil
}

func (d *decoder) compactPointer(e *Edit) error {
	level, err := d.level()
	if err != nil {
		return err
	}
	key, err := d.key()
	if err != nil {
		return err
	}
	e.CompactPointers = append(e.CompactPointers, CompactPointer{Level: level, Key: key})
	return nil
}

func (d *decoder) deletedTable(e *Edit) error {
	level, err := d.level()
	if err != nil {
		return err
	}
	num, err := d.fileNum()
	if err != nil {
		return err
	}
	e.Deleted = append(e.Deleted, DeletedTable{Level: level, Num: num})
	return nil
}

func (d *decoder) addedTable(e *Edit) error {
	level, err := d.level()
	if err != nil {
		return err
	}
	t := &Table{}
	if t.Num, err = d.fileNum(); err != nil {
		return err
	}
	size, err := d.uvarint()
	if err != nil {
		return err
	}
	if size > math.MaxInt64 {
		return fmt.Errorf("size %d is out of range", size)
	}
	t.Size = int64(size)
	if t.Smallest, err = d.key(); err != nil {
		return fmt.Errorf("smallest key: %w", err)
	}
	if t.Largest, err = d.key(); err != nil {
		return fmt.Errorf("largest key: %w", err)
	}
	if base.Compare(t.Smallest, t.Largest) > 0 {
		return fmt.Errorf("smallest key %s is behind largest key %s", formatKey(t.Smallest), formatKey(t.Largest))
	}
	e.Added = append(e.Added, AddedTable{Level: level, Table: t})
	return nil
}

func (d *decoder) uvarint() (uint64, error) {
	n, size := binary.Uvarint(d.rest)
	switch {
	case size == 0:
		return 0, errShort
	case size < 0:
		return 0, errors.New("number of more than 64 bits")
	}
	d.rest = d.rest[size:]
	return n, nil
}

func (d *decoder) level() (int, error) {
	n, err := d.uvarint()
	if err == nil && n >= base.NumLevels {
		err = fmt.Errorf("level %d, the last is %d", n, base.NumLevels-1)
	}
	return int(n), err
}

// fileNum leaves out the upper half of the range, which other programs take for negative, so
// that counting on from any number can't overflow.
func (d *decoder) fileNum() (base.FileNum, error) {
	n, err := d.uvarint()
	if err == nil && n > math.MaxInt64 {
		err = fmt.Errorf("file number %d is out of range", n)
	}
	return base.FileNum(n), err
}

// bytes returns a part of the decoder's data.
func (d *decoder) bytes() ([]byte, error) {
	n, err := d.uvarint()
	if err != nil {
		return nil, err
	}
	if n > uint64(len(d.rest)) {
		return nil, errShort
	}
	p := d.rest[:n]
	d.rest = d.rest[n:]
	return p, nil
}

func (d *decoder) key() ([]byte, error) {
	key, err := d.bytes()
	if err != nil {
		return nil, err
	}
	if !base.ValidInternalKey(key) {
		return nil, fmt.Errorf("%q is no internal key", key)
	}
	return bytes.Clone(key), nil
}
