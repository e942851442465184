package dump

import (
	"errors"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/sstable"
)

// storedBlock is a block whose checksum was right.
type storedBlock struct {
	contents   []byte
	compressed bool
}

// readBlock returns the block at h. damage is what is wrong with it, err why it can't be read.
func (t *tableDump) readBlock(h sstable.Handle) (b storedBlock, damage, err error) {
	if t.blockBytes += h.Len(); t.blockBytes > t.size {
		return b, errors.New("blocks overlap: together they are longer than the file"), nil
	}
	b.contents, b.compressed, err = t.parts.Block(h)
	damage, err = asDamage(err)
	return b, damage, err
}

// asDamage tells damage from an error that says nothing of the bytes.
func asDamage(err error) (damage, other error) {
	var corruption *base.CorruptionError
	if errors.As(err, &corruption) {
		return errors.New(corruption.Reason), nil
	}
	return nil, err
}
