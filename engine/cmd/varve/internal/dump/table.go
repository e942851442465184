package dump

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/sstable"
)

func (d *dumper) table() error {
	d.title("table")
	t := tableDump{dumper: d, parts: sstable.Dissect(d.file, d.name)}
	indexed, err := t.run()
	if err == nil && !indexed {
		err = t.search()
	}
	t.summary()
	return err
}

// tableDump is the state of a table's dump.
type tableDump struct {
	*dumper
	parts *sstable.Dissection

	blocks, entries, deletes int
	stored, uncompressed     int64 // bytes of data blocks
	blockBytes               int64 // that blocks of any kind took so far
	smallest, largest        []byte
	oldest, newest           base.Seq
}

// run dumps the table by its index. indexed says whether that could be read.
func (t *tableDump) run() (indexed bool, err error) {
	metaindex, index, ok, err := t.footer()
	if err != nil || !ok {
		return false, err
	}
	if err := t.metaindex(metaindex); err != nil {
		return false, err
	}
	b, damage, err := t.readBlock(index)
	if err != nil {
		return false, err
	}
	if damage != nil {
		t.damaged(index.Offset(), "index: "+damage.Error())
		return false, nil
	}
	t.describe("index", index, b)
	return true, t.dataBlocks(index, b)
}

func (t *tableDump) footer() (metaindex, index sstable.Handle, ok bool, err error) {
	metaindex, index, err = t.parts.Footer()
	at := max(t.size-sstable.FooterLen, 0)
	if damage, err := asDamage(err); damage != nil || err != nil {
		if damage != nil {
			t.damaged(at, "footer: "+damage.Error())
		}
		return metaindex, index, false, err
	}
	t.at(at, "footer: metaindex %v; index %v", metaindex, index)
	return metaindex, index, true, nil
}

// metaindex dumps the metaindex and the blocks that it names: filters, as a rule.
func (t *tableDump) metaindex(h sstable.Handle) error {
	b, damage, err := t.readBlock(h)
	if err != nil {
		return err
	}
	if damage != nil {
		t.damaged(h.Offset(), "metaindex: "+damage.Error())
		return nil
	}
	t.describe("metaindex", h, b)
	var failed error
	damage = sstable.EachEntry(b.contents, func(key, value []byte) error {
		named, err := t.parts.Handle(value)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%q", key)
		b, damage, err := t.readBlock(named)
		switch {
		case err != nil:
			failed = err
		case damage != nil:
			t.damaged(named.Offset(), name+": "+damage.Error())
		default:
			t.describe(name, named, b)
		}
		return nil
	})
	if damage != nil {
		t.damaged(h.Offset(), "metaindex: "+damage.Error())
	}
	return failed
}

func (t *tableDump) describe(what string, h sstable.Handle, b storedBlock) {
	t.at(h.Offset(), "%s, %s", what, sizes(h, b))
}

func sizes(h sstable.Handle, b storedBlock) string {
	if b.compressed {
		return fmt.Sprintf("%d bytes, Snappy of %d", h.Len(), len(b.contents))
	}
	return fmt.Sprintf("%d bytes, uncompressed", h.Len())
}

// dataBlocks dumps the blocks that the index names.
func (t *tableDump) dataBlocks(index sstable.Handle, b storedBlock) error {
	var failed error
	damage := sstable.EachEntry(b.contents, func(key, value []byte) error {
		if !base.ValidInternalKey(key) {
			return fmt.Errorf("%q is no internal key", key)
		}
		h, err := t.parts.Handle(value)
		if err != nil {
			return err
		}
		failed = errors.Join(failed, t.dataBlock(h, key))
		return nil
	})
	if damage != nil {
		t.damaged(index.Offset(), "index: "+damage.Error())
	}
	return failed
}

func (t *tableDump) dataBlock(h sstable.Handle, bound []byte) error {
	t.blocks++
	b, damage, err := t.readBlock(h)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("block %d", t.blocks)
	if damage != nil {
		t.damaged(h.Offset(), fmt.Sprintf("%s, up to %s: %v", what, formatKey(bound), damage))
		return nil
	}
	t.stored += h.Len()
	t.uncompressed += int64(len(b.contents))
	t.at(h.Offset(), "%s, %s, up to %s", what, sizes(h, b), formatKey(bound))
	if damage := sstable.EachEntry(b.contents, t.entry); damage != nil {
		t.damaged(h.Offset(), what+": "+damage.Error())
	}
	return nil
}

func (t *tableDump) entry(key, value []byte) error {
	if !base.ValidInternalKey(key) {
		return fmt.Errorf("%q is no internal key", key)
	}
	if t.entries > 0 && base.Compare(t.largest, key) >= 0 {
		return fmt.Errorf("%s does not follow %s", formatKey(key), formatKey(t.largest))
	}
	trailer := base.TrailerOf(key)
	if t.entries == 0 {
		t.smallest = bytes.Clone(key)
		t.oldest, t.newest = trailer.Seq(), trailer.Seq()
	}
	t.largest = append(t.largest[:0], key...)
	t.oldest, t.newest = min(t.oldest, trailer.Seq()), max(t.newest, trailer.Seq())
	t.entries++
	if trailer.Kind() == base.KindDelete {
		t.deletes++
	}
	if t.Entries || t.Values {
		fmt.Fprintf(t.out, "  %s", formatKey(key))
		if trailer.Kind() == base.KindPut {
			fmt.Fprintf(t.out, " %s", t.value(value))
		}
		t.out.WriteByte('\n')
	}
	return nil
}

// search dumps the entries that can be found without an index.
func (t *tableDump) search() error {
	t.out.WriteString("without an index, entries are searched for:\n")
	lost, err := sstable.Salvage(t.file, t.name, t.entry)
	for _, l := range lost {
		t.damaged(l.From, fmt.Sprintf("no entries can be read up to %d: %s", l.To, l.Reason))
	}
	return err
}

func (t *tableDump) summary() {
	fmt.Fprintf(t.out, "entries: %d, of them deletes: %d\n", t.entries, t.deletes)
	if t.entries > 0 {
		fmt.Fprintf(t.out, "keys: %s to %s\n", formatKey(t.smallest), formatKey(t.largest))
		fmt.Fprintf(t.out, "sequence numbers: %d to %d\n", t.oldest, t.newest)
	}
	if t.blocks > 0 {
		fmt.Fprintf(t.out, "data blocks: %d, %d bytes, uncompressed %d\n", t.blocks, t.stored, t.uncompressed)
	}
}

// formatKey formats a valid internal key as manifests' dumps do.
func formatKey(key []byte) string {
	trailer := base.TrailerOf(key)
	if trailer == base.MakeTrailer(base.MaxSeq, base.KindSeek) {
		return fmt.Sprintf("%q@max", base.UserKey(key)) // a bound that was made up, before all of its user key
	}
	kind := "put"
	if trailer.Kind() == base.KindDelete {
		kind = "delete"
	}
	return fmt.Sprintf("%q@%d,%s", base.UserKey(key), trailer.Seq(), kind)
}
