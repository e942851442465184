package engine

import (
	"errors"
	"fmt"
)

// clearBatchLen is about how many bytes of deletions Clear applies at once.
const clearBatchLen = 256 << 10

// Clear deletes the keys from lower up to, not including, upper that are there at the time of
// the call. Nil bounds are open. It is atomic only as long as it deletes few keys: of many, a
// crash may leave those behind the ones deleted first.
func (db *DB) Clear(lower, upper []byte, d Durability) (err error) {
	it, err := db.NewIterator(IterOptions{Lower: lower, Upper: upper, NoCacheFill: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	var b Batch
	for valid := it.First(); valid; valid = it.Next() {
		if err := b.Delete(it.Key()); err != nil {
			return fmt.Errorf("clear: %w", err)
		}
		if b.Len() >= clearBatchLen {
			if err := db.Apply(&b, d); err != nil {
				return fmt.Errorf("clear: %w", err)
			}
			b.Reset()
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	if err := db.Apply(&b, d); err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	return nil
}
