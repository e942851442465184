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
The store is made if DIR is missing or empty.
` + lineFormat + `
This is what 'varve scan' prints. A line may end in a carriage return and a newline, too.

Import stops at the first line that it can't store, and says how many before it are stored.`,
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
	return withNewStore(dir, func(s store) error {
		i := &importer{env: env, store: s, name: name, start: env.now()}
		return i.run(in)
	})
}

// importer stores the lines of one file, in batches.
type importer struct {
	env   *environment
	store store
	name  string

	batch  engine.Batch
	read   int64 // lines
	stored int64 // lines

	start, reported time.Time
}

func (i *importer) run(in io.Reader) error {
	err := i.storeLines(bufio.NewReaderSize(in, 256<<10))
	i.clearProgress()
	if err != nil {
		return fmt.Errorf("%w; stored before that: %s", err, plural(i.stored, "line"))
	}
	elapsed := i.env.now().Sub(i.start)
	_, err = fmt.Fprintf(i.env.err, "%s stored in %.1f s, %.0f lines/s\n", plural(i.stored, "line"), elapsed.Seconds(), i.rate(elapsed))
	return err
}

func (i *importer) storeLines(in *bufio.Reader) error {
	var line []byte
	for {
		var err error
		line, err = readLine(in, line[:0])
		if err == io.EOF {
			return i.flush()
		}
		i.read++
		if err == nil {
			err = i.add(line)
		}
		if err != nil {
			bad := fmt.Errorf("%s:%d: %s", i.name, i.read, message(err))
			return errors.Join(i.flush(), bad)
		}
		if i.batch.Len() >= importBatchLen {
			if err := i.flush(); err != nil {
				return err
			}
			i.showProgress()
		}
	}
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
	fmt.Fprintf(i.env.err, "\r%s, %.0f lines/s ", plural(i.stored, "line"), i.rate(now.Sub(i.start)))
}

// clearProgress empties the terminal's line for what is printed next.
func (i *importer) clearProgress() {
	if !i.reported.IsZero() {
		fmt.Fprint(i.env.err, "\r\x1b[K")
	}
}
