package sstable

import "fmt"

// tailSize is enough for footer, index and filter of most tables, which so take one read.
const tailSize = 64 << 10

// load reads footer, index and filter.
func (r *Reader) load() error {
	size := r.file.Size()
	if size < footerLen {
		return r.corrupt(0, errTooShort(size))
	}
	var tail window
	tailLen := min(size, tailSize)
	if err := tail.read(r, uint64(size-tailLen), int(tailLen)); err != nil {
		return err
	}
	limit := uint64(size - footerLen)
	metaindex, index, err := decodeFooter(tail.buf[tailLen-footerLen:], limit)
	if err != nil {
		return r.corrupt(limit, err)
	}
	if err := r.loadIndex(&tail, index, limit); err != nil {
		return err
	}
	return r.loadFilter(&tail, metaindex, limit)
}

func (r *Reader) loadIndex(tail *window, h handle, limit uint64) error {
	contents, err := r.readMetadata(tail, h)
	if err != nil {
		return err
	}
	if r.index, err = decodeIndex(contents, limit); err != nil {
		return r.corrupt(h.offset, fmt.Errorf("index: %w", err))
	}
	return nil
}

// loadFilter reads the filter that the metaindex names, if it is of our policy.
func (r *Reader) loadFilter(tail *window, metaindex handle, limit uint64) error {
	contents, err := r.readMetadata(tail, metaindex)
	if err != nil {
		return err
	}
	h, found, err := findFilter(contents, limit)
	if err != nil {
		return r.corrupt(metaindex.offset, fmt.Errorf("metaindex: %w", err))
	}
	if !found {
		return nil
	}
	if contents, err = r.readMetadata(tail, h); err != nil {
		return err
	}
	if r.filter, err = decodeFilter(contents); err != nil {
		return r.corrupt(h.offset, err)
	}
	return nil
}

// findFilter looks for our filter in the contents of a metaindex block.
func findFilter(contents []byte, limit uint64) (h handle, found bool, err error) {
	if err := checkBlock(contents); err != nil {
		return handle{}, false, err
	}
	b := newBlock(contents)
	err = b.forEach(func(key, value []byte) error {
		if string(key) != filterKey {
			return nil
		}
		found = true
		h, _, err = decodeHandle(value, limit)
		return err
	})
	return h, found, err
}

// readMetadata returns the contents of a block, from the tail if it is there.
func (r *Reader) readMetadata(tail *window, h handle) ([]byte, error) {
	if !tail.holds(h) {
		tail = &window{}
		if err := tail.read(r, h.offset, int(h.length+blockTrailerLen)); err != nil {
			return nil, err
		}
	}
	contents, err := decodeStored(nil, tail.stored(h))
	if err != nil {
		return nil, r.corrupt(h.offset, err)
	}
	return contents, nil
}

func errTooShort(size int64) error { return fmt.Errorf("%d bytes are too few for a table", size) }
