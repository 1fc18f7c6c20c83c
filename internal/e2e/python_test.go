package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/engine/gemini/simulator"
)

// python is a program that uses static/sheetlift.py; docs/api.md has its first half.
const python = `
import sys, sheetlift

url, token, out, paths = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
server = sheetlift.Client(url, token=token or None, patience=20)
batch = server.create(name="November", preset="inventory", key="november-1", max_retries=0)
assert server.create(name="November", preset="inventory", key="november-1", max_retries=0)["id"] == batch["id"]
for place, path in enumerate(paths, 1):
    for again in range(2):
        taken = server.add(batch["id"], path, position=place)
        assert len(taken["images"]) == 1, taken
try:
    server.add(batch["id"], __file__, name="this program")
    assert False, "a program was taken for a picture"
except sheetlift.Error as err:
    assert err.status == 422 and err.detail and err.request_id, err
    assert err.code == "invalid" and err.location == "", (err.code, err.location)
try:
    server.create(at_once=99)
    assert False, "99 images at once"
except sheetlift.Error as err:
    assert err.code == "invalid" and err.location == "body.at_once", (err.code, err.location)
server.start(batch["id"])
seen = []
batch = server.wait(batch["id"], on_image=lambda image: seen.append(image["name"]))
assert batch["counts"]["failed"] == 1 and len(seen) == len(paths), (batch, seen)
assert server.retry(batch["id"]) == 1
batch = server.wait(batch["id"])
assert batch["status"] == "completed" and batch["counts"]["completed"] == len(paths), batch
rows = list(server.rows(batch["id"]))
assert len(rows) == batch["counts"]["rows"] and rows[0]["cells"]["Item_Description"], rows
for ending in ("xlsx", "csv", "json", "md"):
    server.save(batch["id"], out + "." + ending)
assert [b["id"] for b in server.batches()] == [batch["id"]]
server.call("PATCH", "/batches/" + batch["id"], {"name": "December"})
assert server.batch(batch["id"])["name"] == "December"
server.delete(batch["id"])
try:
    server.batch(batch["id"])
    assert False, "a deleted batch is there"
except sheetlift.Error as err:
    assert err.status == 404, err
print("rows:", len(rows))
`

func TestTheClientForPythonReadsABatchAndRetriesItsFailures(t *testing.T) {
	t.Parallel()
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed here")
	}
	gemini, environ := fake(t, 1, 20*time.Millisecond)
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Latency: 20 * time.Millisecond, Script: []simulator.Answer{simulator.PayloadAnswer("400-unable-to-process-image")}})
	p := run(t, append(environ, "SHEETLIFT_PASSWORD=long-enough-password")...)
	status, code, _ := p.fetch(t, "/static/sheetlift.py")
	if status != http.StatusOK {
		t.Fatalf("the client is served with %d", status)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sheetlift.py"), code)
	write(t, filepath.Join(dir, "integrator.py"), []byte(python))
	out := filepath.Join(dir, "november")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args := append([]string{filepath.Join(dir, "integrator.py"), p.url, "long-enough-password", out}, sheetFiles(t, 4)...)
	said, err := exec.CommandContext(ctx, interpreter, args...).CombinedOutput()
	if err != nil || !regexp.MustCompile(`^rows: \d+\n$`).Match(said) {
		t.Fatalf("%v: %s", err, said)
	}
	book, err := excelize.OpenFile(out + ".xlsx")
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if rows, err := book.GetRows("All rows"); err != nil || !strings.HasPrefix(string(said), "rows: ") || len(rows) < 5 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestTheExampleForPythonWorks runs the lines of docs/api.md as they stand there.
func TestTheExampleForPythonWorks(t *testing.T) {
	t.Parallel()
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed here")
	}
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, there := strings.Cut(string(page), "```python\n")
	example, _, ended := strings.Cut(example, "```")
	if !there || !ended {
		t.Fatal("docs/api.md has no example for Python")
	}
	_, environ := fake(t, 1, 20*time.Millisecond)
	p := run(t, append(environ, "SHEETLIFT_PASSWORD=long-enough-password")...)
	_, code, _ := p.fetch(t, "/static/sheetlift.py")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sheetlift.py"), code)
	for i, f := range sheets(2) {
		write(t, filepath.Join(dir, fmt.Sprintf("sheet-%d.jpg", i+1)), f.data)
	}
	write(t, filepath.Join(dir, "example.py"), []byte(strings.NewReplacer("http://127.0.0.1:8080", p.url, "…", "long-enough-password").Replace(example)))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, "example.py")
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(said), " completed\n") != 2 {
		t.Errorf("%v: %s", err, said)
	}
	if info, err := os.Stat(filepath.Join(dir, "november.xlsx")); err != nil || info.Size() == 0 {
		t.Errorf("no workbook: %v", err)
	}
}
