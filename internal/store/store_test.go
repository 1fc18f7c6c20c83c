package store_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/store"
	"sheetlift/internal/store/storetest"
	"sheetlift/internal/table"
)

// victim is the environment variable that makes this test binary a process that takes work and is then killed.
const victim = "SHEETLIFT_TEST_VICTIM"

func TestMain(m *testing.M) {
	storetest.Node()
	if dir := os.Getenv(victim); dir != "" {
		beVictim(dir)
	}
	goleak.VerifyTestMain(m)
}

// open opens a store on the folder, or in memory for "".
func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Config{Dir: dir, Memory: dir == "", MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newBatch(t testing.TB, s *store.Store) *batch.Batch {
	t.Helper()
	b := &batch.Batch{ID: batch.NewID(), Name: "a batch", Status: batch.Draft, Created: time.Now().UTC(), Options: batch.DefaultOptions()}
	if err := s.CreateBatch(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return b
}

func newImages(t testing.TB, s *store.Store, id batch.ID, n int) []*batch.Image {
	t.Helper()
	var all []*batch.Image
	for i := 1; i <= n; i++ {
		m := &batch.Image{Batch: id, N: i, Name: fmt.Sprint("image ", i), Status: batch.Pending, Generation: 1}
		if err := s.CreateImage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func units(id batch.ID, n int) []batch.Unit {
	var all []batch.Unit
	for i := 1; i <= n; i++ {
		all = append(all, batch.Unit{Batch: id, N: i, Generation: 1})
	}
	return all
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	b := newBatch(t, s)
	images := newImages(t, s, b.ID, 50)
	picture := make([]byte, 1_300_000) // three chunks
	_, _ = rand.Read(picture)
	if err := s.PutPicture(t.Context(), b.ID, "upload-1", batch.Full, picture); err != nil {
		t.Fatal(err)
	}
	large := images[6]
	for i := range 9000 {
		large.Rows = append(large.Rows, table.Row{Cells: []table.Cell{{Text: fmt.Sprintf("row %d with some text to fill the document", i)}, {Text: strings.Repeat("x", 60)}}})
	}
	large.Status = batch.Processing
	if err := s.SaveImage(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if err := s.Keys().Save(t.Context(), "k1", []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := s.Queue().Add(t.Context(), units(b.ID, 3)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, dir)
	got, err := s.Images(t.Context(), b.ID)
	if err != nil || len(got) != 50 || got[49].N != 50 || len(got[6].Rows) != 9000 || got[6].Rows[8999].Cells[0].Text != large.Rows[8999].Cells[0].Text {
		t.Fatalf("%d images, %v", len(got), err)
	}
	back, err := s.GetPicture(t.Context(), b.ID, "upload-1", batch.Full)
	if err != nil || !bytes.Equal(back, picture) {
		t.Errorf("the picture: %d bytes, %v", len(back), err)
	}
	if docs, err := s.Keys().Load(t.Context()); err != nil || string(docs["k1"]) != `{"a":1}` {
		t.Errorf("the keys: %v, %v", docs, err)
	}
	consumer, err := s.Queue().Open(t.Context(), b.ID, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	for i := 1; i <= 3; i++ {
		w, err := consumer.Next(t.Context())
		if err != nil || w.Unit().N != i {
			t.Fatalf("unit %v, %v", w, err)
		}
		if err := w.Ack(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
}

func TestADamagedFileIsSaidAndNeverAShorterList(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	b := newBatch(t, s)
	newImages(t, s, b.ID, 300)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	flipped := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".blk") || !strings.Contains(path, "KV_images") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) < 1000 {
			return err
		}
		for i := range 64 {
			data[len(data)/2+i] ^= 0x5a
		}
		flipped++
		return os.WriteFile(path, data, 0o600)
	})
	if err != nil || flipped == 0 {
		t.Fatalf("%d files changed, %v", flipped, err)
	}
	s = open(t, dir)
	images, err := s.Images(t.Context(), b.ID)
	// The server itself may have dropped damaged messages: then the batch's own order shows which images are
	// missing.
	if err == nil && len(images) == 300 {
		t.Error("300 whole images came out of a damaged file")
	}
	if err != nil && !errs.Is(err, errs.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAFolderThatCannotBeUsedIsNamedWithTheRemedy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	_, err := store.Open(t.Context(), store.Config{Dir: file})
	if err == nil || !strings.Contains(errs.Message(err), file) || time.Since(begun) > 30*time.Second { // half of the time that opening may take
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
}

func TestANearlyFullDiskRefusesUploadsAndNotResults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	b := newBatch(t, s)
	m := newImages(t, s, b.ID, 1)[0]
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Config{Dir: dir, MinFree: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.PutPicture(t.Context(), b.ID, "key", batch.Full, []byte("x")); !errs.Is(err, errs.Full) {
		t.Errorf("a picture: %v", err)
	}
	if err := s.CreateImage(t.Context(), &batch.Image{Batch: b.ID, N: 2}); !errs.Is(err, errs.Full) {
		t.Errorf("an image: %v", err)
	}
	if err := s.Health(t.Context()); !errs.Is(err, errs.Full) {
		t.Errorf("health: %v", err)
	}
	m.Status = batch.Processing
	if err := s.SaveImage(t.Context(), m); err != nil {
		t.Errorf("what is at hand cannot be finished: %v", err)
	}
}

func TestManyStoresLiveSideBySideInMemory(t *testing.T) {
	t.Parallel()
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			s := open(t, "")
			b := newBatch(t, s)
			newImages(t, s, b.ID, 5)
			if images, err := s.Images(t.Context(), b.ID); err != nil || len(images) != 5 {
				t.Errorf("%d images, %v", len(images), err)
			}
			if err := s.Health(t.Context()); err != nil {
				t.Error(err)
			}
			for range 2 {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			if _, err := s.Batch(context.Background(), b.ID); !errs.Is(err, errs.Unavailable) {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

func BenchmarkLoad500(b *testing.B) {
	s := open(b, b.TempDir())
	x := newBatch(b, s)
	newImages(b, s, x.ID, 500)
	for b.Loop() {
		if images, err := s.Images(b.Context(), x.ID); err != nil || len(images) != 500 {
			b.Fatal(len(images), err)
		}
	}
}

func BenchmarkSaveImage(b *testing.B) {
	s := open(b, b.TempDir())
	m := newImages(b, s, newBatch(b, s).ID, 1)[0]
	for b.Loop() {
		m.Tries++
		if err := s.SaveImage(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutPicture(b *testing.B) {
	s := open(b, b.TempDir())
	x := newBatch(b, s)
	data := make([]byte, 400<<10)
	_, _ = rand.Read(data)
	b.SetBytes(int64(len(data)))
	for i := 0; b.Loop(); i++ {
		if err := s.PutPicture(b.Context(), x.ID, fmt.Sprint("key-", i), batch.Full, data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAWatchOfKeysBeginsWithWhatThereIs(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	for _, doc := range []string{"old", "new"} {
		if err := s.Keys().Save(t.Context(), "a", []byte(doc)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	heard, ended := make(chan string, 8), make(chan error, 1)
	go func() { ended <- s.Keys().Watch(ctx, func(id string, doc []byte) { heard <- id + " " + string(doc) }) }()
	if got := <-heard; got != "a new" {
		t.Errorf("it began with %q", got)
	}
	if err := s.Keys().Save(t.Context(), "b", []byte("later")); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "b later" {
		t.Errorf("it went on with %q", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
