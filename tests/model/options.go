package model

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/varvedb/varve/engine"
)

// randomOptions returns the line that sets options which bring rare paths into play.
func randomOptions(rng *rand.Rand) Op {
	one := func(choices ...int) string { return strconv.Itoa(choices[rng.IntN(len(choices))]) }
	return Op{"options", []string{
		"block=" + one(64, 256, 1024, 4096, 65536),
		"memtable=" + one(4<<10, 16<<10, 64<<10, 1<<20),
		"table=" + one(4<<10, 32<<10, 2<<20),
		"level=" + one(8<<10, 64<<10, 10<<20),
		"restart=" + one(1, 2, 16),
		"filter=" + one(-1, 1, 10),
		"cache=" + one(-1, 8<<10, 1<<20),
		"compression=" + one(int(engine.Snappy), int(engine.NoCompression)),
		"l0=" + one(1, 2, 4),
	}}
}

func parseOptions(pairs []string) (o engine.Options, err error) {
	for _, pair := range pairs {
		name, text, _ := strings.Cut(pair, "=")
		n, err := strconv.Atoi(text)
		if err != nil {
			return o, fmt.Errorf("option %s: %w", pair, err)
		}
		switch name {
		case "block":
			o.BlockSize = n
		case "memtable":
			o.MemtableSize = n
		case "table":
			o.TableSize = n
		case "level":
			o.BaseLevelSize = int64(n)
		case "restart":
			o.RestartInterval = n
		case "filter":
			o.FilterBitsPerKey = n
		case "cache":
			o.BlockCacheSize = int64(n)
		case "compression":
			o.Compression = engine.Compression(n)
		case "l0":
			o.L0CompactionFiles, o.L0StopFiles = n, 3*n
		default:
			return o, fmt.Errorf("unknown option %s", name)
		}
	}
	return o, nil
}
