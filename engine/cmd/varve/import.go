package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/internal/base"
)

const (
	// importBatchLen is about how many bytes import writes at once.
	importBatchLen = 1 << 20

	// maxLineLen is the length of the longest line: the longest key and value, all escaped.
	maxLineLen = 2*(engine.MaxKeyLen+engine.MaxValueLen) + 2

	progressInterval = 200 * time.Millisecond
)

func importCommand() command {
	return command{
		name:    "import",
		args:    "DIR FILE|-",
		summary: "store the entries of a file, or of standard input",
		details: `
The store is made if DIR is missing or empty; the directories above it must be there.
` + lineFormat + `
This is what 'varve scan' prints. A line may end in a carriage return and a newline, too.

Import stops at the first line that it can't store, and says how many before it are stored: they
stay. If that is the first line, no store is made. What was stored before an interruption stays,
too: lines are stored in their order, and it does no harm to import them again.`,
		minArgs: 2, maxArgs: 2,
		setup: func(*flag.FlagSet) action {
			return importFile
		},
	}
}

func importFile(env *environment, args []string) error {
	dir, name, in := args[0], args[1], env.in
	if name == "-" {
		name = "standard input"
	} else {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	i := &importer{env: env, in: bufio.NewReaderSize(in, 256<<10), name: name, dir: dir, start: env.now()}
	return i.run()
}

// importer stores the lines of one file, in batches.
type importer struct {
	env   *environment
	in    *bufio.Reader
	name  string // of the input
	dir   string
	store store

	line   []byte
	batch  engine.Batch
	read   int64 // lines
	stored int64 // lines

	start, reported time.Time
}

// run reads the first line before there is a store: none is made for an input of something else.
func (i *importer) run() error {
	if err := checkStoreOrVacant(i.dir); err != nil {
		return err
	}
	more, err := i.next()
	if err != nil {
		return i.stopped(err)
	}
	return withNewStore(i.dir, func(s store) error {
		i.store = s
		err := i.storeLines(more)
		i.clearProgress()
		if err != nil {
			return i.stopped(err)
		}
		elapsed := i.env.now().Sub(i.start)
		_, err = fmt.Fprintf(i.env.err, "%s stored in %.1f s, %.0f lines/s\n", base.Plural(i.stored, "line"), elapsed.Seconds(), i.rate(elapsed))
		return err
	})
}

// stopped says what an import leaves that can't go on: what was stored is a prefix of the input.
func (i *importer) stopped(cause error) error {
	switch i.stored {
	case 0:
		return fmt.Errorf("%w; nothing was stored", cause)
	case 1:
		return fmt.Errorf("%w; the first line is stored in %s and stays there", cause, i.dir)
	}
	return fmt.Errorf("%w; the first %d lines are stored in %s and stay there", cause, i.stored, i.dir)
}

// storeLines stores the line that was read, if there is one, and all that follow.
func (i *importer) storeLines(more bool) error {
	for more {
		if i.batch.Len() >= importBatchLen {
			if err := i.flush(); err != nil {
				return err
			}
			i.showProgress()
		}
		var err error
		if more, err = i.next(); err != nil {
			return errors.Join(i.flush(), err)
		}
	}
	return i.flush()
}

// next adds the next line to the batch, if there is one more.
func (i *importer) next() (more bool, err error) {
	i.line, err = readLine(i.in, i.line[:0])
	if err == io.EOF {
		return false, nil
	}
	i.read++
	if err == nil {
		err = i.add(i.line)
	}
	if err != nil {
		return false, fmt.Errorf("%s:%d: %s", i.name, i.read, message(err))
	}
	return true, nil
}

// readLine appends the next line to dst, without what ends it. The last line may lack that.
func readLine(in *bufio.Reader, dst []byte) ([]byte, error) {
	for {
		piece, err := in.ReadSlice('\n')
		dst = append(dst, piece...)
		switch {
		case len(dst) > maxLineLen:
			return dst, errors.New("line is longer than any entry's")
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(dst) > 0:
			return dst, nil
		case err != nil:
			return dst, err
		}
		dst = bytes.TrimSuffix(dst, []byte{'\n'})
		return bytes.TrimSuffix(dst, []byte{'\r'}), nil
	}
}

func (i *importer) add(line []byte) error {
	key, value, err := parseLine(line)
	if err != nil {
		return err
	}
	return i.batch.Put(key, value)
}

// flush stores the lines that have been read.
func (i *importer) flush() error {
	if err := i.store.Apply(&i.batch, engine.Strict); err != nil {
		return err
	}
	i.stored += int64(i.batch.Count())
	i.batch.Reset()
	return nil
}

// rate returns lines a second.
func (i *importer) rate(elapsed time.Duration) float64 {
	return float64(i.stored) / max(elapsed.Seconds(), 1e-3)
}

func (i *importer) showProgress() {
	now := i.env.now()
	if !i.env.progress || now.Sub(i.reported) < progressInterval {
		return
	}
	i.reported = now
	fmt.Fprintf(i.env.err, "\r%s, %.0f lines/s ", base.Plural(i.stored, "line"), i.rate(now.Sub(i.start)))
}

// clearProgress empties the terminal's line for what is printed next.
func (i *importer) clearProgress() {
	if !i.reported.IsZero() {
		fmt.Fprint(i.env.err, "\r\x1b[K")
	}
}
