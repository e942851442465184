package workload

import (
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
)

// contents reads the whole store, forward, backward and by key.
func contents(db *engine.DB) (map[string]string, error) {
	it, err := db.NewIterator(engine.IterOptions{})
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	for valid := it.First(); valid; valid = it.Next() {
		got[string(it.Key())] = string(it.Value())
	}
	err = errors.Join(it.Error(), checkBackward(it, got), it.Close())
	for key, want := range got {
		if err != nil {
			return nil, err
		}
		value, getErr := db.Get(nil, []byte(key))
		if err = getErr; err == nil && string(value) != want {
			err = fmt.Errorf("%q is %q in a scan, %q by Get", key, want, value)
		}
	}
	return got, err
}

// number returns the number of the write whose state got is: the one that got counts, or one of the
// deletions of a range that followed it. Of equal states it is the last up to high.
func (w *Workload) number(got map[string]string, high int) (int, error) {
	count := 0
	if text, found := got[countKey]; found {
		var err error
		if count, err = strconv.Atoi(text); err != nil || count >= len(w.States) {
			return 0, fmt.Errorf("the store counts %q writes of %d", text, len(w.States)-1)
		}
	}
	for n := len(w.States) - 1; n >= count; n-- {
		if (n <= high || n == count) && w.States[n][countKey] == got[countKey] && maps.Equal(got, w.States[n]) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("the store holds %d keys that are not the %d that write %d left, nor what followed",
		len(got), len(w.States[count]), count)
}

// checkBackward fails unless a scan from the end finds want.
func checkBackward(it *engine.Iterator, want map[string]string) error {
	if it.Error() != nil {
		return nil
	}
	n := 0
	for valid := it.Last(); valid; valid = it.Prev() {
		if value := want[string(it.Key())]; value != string(it.Value()) {
			return fmt.Errorf("%q is %q forward, %q backward", it.Key(), value, it.Value())
		}
		n++
	}
	if it.Error() == nil && n != len(want) {
		return fmt.Errorf("%d keys forward, %d backward", len(want), n)
	}
	return it.Error()
}

// CheckContents fails unless the open store holds exactly the writes that succeeded.
func (w *Workload) CheckContents() error {
	got, err := contents(w.DB)
	if err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	if want := w.States[w.current]; !maps.Equal(got, want) {
		return fmt.Errorf("the store holds %d keys that are not the %d that write %d left", len(got), len(want), w.current)
	}
	return nil
}

// Reopen opens the store after Close or Open has failed. What was written since the last
// Relaxed write may be lost, as a suffix, and is then forgotten.
func (w *Workload) Reopen() error {
	if err := w.Open(); err != nil {
		return err
	}
	high := w.current
	if w.TailsStay {
		high = len(w.States) - 1
	}
	return w.resume(int(w.Relaxed.Load()), high)
}

// resume goes on from what the store holds. It fails unless that is what some write from low to
// high left.
func (w *Workload) resume(low, high int) error {
	got, err := contents(w.DB)
	if err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	number, err := w.number(got, high)
	switch {
	case err != nil:
		return err
	case number < low || number > high:
		return fmt.Errorf("recovered the writes up to %d, want at least %d and at most %d", number, low, high)
	case w.failed[number] && !(w.TailsStay && w.doubtful > 0 && number >= w.doubtful):
		return fmt.Errorf("recovered write %d, which had failed", number)
	}
	w.current, w.doubtful = number, 0
	return nil
}

// CheckRecovery opens the store in fs, a later state of the workload's medium. It fails unless
// the store holds what some write from low to high left, is in order, takes a write, and has it
// when it is opened again.
func (w *Workload) CheckRecovery(fs vfs.FS, low, high int) error {
	found := &Workload{Options: w.Options, States: w.States, failed: w.failed, fs: fs}
	if err := found.Open(); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	err := found.resume(low, high)
	if err == nil {
		db := found.DB
		err = errors.Join(db.Put([]byte("after"), []byte("recovery"), engine.Strict), db.Flush(), db.Check())
	}
	if err := errors.Join(err, found.Close()); err != nil {
		return err
	}
	if err := found.Open(); err != nil {
		return fmt.Errorf("after recovery: %w", err)
	}
	value, err := found.DB.Get(nil, []byte("after"))
	if err == nil && string(value) != "recovery" {
		err = fmt.Errorf("a write after recovery reads %q", value)
	}
	return errors.Join(err, found.Close())
}
