package e2e_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	wordreader "sheetlift/internal/engine/reader"
)

// builtReader builds the program of the neural reader, once for all tests; TestMain removes it.
var builtReader = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sheetlift-reader-*")
	if err != nil {
		return "", err
	}
	readerFolder = dir
	path := filepath.Join(dir, wordreader.Program)
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "../../cmd/sheetlift-reader")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

// readerFolder holds the built program; "" while there is none.
var readerFolder string

// withReader is the variable with which the program reads offline with the neural reader.
func withReader(t testing.TB) string {
	t.Helper()
	path, err := builtReader()
	if err != nil {
		t.Fatal(err)
	}
	return "SHEETLIFT_READER=" + path
}

// TestTheNeuralReaderReadsOffline through the whole program, which says so.
func TestTheNeuralReaderReadsOffline(t *testing.T) {
	t.Parallel()
	p := run(t, withReader(t))
	if !strings.Contains(p.log.String(), "The neural reader (PP-OCRv4") {
		t.Errorf("the log does not say which reader works:\n%s", p.log)
	}
	code, started := p.post(t, "?engine=tesseract&columns=any", sheets(1))
	if code != 200 {
		t.Fatalf("%d: %v", code, started)
	}
	id := started["job_id"].(string)
	p.ended(t, id, 5*time.Minute)
	_, whole := p.get(t, "/api/v1/batches/"+id+"/images/1")
	said, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	if whole["status"] != "completed" || !strings.Contains(string(said), "PP-OCRv4") {
		t.Errorf("it is not read, or does not say by whom: %s", said)
	}
}
