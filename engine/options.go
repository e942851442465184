package engine

import (
	"fmt"
	"runtime"

	"github.com/varvedb/varve/engine/internal/memtable"
)

// Durability says what a write waits for before it is acknowledged.
type Durability uint8

const (
	// Strict: the write is on the medium; it survives a loss of power.
	Strict Durability = iota

	// Relaxed: the operating system or the browser has it; it survives the end of this
	// process or tab.
	Relaxed

	// Deferred: the write is in memory. It is logged with the next write that waits, the
	// next Sync, or within 20 ms, whichever comes first.
	Deferred
)

// Limits on what can be stored, in bytes.
const (
	MaxKeyLen   = 64 << 10
	MaxValueLen = 64 << 20
	MaxBatchLen = 512 << 20
)

// Compression says how table blocks are stored.
type Compression uint8

const (
	Snappy Compression = iota // where it saves at least an eighth
	NoCompression
)

// Options of Open. The zero value of each field means its default.
type Options struct {
	// ErrorIfMissing makes Open fail with ErrNoStore instead of making a new store.
	ErrorIfMissing bool

	// ErrorIfExists makes Open fail with ErrExists if there is a store already.
	ErrorIfExists bool

	// MemoryBudget bounds, in bytes, what memtables, block cache and table cache hold
	// together. Beside it, up to 8 MiB are in use by flushes, compactions and iterators, and
	// what they leave is there until the next collection, which Go by default begins when as
	// much garbage has piled up as there is memory in use. Default 32 MiB, at least 1 MiB.
	MemoryBudget int64

	// MemtableSize is the size in bytes at which a memtable is flushed. Default: an eighth of
	// the budget, at most 4 MiB.
	MemtableSize int

	// BlockCacheSize is the block cache's size in bytes. Negative means none. Default:
	// three eighths of the budget.
	BlockCacheSize int64

	// BlockSize is a table block's size in bytes before compression. Default 4 KiB.
	BlockSize int

	// RestartInterval is the number of keys from one that is stored whole to the next.
	// Default 16.
	RestartInterval int

	// FilterBitsPerKey sizes the bloom filter of a table. Negative means none. Default 10.
	FilterBitsPerKey int

	// Compression of table blocks. Default Snappy.
	Compression Compression

	// TableSize is the size in bytes at which a compaction begins a new table. Default 2 MiB.
	TableSize int

	// BaseLevelSize is the size in bytes that level 1 may have; each level below may have
	// ten times that of the one above. Default 10 MiB.
	BaseLevelSize int64

	// L0CompactionFiles and L0StopFiles are the numbers of tables in level 0 from which they are
	// compacted, and from which writes that need a new memtable wait. Default 4 and 12.
	L0CompactionFiles, L0StopFiles int

	// Compactions is how many compactions may run at once. Default: as many as the program
	// has processors, at most 2.
	Compactions int

	// Yield, if set, is called by background work after each few milliseconds of
	// computing, so that a host with one thread can serve others. It may wait, and reports whether
	// others were served meanwhile: if so, it is called more often for a while.
	Yield func() (served bool)
}

// MinMemoryBudget is the least MemoryBudget of a store.
const MinMemoryBudget = 1 << 20

// maxSizeOption is far from where multiples of a size, as levels and compactions have them,
// overflow.
const maxSizeOption = 1 << 40

// withDefaults returns a checked copy with every default filled in.
func (o *Options) withDefaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	setDefault(&opts.MemoryBudget, 32<<20)
	if opts.MemoryBudget < MinMemoryBudget {
		return opts, fmt.Errorf("%w: memory budget of %d bytes, at least %d needed",
			ErrInvalidArgument, opts.MemoryBudget, MinMemoryBudget)
	}
	setDefault(&opts.MemtableSize, int(min(opts.MemoryBudget/8, 4<<20)))
	setDefault(&opts.BlockCacheSize, opts.MemoryBudget*3/8)
	setDefault(&opts.BlockSize, 4<<10)
	setDefault(&opts.RestartInterval, 16)
	setDefault(&opts.FilterBitsPerKey, 10)
	setDefault(&opts.TableSize, 2<<20)
	setDefault(&opts.BaseLevelSize, 10<<20)
	setDefault(&opts.Compactions, min(runtime.GOMAXPROCS(0), 2))
	setDefault(&opts.L0CompactionFiles, 4)
	setDefault(&opts.L0StopFiles, 12)
	if opts.ErrorIfMissing && opts.ErrorIfExists {
		return opts, fmt.Errorf("%w: ErrorIfMissing and ErrorIfExists are both set", ErrInvalidArgument)
	}
	if opts.MemtableSize < 0 || opts.BlockSize < 0 || opts.RestartInterval < 0 || opts.TableSize < 0 ||
		opts.BaseLevelSize < 0 || opts.L0CompactionFiles < 0 || opts.Compactions < 0 {
		return opts, fmt.Errorf("%w: negative size in options", ErrInvalidArgument)
	}
	if size := max(int64(opts.TableSize), opts.BaseLevelSize); size > maxSizeOption {
		return opts, fmt.Errorf("%w: size of %d bytes in options, at most %d", ErrInvalidArgument, size, int64(maxSizeOption))
	}
	if least := memtable.ArenaSize(0, 0); opts.MemtableSize < least || int64(opts.MemtableSize) > memtable.MaxArenaSize {
		return opts, fmt.Errorf("%w: memtable of %d bytes, from %d to %d are possible",
			ErrInvalidArgument, opts.MemtableSize, least, int64(memtable.MaxArenaSize))
	}
	if opts.L0StopFiles < opts.L0CompactionFiles {
		return opts, fmt.Errorf("%w: writes wait from %d tables in level 0, but these are compacted only from %d",
			ErrInvalidArgument, opts.L0StopFiles, opts.L0CompactionFiles)
	}
	return opts, nil
}

func setDefault[T int | int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
