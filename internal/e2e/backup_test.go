package e2e_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/admin"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/store/storetest"
)

// settings reads variables as the program does.
func settings(t testing.TB, environ ...string) *config.Config {
	t.Helper()
	c, _, err := config.Load(nil, config.Source{
		Environ: environ, ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// command runs the program with a command until it ends.
func command(t *testing.T, environ []string, words ...string) (code int, said string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], words...)
	cmd.Env = append([]string{asProgram + "=1", "PATH=" + os.Getenv("PATH")}, environ...)
	cmd.Dir = t.TempDir()
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestABackupOfABatchAtWorkIsRestoredAndGoesOn(t *testing.T) {
	t.Parallel()
	const images = 24
	dir, err := os.MkdirTemp("", "sl") // short: the socket's path has to fit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	safe := filepath.Join(dir, "safe")
	gemini, environ := fake(t, 3, 200*time.Millisecond)
	working := append(environ, "SHEETLIFT_DATA="+filepath.Join(dir, "data"))
	_, p := child(t, working...)
	_, started := p.post(t, "?max_concurrent=3", sheets(images))
	id := started["job_id"].(string)
	waitFor(t, func() bool { return len(gemini.Calls()) >= images/3 })
	if code, said := command(t, working, "backup", safe); code != 0 || !strings.Contains(said, "Wrote 1 batches with 24 images") {
		t.Fatalf("code %d: %s", code, said)
	}
	p.ended(t, id, time.Minute)

	fresh := append(environ, "SHEETLIFT_DATA="+filepath.Join(dir, "fresh"))
	if code, said := command(t, fresh, "restore", safe); code != 0 || !strings.Contains(said, "Took 1 batches with 24 images") {
		t.Fatalf("code %d: %s", code, said)
	}
	_, again := child(t, fresh...)
	if status := again.ended(t, id, time.Minute); status["completed_images"] != float64(images) {
		t.Errorf("ended with %v", status)
	}
	checkRows(t, again.workbook(t, id), wantRows(images))
	if code, said := command(t, fresh, "restore", safe); code != 1 || !strings.Contains(said, "in use") {
		t.Errorf("restoring under a running process: code %d: %s", code, said)
	}
}

func TestADataFolderMovesIntoACluster(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := "SHEETLIFT_DATA=" + filepath.Join(dir, "data")
	_, environ := fake(t, 2, time.Millisecond)
	p := run(t, append(environ, data)...)
	_, started := p.post(t, "", sheets(5))
	id := started["job_id"].(string)
	p.ended(t, id, time.Minute)
	p.stop()

	node := storetest.Start(t, 1)
	cluster := []string{"SHEETLIFT_NATS_URL=" + node.URL(), "SHEETLIFT_SECRET=" + strings.Repeat("s", 32)}
	if code, said := command(t, append(cluster, data), "serve"); code != 1 || !strings.Contains(said, "sheetlift export") {
		t.Errorf("a folder with batches was mixed with a cluster: code %d: %s", code, said)
	}
	file := filepath.Join(dir, "all.tar")
	if code, said := command(t, []string{data}, "export", file); code != 0 {
		t.Fatalf("code %d: %s", code, said)
	}
	for _, want := range []string{"Took 1 batches", "Took 0 batches"} {
		if code, said := command(t, cluster, "import", file); code != 0 || !strings.Contains(said, want) {
			t.Fatalf("code %d: %s, want %s", code, said, want)
		}
	}
	q := run(t, append(append(environ, cluster...), "SHEETLIFT_DATA=:memory:")...)
	checkRows(t, q.workbook(t, id), wantRows(5))
	_, picture, _ := q.fetch(t, "/batches/"+id+"/images/1/picture")
	if len(picture) < 1000 {
		t.Errorf("a picture of %d bytes", len(picture))
	}
}

func TestAFileThatIsCutOffOrChangedIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, file := backedUp(t, dir, 2)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 600, len(whole) / 3, len(whole) / 2, len(whole) - 2048} {
		changed := bytes.Clone(whole)
		changed[at] ^= 0xff
		for what, data := range map[string][]byte{"changed": changed, "cut": whole[:at]} {
			bad := filepath.Join(dir, fmt.Sprintf("%s-%d.tar", what, at))
			if err := os.WriteFile(bad, data, 0o600); err != nil {
				t.Fatal(err)
			}
			before := stored(t, c)
			if err := admin.Restore(t.Context(), c, bad, io.Discard, quiet); err == nil {
				if maps.Equal(before, stored(t, c)) {
					continue // a byte of the padding
				}
				t.Errorf("%s at %d was taken", what, at)
			} else if !maps.Equal(before, stored(t, c)) {
				t.Errorf("%s at %d was refused, and something changed: %v", what, at, err)
			}
		}
	}
}

// TestEveryFlippedByteIsNoticedAndTheBackupComesBack flips bytes in every file of a data folder, one at a time. Several such
// folders are checked in parallel: a check of a damaged folder spends most of its time waiting.
func TestEveryFlippedByteIsNoticedAndTheBackupComesBack(t *testing.T) {
	t.Parallel()
	c, file := backedUp(t, t.TempDir(), 3)
	want := stored(t, c)
	var noticed, harmless atomic.Int64
	var all errgroup.Group
	all.SetLimit(6)
	err := filepath.WalkDir(c.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			return err
		}
		name, err := filepath.Rel(c.Data, path)
		if err != nil {
			return err
		}
		places := []int{len(data) / 2}
		if strings.HasSuffix(name, ".blk") { // where the data itself is
			places = []int{0, len(data) / 2, len(data) - 1}
		}
		for _, at := range places {
			hurt := *c
			hurt.Data = filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(hurt.Data, os.DirFS(c.Data)); err != nil {
				return err
			}
			broken := bytes.Clone(data)
			for i := range broken[at:min(at+8, len(data))] {
				broken[at+i] ^= 0x5a
			}
			if err := os.WriteFile(filepath.Join(hurt.Data, name), broken, 0o600); err != nil {
				return err
			}
			all.Go(func() error {
				seen, err := flipped(t, &hurt, file, want)
				if err != nil {
					t.Errorf("%s at %d: %v", name, at, err)
				}
				if seen {
					noticed.Add(1)
				} else {
					harmless.Add(1)
				}
				return nil
			})
		}
		return nil
	})
	_ = all.Wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d noticed, %d harmless", noticed.Load(), harmless.Load())
	if noticed.Load() == 0 {
		t.Error("nothing was noticed")
	}
}

// flipped reports whether the doctor noticed the damage of a folder. It returns an error for damaged data that was not
// noticed, for a message that does not name the folder, and for data that the backup did not restore.
func flipped(t *testing.T, hurt *config.Config, backup string, want map[string]string) (noticed bool, err error) {
	var said bytes.Buffer
	good, err := admin.Doctor(t.Context(), hurt, &said, quiet)
	if err == nil && good {
		// One thing more than before is the announcement of a process that has left: it runs out by itself.
		if got, err := sums(t, hurt); err != nil || same(got, want) != len(want) {
			return false, fmt.Errorf("%d of %d things are right, and nobody said a word: %s, %v", same(got, want), len(want), &said, err)
		}
		return false, nil
	}
	if err != nil && !strings.Contains(errs.Message(err), hurt.Data) {
		return true, fmt.Errorf("the folder is not named: %w", err)
	}
	if err := admin.Restore(t.Context(), hurt, backup, io.Discard, quiet); err != nil {
		return true, err
	}
	if got, err := sums(t, hurt); err != nil || !maps.Equal(got, want) {
		return true, fmt.Errorf("%d of %d things came back, %v", same(got, want), len(want), err)
	}
	return true, nil
}

var quiet = slog.New(slog.DiscardHandler)

// backedUp is a data folder with one batch that was read, and a backup of it.
func backedUp(t *testing.T, dir string, images int) (c *config.Config, file string) {
	t.Helper()
	data := "SHEETLIFT_DATA=" + filepath.Join(dir, "data")
	_, environ := fake(t, 2, time.Millisecond)
	p := run(t, append(environ, data, "SHEETLIFT_BACKUPS=0")...)
	_, started := p.post(t, "", sheets(images))
	p.ended(t, started["job_id"].(string), time.Minute)
	p.stop()
	c = settings(t, data)
	file = filepath.Join(dir, "backup.tar")
	if good, err := admin.Export(t.Context(), c, "test", file, nil, io.Discard, quiet); err != nil || !good {
		t.Fatalf("%v, %v", good, err)
	}
	return c, file
}

// stored is the checksum of everything in a data folder, by name.
func stored(t *testing.T, c *config.Config) map[string]string {
	t.Helper()
	all, err := sums(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sums is stored for goroutines of a test.
func sums(t *testing.T, c *config.Config) (map[string]string, error) {
	file := filepath.Join(t.TempDir(), "all.tar")
	if _, err := admin.Export(context.Background(), c, "test", file, nil, io.Discard, quiet); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[string]string{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err != nil {
			return nil, err
		}
		if h.Name != "SHA256SUMS" {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if sum, name, _ := strings.Cut(strings.TrimSpace(line), "  "); name != "manifest.json" {
				all[name] = sum
			}
		}
		return all, nil
	}
}

func same(a, b map[string]string) (n int) {
	for name, sum := range b {
		if a[name] == sum {
			n++
		}
	}
	return n
}
