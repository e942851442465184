package archive_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/archive"
	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// fill writes a store of several tables, with overwritten and deleted keys.
func fill(t testing.TB, fs vfs.FS, entries int) *engine.DB {
	t.Helper()
	db, err := engine.Open(fs, &engine.Options{MemoryBudget: 1 << 20})
	must(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range entries {
		value := make([]byte, 50+random.IntN(100))
		for j := range value {
			value[j] = byte(random.Uint32())
		}
		must(t, db.Put(fmt.Appendf(nil, "key%06d", random.IntN(entries)), value, engine.Deferred))
		if i%10 == 0 {
			must(t, db.Delete(fmt.Appendf(nil, "key%06d", random.IntN(entries)), engine.Deferred))
		}
		if i%(entries/4+1) == 0 {
			must(t, db.Flush())
		}
	}
	return db
}

func content(t testing.TB, db *engine.DB) map[string]string {
	t.Helper()
	it, err := db.NewIterator(engine.IterOptions{})
	must(t, err)
	all := map[string]string{}
	for more := it.First(); more; more = it.Next() {
		all[string(it.Key())] = string(it.Value())
	}
	must(t, it.Error(), it.Close())
	return all
}

// contentOf opens a store, which must be there, and checks it.
func contentOf(t testing.TB, fs vfs.FS) map[string]string {
	t.Helper()
	db, err := engine.Open(fs, &engine.Options{ErrorIfMissing: true})
	must(t, err)
	defer func() { must(t, db.Check(), db.Close()) }()
	return content(t, db)
}

func archiveOf(t testing.TB, db *engine.DB) []byte {
	t.Helper()
	image, err := db.NewImage()
	must(t, err)
	r := archive.NewReader(image, time.Unix(1e9, 0))
	all, err := io.ReadAll(r)
	must(t, err, r.Close())
	return all
}

// sample is the archive of a store, and what is in it.
func sample(t testing.TB, entries int) (archived []byte, want map[string]string) {
	t.Helper()
	db := fill(t, memfs.New(), entries)
	defer func() { must(t, db.Close()) }()
	return archiveOf(t, db), content(t, db)
}

func TestRestoreGivesBackWhatWasArchived(t *testing.T) {
	for _, entries := range []int{0, 1, 20_000} {
		archived, want := sample(t, entries)
		fs := memfs.New()
		must(t, archive.Restore(fs, bytes.NewReader(archived), engine.Options{}))
		if got := contentOf(t, fs.Crash(memfs.Keep{PowerLoss: true})); !maps.Equal(got, want) {
			t.Errorf("%d keys came back of %d, or other values", len(got), len(want))
		}
		slow := memfs.New()
		must(t, archive.Restore(slow, iotest.OneByteReader(bytes.NewReader(archived)), engine.Options{}))
		if got := contentOf(t, slow); !maps.Equal(got, want) {
			t.Errorf("read by single bytes, %d keys came back of %d, or other values", len(got), len(want))
		}
	}
}

func TestArchiveIsOfTheMomentOfItsImage(t *testing.T) {
	db := fill(t, memfs.New(), 5000)
	want := content(t, db)
	image, err := db.NewImage()
	must(t, err)
	r := archive.NewReader(image, time.Unix(1e9, 0))
	begun := make([]byte, 5000)
	_, err = io.ReadFull(r, begun)
	must(t, err, db.DeleteRange(nil, nil, engine.Strict), db.Compact(nil, nil))
	rest, err := io.ReadAll(r)
	must(t, err, r.Close(), r.Close())
	fs := memfs.New()
	must(t, archive.Restore(fs, bytes.NewReader(append(begun, rest...)), engine.Options{}))
	if got := contentOf(t, fs); !maps.Equal(got, want) {
		t.Errorf("%d keys came back of %d, or other values", len(got), len(want))
	}
	must(t, db.Check(), db.Close())
}

func TestReaderKeepsReadersContract(t *testing.T) {
	db := fill(t, memfs.New(), 3000)
	image, err := db.NewImage()
	must(t, err)
	r := archive.NewReader(image, time.Unix(1e9, 0))
	want, err := io.ReadAll(archive.NewReader(image, time.Unix(1e9, 0)))
	must(t, err)
	if err := iotest.TestReader(r, want); err != nil {
		t.Errorf("%.200v", err)
	}
	must(t, r.Close(), db.Close())
}

func TestClosedReaderHoldsNothing(t *testing.T) {
	fs := memfs.New()
	db := fill(t, fs, 3000)
	image, err := db.NewImage()
	must(t, err)
	r := archive.NewReader(image, time.Unix(1e9, 0))
	_, err = io.ReadFull(r, make([]byte, 2000))
	must(t, err)
	if open := db.Metrics().Iterators; open != 1 {
		t.Errorf("%d images are open, want 1", open)
	}
	must(t, db.DeleteRange(nil, nil, engine.Strict), db.Compact(nil, nil), r.Close())
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
	must(t, db.Check(), db.Close())
}

func TestAnyTarReadsTheArchive(t *testing.T) {
	archived, _ := sample(t, 20_000)
	r := tar.NewReader(bytes.NewReader(archived))
	var names []string
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		if h.Typeflag != tar.TypeReg || h.Format != tar.FormatUSTAR || h.Mode != 0o644 {
			t.Errorf("%s: type %q, format %v, mode %o", h.Name, h.Typeflag, h.Format, h.Mode)
		}
		data, err := io.ReadAll(r)
		must(t, err)
		if int64(len(data)) != h.Size {
			t.Errorf("%s has %d bytes, want %d", h.Name, len(data), h.Size)
		}
		names = append(names, h.Name)
	}
	if len(names) < 4 || names[len(names)-1] != "CURRENT" || len(archived)%512 != 0 {
		t.Errorf("the archive of %d bytes has %q", len(archived), names)
	}
}

// packed is the files of a store as another tar packs them.
func packed(t testing.TB, files map[string][]byte, prefix string, format tar.Format) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if prefix != "" {
		must(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: prefix, Mode: 0o755, Format: format}))
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		must(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: prefix + name, Size: int64(len(files[name])), Mode: 0o600, Format: format}))
		_, err := w.Write(files[name])
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

// filesOf returns the files of a store that was closed, among them a log that is not in tables.
func filesOf(t testing.TB) (files map[string][]byte, want map[string]string) {
	t.Helper()
	fs := memfs.New()
	db := fill(t, fs, 600)
	must(t, db.Put([]byte("in the log"), []byte("alone"), engine.Strict))
	want = content(t, db)
	must(t, db.Close())
	infos, err := fs.List()
	must(t, err)
	files = map[string][]byte{}
	for _, info := range infos {
		r, err := fs.Open(info.Name)
		must(t, err)
		data, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		must(t, err, r.Close())
		files[info.Name] = data
	}
	return files, want
}

func TestRestoreTakesADirectoryThatAnotherTarPacked(t *testing.T) {
	files, want := filesOf(t)
	files["LOCK"], files["LOG"], files["LOG.old"] = nil, []byte("notes"), []byte("notes")
	files["notes.txt"], files["._CURRENT"], files["000099.dbtmp"] = []byte("x"), []byte("y"), []byte("z")
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatGNU, tar.FormatPAX} {
		for _, prefix := range []string{"./", "festival/", strings.Repeat("long/", 30)} {
			fs := memfs.New()
			must(t, archive.Restore(fs, bytes.NewReader(packed(t, files, prefix, format)), engine.Options{}))
			if got := contentOf(t, fs); !maps.Equal(got, want) {
				t.Errorf("%v, %q: %d keys came back of %d, or other values", format, prefix, len(got), len(want))
			}
		}
	}
	many := strings.Repeat("directory/", 20) + strings.Repeat("d", 200) + "/"
	for _, format := range []tar.Format{tar.FormatGNU, tar.FormatPAX} {
		fs := memfs.New()
		must(t, archive.Restore(fs, bytes.NewReader(packed(t, files, many, format)), engine.Options{}))
		if got := contentOf(t, fs); !maps.Equal(got, want) {
			t.Errorf("%v, long names: %d keys came back of %d, or other values", format, len(got), len(want))
		}
	}
}

func TestRestoreGivesNoFileTheNameOfADirectory(t *testing.T) {
	files, want := filesOf(t)
	for _, format := range []tar.Format{tar.FormatGNU, tar.FormatPAX} {
		directory := packed(t, nil, strings.Repeat("d", 200)+"/", format)
		directory = directory[:len(directory)-1024] // without the end
		fs := memfs.New()
		must(t, archive.Restore(fs, bytes.NewReader(append(directory, packed(t, files, "", format)...)), engine.Options{}))
		if got := contentOf(t, fs); !maps.Equal(got, want) {
			t.Errorf("%v: %d keys came back of %d, or other values", format, len(got), len(want))
		}
	}
}

// wantNoStore fails the test unless a store can be made in fs, and only a new one.
func wantNoStore(t *testing.T, fs vfs.FS) {
	t.Helper()
	if _, err := engine.Open(fs, &engine.Options{ErrorIfMissing: true}); !errors.Is(err, engine.ErrNoStore) {
		t.Fatalf("opening what was left: %v", err)
	}
	db, err := engine.Open(fs, nil)
	must(t, err)
	if got := content(t, db); len(got) > 0 {
		t.Errorf("a new store has %d keys", len(got))
	}
	must(t, db.Check(), db.Close())
}

func TestRestoreRefusesWhatIsNoStore(t *testing.T) {
	files, _ := filesOf(t)
	without := maps.Clone(files)
	delete(without, "CURRENT")
	foreign := maps.Clone(files)
	foreign["CURRENT"], foreign["MANIFEST-999999"] = []byte("MANIFEST-999999\n"), manifestOf("idb_cmp1")
	one, other := packed(t, files, "a/", tar.FormatGNU), packed(t, files, "b/", tar.FormatGNU)
	twice := slices.Concat(one[:len(one)-1024], other)
	var link bytes.Buffer
	w := tar.NewWriter(&link)
	must(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "CURRENT", Linkname: "/etc/passwd"}), w.Close())
	for what, data := range map[string][]byte{
		"nothing":                 {},
		"text":                    []byte(strings.Repeat("no tar ", 200)),
		"gzip":                    append([]byte{0x1f, 0x8b}, make([]byte, 2000)...),
		"a few bytes":             []byte("abc"),
		"an empty archive":        make([]byte, 1024),
		"no CURRENT":              packed(t, without, "./", tar.FormatGNU),
		"two stores":              twice,
		"a symbolic link":         link.Bytes(),
		"keys of another order":   packed(t, foreign, "./", tar.FormatGNU),
		"files of something else": packed(t, map[string][]byte{"photo.jpg": []byte("x")}, "./", tar.FormatGNU),
	} {
		fs := memfs.New()
		if err := archive.Restore(fs, bytes.NewReader(data), engine.Options{}); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s: %v", what, err)
		}
		wantNoStore(t, fs)
	}
}

// manifestOf returns a manifest without tables, of a store whose keys are in that order.
func manifestOf(comparer string) []byte {
	zero, next := base.FileNum(0), base.FileNum(1<<20)
	edit := manifest.Edit{Comparer: comparer, LogNum: &zero, NextFileNum: &next, LastSeq: new(base.Seq)}
	var encoder record.Encoder
	return encoder.Append(nil, edit.Append(nil))
}

func TestRestoreReportsDamageAnywhere(t *testing.T) {
	archived, want := sample(t, 400)
	var corruption *engine.CorruptionError
	for at := 0; at < len(archived)-1024; at += 61 {
		damaged := bytes.Clone(archived)
		damaged[at] ^= 1 << (at % 8)
		fs := memfs.New()
		switch err := archive.Restore(fs, bytes.NewReader(damaged), engine.Options{}); {
		case err == nil:
			// Padding, which nobody reads.
			if got := contentOf(t, fs); !maps.Equal(got, want) {
				t.Fatalf("with byte %d damaged, other entries were restored", at)
			}
		case at < 512 && errors.Is(err, engine.ErrInvalidArgument), errors.As(err, &corruption):
			wantNoStore(t, fs)
		default:
			t.Fatalf("with byte %d damaged: %v", at, err)
		}
	}
}

func TestRestoreReportsAnArchiveThatIsCutOff(t *testing.T) {
	archived, _ := sample(t, 400)
	var corruption *engine.CorruptionError
	for length := 0; length <= len(archived)-1024; length += 128 {
		fs := memfs.New()
		err := archive.Restore(fs, bytes.NewReader(archived[:length]), engine.Options{})
		if (length >= 512 || !errors.Is(err, engine.ErrInvalidArgument)) && !errors.As(err, &corruption) {
			t.Fatalf("cut at %d of %d: %v", length, len(archived), err)
		}
		wantNoStore(t, fs)
	}
}

func TestRestoreFailsAsItsSourceDoes(t *testing.T) {
	archived, _ := sample(t, 400)
	broken := errors.New("the network is gone")
	for _, given := range []int{len(archived) / 2, len(archived)} {
		fs := memfs.New()
		from := io.MultiReader(bytes.NewReader(archived[:given]), iotest.ErrReader(broken))
		if err := archive.Restore(fs, from, engine.Options{}); !errors.Is(err, broken) {
			t.Errorf("Restore of %d bytes of %d: %v", given, len(archived), err)
		}
		wantNoStore(t, fs)
	}
}

func TestRestoreRefusesWhereThereIsAStore(t *testing.T) {
	archived, _ := sample(t, 100)
	fs := memfs.New()
	db := fill(t, fs, 10)
	want := content(t, db)
	if err := archive.Restore(fs, bytes.NewReader(archived), engine.Options{}); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("into an open store: %v", err)
	}
	must(t, db.Close())
	if err := archive.Restore(fs, bytes.NewReader(archived), engine.Options{}); !errors.Is(err, engine.ErrExists) {
		t.Errorf("into a store: %v", err)
	}
	if got := contentOf(t, fs); !maps.Equal(got, want) {
		t.Error("the store has changed")
	}
}

func TestRestoreThatFailsAtAnyOperationLeavesNoStore(t *testing.T) {
	files, want := filesOf(t)
	archived := packed(t, files, "./", tar.FormatGNU)
	for n := 0; ; n++ {
		medium := memfs.New()
		fs := faultfs.New(medium, faultfs.Nth(n, faultfs.Fault{Err: vfs.ErrNoSpace}))
		err := archive.Restore(fs, bytes.NewReader(archived), engine.Options{})
		if len(fs.Ops()) <= n {
			must(t, err)
			break
		}
		fs.SetRule(nil)
		if err == nil {
			// Something that is tried again, or may fail.
			if got := contentOf(t, fs); !maps.Equal(got, want) {
				t.Fatalf("operation %d: other entries were restored", n)
			}
			continue
		}
		if !errors.Is(err, vfs.ErrNoSpace) {
			t.Fatalf("operation %d: %v", n, err)
		}
		if exists, isStore := fs.Ops()[n], hasCurrent(t, medium); isStore && exists.Kind != faultfs.Unlock {
			t.Fatalf("operation %d, %v, failed, and there is a store", n, exists)
		}
	}
}

func hasCurrent(t testing.TB, fs vfs.FS) bool {
	infos, err := fs.List()
	must(t, err)
	return slices.ContainsFunc(infos, func(info vfs.FileInfo) bool { return info.Name == "CURRENT" })
}

func TestCrashInRestoreLeavesTheStoreOrNone(t *testing.T) {
	files, want := filesOf(t)
	archived := packed(t, files, "./", tar.FormatGNU)
	medium := memfs.New()
	fs := faultfs.New(medium, nil)
	var mu sync.Mutex
	var pictures []*memfs.FS
	random := rand.New(rand.NewPCG(3, 4))
	fs.OnOp(func(int, faultfs.Op) {
		mu.Lock()
		defer mu.Unlock()
		pictures = append(pictures, medium.Crash(memfs.Keep{}),
			medium.Crash(memfs.Keep{Rand: random}), medium.Crash(memfs.Keep{Rand: random, PowerLoss: true}))
	})
	must(t, archive.Restore(fs, bytes.NewReader(archived), engine.Options{}))
	fs.OnOp(nil)
	whole := 0
	for i, crashed := range pictures {
		if hasCurrent(t, crashed) {
			whole++
			if got := contentOf(t, crashed); !maps.Equal(got, want) {
				t.Fatalf("picture %d: other entries were restored", i)
			}
			continue
		}
		again := crashed.Clone()
		wantNoStore(t, crashed)
		// Another crash must not bring back what was removed.
		wantEmpty(t, i, crashed.Crash(memfs.Keep{Rand: random, PowerLoss: true}))
		must(t, archive.Restore(again, bytes.NewReader(archived), engine.Options{}))
		if got := contentOf(t, again.Crash(memfs.Keep{Rand: random, PowerLoss: true})); !maps.Equal(got, want) {
			t.Fatalf("picture %d, restored again: other entries", i)
		}
	}
	if whole == 0 || whole == len(pictures) {
		t.Errorf("%d of %d pictures have a store", whole, len(pictures))
	}
}

func wantEmpty(t *testing.T, i int, fs vfs.FS) {
	t.Helper()
	db, err := engine.Open(fs, nil)
	if err != nil {
		t.Fatalf("picture %d: %v", i, err)
	}
	if got := content(t, db); len(got) > 0 {
		t.Fatalf("picture %d: %d keys came back", i, len(got))
	}
	must(t, db.Close())
}
