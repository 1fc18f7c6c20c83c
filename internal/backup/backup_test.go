package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/backup"
	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/errs"
)

// fixture is a store in memory with documents of its own.
type fixture struct {
	*batchtest.World
	documents map[string]string
}

func newFixture() *fixture { return &fixture{batchtest.NewWorld(), map[string]string{}} }

func (h *fixture) Batches(ctx context.Context) ([]batch.ID, error) {
	all, err := h.Stored(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(slices.Values(all.Batches)), nil
}

func (h *fixture) Documents(_ context.Context, f func(bucket, key string, data []byte) error) error {
	for _, name := range slices.Sorted(maps.Keys(h.documents)) {
		bucket, key, _ := strings.Cut(name, "/")
		if err := f(bucket, key, []byte(h.documents[name])); err != nil {
			return err
		}
	}
	return nil
}

// documentKey matches the keys of documents that the real store accepts.
var documentKey = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

func (h *fixture) SetDocument(_ context.Context, bucket, key string, data []byte) error {
	if bucket != "templates" || !documentKey.MatchString(key) {
		return errs.New(errs.NotFound, "There is no place for %s.", bucket)
	}
	h.documents[bucket+"/"+key] = string(data)
	return nil
}

// filled is a fixture with two batches, three images and a document.
func filled(t testing.TB) *fixture {
	t.Helper()
	h := newFixture()
	h.documents["templates/t1"] = `{"name":"columns"}`
	for i, images := range []int{2, 1} {
		b := &batch.Batch{ID: batch.NewID(), Name: fmt.Sprint("batch ", i), Status: batch.Draft, Created: time.Now().UTC(), Options: batch.DefaultOptions()}
		must(t, h.CreateBatch(t.Context(), b))
		for n := 1; n <= images; n++ {
			m := &batch.Image{Batch: b.ID, N: n, Name: fmt.Sprint("image ", n), Status: batch.Pending}
			m.Picture.Key = fmt.Sprint("upload-", n)
			must(t, h.PutPicture(t.Context(), b.ID, m.Picture.Key, batch.Full, []byte("full "+m.Name)))
			must(t, h.PutPicture(t.Context(), b.ID, m.Picture.Key, batch.Thumb, []byte("thumb "+m.Name)))
			must(t, h.CreateImage(t.Context(), m))
		}
	}
	return h
}

func written(t testing.TB, h *fixture) []byte {
	t.Helper()
	var file bytes.Buffer
	sum, err := backup.Write(t.Context(), &file, h, "test")
	must(t, err)
	if len(sum.Problems) > 0 {
		t.Fatal(sum.Problems)
	}
	return file.Bytes()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contents are the entries of a file by name, without those that tell of the file itself.
func contents(t testing.TB, file []byte) map[string]string {
	t.Helper()
	all := map[string]string{}
	r := tar.NewReader(bytes.NewReader(file))
	for {
		h, err := r.Next()
		if err != nil {
			return all
		}
		var data bytes.Buffer
		_, err = data.ReadFrom(r)
		must(t, err)
		if strings.Contains(h.Name, "/") {
			all[h.Name] = data.String()
		}
	}
}

func TestWhatIsReadBackIsWhatWasWritten(t *testing.T) {
	t.Parallel()
	file := written(t, filled(t))
	manifest, err := backup.Verify(bytes.NewReader(file))
	must(t, err)
	if manifest.Format != backup.Format || manifest.Program != "test" {
		t.Errorf("the manifest is %+v", manifest)
	}
	to := newFixture()
	for i, want := range []string{"{2 3 6 1 0 []}", "{0 0 0 1 2 []}"} { // the second time, existing entries stay
		sum, err := backup.Read(t.Context(), bytes.NewReader(file), to)
		must(t, err)
		if got := fmt.Sprint(*sum); got != want {
			t.Errorf("reading %d: %s, want %s", i+1, got, want)
		}
	}
	want, got := contents(t, file), contents(t, written(t, to))
	if len(want) != 12 || !maps.Equal(got, want) {
		t.Errorf("of %d entries came back %d: %v", len(want), len(got), got)
	}
}

func TestNoFileThatWasCutOrChangedIsTakenForAWholeOne(t *testing.T) {
	t.Parallel()
	file := written(t, filled(t))
	end := bytes.Index(file, []byte("SHA256SUMS"))
	for cut := 0; cut <= end; cut += 512 {
		if _, err := backup.Verify(bytes.NewReader(file[:cut])); !errs.Is(err, errs.Invalid) {
			t.Errorf("cut off at %d of %d: %v", cut, len(file), err)
		}
	}
	for name, part := range contents(t, file) {
		at := bytes.Index(file, []byte(part))
		changed := bytes.Clone(file)
		changed[at+len(part)/2] ^= 1
		if _, err := backup.Verify(bytes.NewReader(changed)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s was changed: %v", name, err)
		}
	}
}

// entry is one entry of a file that a test makes.
type entry struct{ name, data string }

// file makes a file whose sums are right.
func file(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	var sums strings.Builder
	for _, e := range entries {
		sum := sha256.Sum256([]byte(e.data))
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), e.name)
	}
	for _, e := range append(entries, entry{"SHA256SUMS", sums.String()}) {
		must(t, w.WriteHeader(&tar.Header{Name: e.name, Mode: 0o600, Size: int64(len(e.data)), Format: tar.FormatPAX}))
		_, err := w.Write([]byte(e.data))
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

func TestAFileThatSheetliftCannotHaveWrittenIsRefused(t *testing.T) {
	t.Parallel()
	manifest := entry{"manifest.json", `{"format":1}`}
	for name, entries := range map[string][]entry{
		"no manifest":         {{"documents/a/b", "x"}},
		"of no format":        {{"manifest.json", "{}"}},
		"of a newer format":   {{"manifest.json", `{"format":2,"program":"9"}`}},
		"not JSON":            {{"manifest.json", "x"}},
		"the same name twice": {manifest, {"documents/a/b", "x"}, {"documents/a/b", "x"}},
	} {
		if _, err := backup.Verify(bytes.NewReader(file(t, entries...))); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := backup.Verify(bytes.NewReader(file(t, manifest))); err != nil {
		t.Errorf("an empty one: %v", err)
	}
}

// FuzzVerify: no input crashes the process or is expensive, and every accepted file can be read.
func FuzzVerify(f *testing.F) {
	whole := written(f, filled(f))
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(file(f, entry{"manifest.json", `{"format":1}`}, entry{"documents/templates/a", "x"}))
	f.Add([]byte("no file at all"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := backup.Verify(bytes.NewReader(data))
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		read(t, data)
	})
}

// FuzzRead: entries that no program wrote, with correct checksums, are accepted or refused with a sentence. Accepted
// entries are written and read back unchanged.
func FuzzRead(f *testing.F) {
	id := batch.NewID()
	image, err := json.Marshal(&batch.Image{Batch: id, N: 1})
	must(f, err)
	doc, err := json.Marshal(&batch.Batch{ID: id, Name: "a batch"})
	must(f, err)
	dir := "batches/" + string(id) + "/"
	f.Add(dir+"images/1.json", image, dir+"batch.json", doc)
	f.Add(dir+"pictures/key.full", []byte("x"), dir+"batch.json", doc)
	f.Add(dir+"pictures/a.b.c", []byte("x"), "documents/templates/*", []byte("x"))
	f.Add("documents/templates/.", []byte("x"), "documents/templates/a.b", []byte("x"))
	f.Add("batches/../batch.json", doc, "batches//images/", image)
	f.Add(dir+"images/1.json", []byte("null"), dir+"batch.json", []byte(`{"id":null}`))
	f.Fuzz(func(t *testing.T, name1 string, data1 []byte, name2 string, data2 []byte) {
		if name1 == name2 || !plain(name1) || !plain(name2) {
			return
		}
		made := file(t, entry{"manifest.json", `{"format":1}`}, entry{name1, string(data1)}, entry{name2, string(data2)})
		if _, err := backup.Verify(bytes.NewReader(made)); err != nil {
			t.Fatalf("its sums are right: %v", err)
		}
		read(t, made)
	})
}

// plain reports whether a name can stand in a tar and in the list of sums.
func plain(name string) bool {
	return name != "" && len(name) < 90 && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) &&
		!strings.HasSuffix(name, "/") && name != "manifest.json" && name != "SHA256SUMS"
}

// read reads a file that was verified. If that works, writing the entries that it read and reading the new file gives the
// same entries.
func read(t *testing.T, data []byte) {
	t.Helper()
	one, two := newFixture(), newFixture()
	if _, err := backup.Read(t.Context(), bytes.NewReader(data), one); err != nil {
		if errs.KindOf(err) == errs.Internal {
			t.Errorf("refused with %v", err)
		}
		return
	}
	var again bytes.Buffer
	_, err := backup.Write(t.Context(), &again, one, "test")
	must(t, err)
	_, err = backup.Verify(bytes.NewReader(again.Bytes()))
	must(t, err)
	_, err = backup.Read(t.Context(), bytes.NewReader(again.Bytes()), two)
	must(t, err)
	if got, want := contents(t, written2(t, two)), contents(t, again.Bytes()); !maps.Equal(got, want) {
		t.Errorf("it became %v, not %v", got, want)
	}
}

// written2 is written, of a fixture whose images may lack pictures.
func written2(t *testing.T, h *fixture) []byte {
	t.Helper()
	var out bytes.Buffer
	_, err := backup.Write(t.Context(), &out, h, "test")
	must(t, err)
	return out.Bytes()
}
