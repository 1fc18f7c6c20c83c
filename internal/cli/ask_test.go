package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/client"
	"sheetlift/internal/app"
	"sheetlift/internal/config"
)

// server runs the program with these variables and returns the variables that point commands to it.
func server(t *testing.T, environ []string) []string {
	t.Helper()
	environ = append(environ, "SHEETLIFT_ADDR=127.0.0.1:0", "SHEETLIFT_DATA=:memory:", "SHEETLIFT_WITNESS=off")
	c, _, err := config.Load(nil, config.Source{Environ: environ, ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}))
	return []string{"SHEETLIFT_SERVER=" + a.URL()}
}

func TestSendReadsAtAServerAndItsRowsCanBeFetched(t *testing.T) {
	t.Parallel()
	g, environ := google(t)
	asks := server(t, environ)
	dir, out := pictures(t, 3), filepath.Join(t.TempDir(), "out.xlsx")
	code, said, log := shellCall(asks, "", "send", dir, "--key", "november", "-o", out, "--json")
	var o outcome
	if err := json.Unmarshal([]byte(said), &o); code != ok || err != nil || o.Read != 3 || rowsIn(t, out) != drawnRows(3) {
		t.Fatalf("exit code %d: %s%s", code, said, log)
	}
	if code, said, log = shellCall(asks, "", "send", dir, "--key", "november", "-q"); code != ok || strings.TrimSpace(said) != o.Batch {
		t.Errorf("with the same key: %d %s%s", code, said, log)
	}
	if n := len(g.Calls()); n != 3 {
		t.Errorf("%d calls for three pictures", n)
	}
	if code, said, log = shellCall(asks, "", "batches"); code != ok || !strings.Contains(said, o.Batch) || !strings.Contains(said, "november") || log != "" {
		t.Errorf("batches: %d %s%s", code, said, log)
	}
	var all []client.Batch
	code, said, _ = shellCall(asks, "", "batches", "--json")
	if err := json.Unmarshal([]byte(said), &all); code != ok || err != nil || len(all) != 1 || all[0].Counts.Rows != drawnRows(3) {
		t.Errorf("batches as JSON: %d %s", code, said)
	}
	if code, said, log = shellCall(asks, "", "rows", o.Batch); code != ok || strings.Count(said, "\n") != drawnRows(3)+1 || log != "" {
		t.Errorf("rows: %d %s%s", code, said, log)
	}
	again := filepath.Join(t.TempDir(), "again.xlsx")
	if code, said, log = shellCall(asks, "", "rows", o.Batch, "-o", again); code != ok || said+log != "" || rowsIn(t, again) != drawnRows(3) {
		t.Errorf("rows as a workbook: %d %s%s", code, said, log)
	}
	if code, said, _ = shellCall(asks, "", "__complete", "rows", ""); code != ok || !strings.Contains(said, o.Batch+"\tnovember") {
		t.Errorf("completion of batches: %s", said)
	}
	if code, _, log = shellCall(asks, "", "rows", "nosuchbatch"); code != failed || !strings.Contains(log, "deleted") {
		t.Errorf("rows of no batch: %d %s", code, log)
	}
}

func TestCommandsSignInWithATokenAndSayWhoGaveNoAnswer(t *testing.T) {
	t.Parallel()
	if code, _, log := shellCall([]string{"SHEETLIFT_SERVER=http://127.0.0.1:1"}, "", "batches"); code != failed || !strings.Contains(log, "http://127.0.0.1:1 gives no answer") {
		t.Errorf("nobody there: %d %s", code, log)
	}
	asks := server(t, []string{"SHEETLIFT_PASSWORD=long-enough-password"})
	if code, _, log := shellCall(asks, "", "batches"); code != failed || !strings.Contains(log, "sign in") {
		t.Errorf("without a token: %d %s", code, log)
	}
	if code, said, log := shellCall(append(asks, "SHEETLIFT_TOKEN=long-enough-password"), "", "batches", "--json"); code != ok || strings.TrimSpace(said) == "" {
		t.Errorf("with a token: %d %s%s", code, said, log)
	}
}

func TestKeysAreListedAndAddedWithoutBeingShown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.txt")
	environ := []string{"GEMINI_API_KEY_1=first@desk:the-first-secret", "GEMINI_API_KEYS_FILE=" + file}
	if code, _, log := shellCall(environ, "", "keys", "list"); code != usage || !strings.Contains(log, file) {
		t.Errorf("a keys file that is not there: %d %s", code, log)
	}
	write(t, file, []byte("# keys\n"))
	code, said, log := shellCall(environ, "late@desk:the-second-secret\n", "keys", "add")
	if code != ok || !strings.Contains(said, "The key late is in") {
		t.Fatalf("keys add: %d %s%s", code, said, log)
	}
	code, list, log := shellCall(environ, "", "keys", "list")
	if code != ok || !strings.Contains(list, "first") || !strings.Contains(list, "late") || !strings.Contains(list, "line 2") {
		t.Errorf("keys list: %d %s%s", code, list, log)
	}
	var all []keyEntry
	_, asJSON, _ := shellCall(environ, "", "keys", "list", "--json")
	if err := json.Unmarshal([]byte(asJSON), &all); err != nil || len(all) != 2 || all[1] != (keyEntry{"late", "desk", "GEMINI_API_KEYS_FILE line 2"}) {
		t.Errorf("keys list as JSON: %s", asJSON)
	}
	if strings.Contains(said+list+asJSON+log, "-secret") {
		t.Error("a key is shown")
	}
	if code, _, log := shellCall(environ, "\n", "keys", "add"); code != failed || !strings.Contains(log, "no key on standard input") {
		t.Errorf("a blank key: %d %s", code, log)
	}
	if code, _, log := shellCall(nil, "key", "keys", "add"); code != failed || !strings.Contains(log, "GEMINI_API_KEYS_FILE") {
		t.Errorf("without a keys file: %d %s", code, log)
	}
}

func TestConfigCheckNamesWhereEachSettingComesFrom(t *testing.T) {
	t.Parallel()
	code, said, log := shellCall([]string{"SHEETLIFT_PASSWORD=long-enough-password", "GEMINI_API_KEY=a-secret-key"}, "", "config", "check", "-slots", "9")
	for _, has := range []string{"SHEETLIFT_PASSWORD", "-slots", "1 key. All settings can be used."} {
		if !strings.Contains(said, has) {
			t.Errorf("%q is missing: %s", has, said)
		}
	}
	if code != ok || log != "" || strings.Contains(said, "long-enough") || strings.Contains(said, "a-secret") {
		t.Errorf("exit code %d: %s%s", code, said, log)
	}
	if code, said, _ = shellCall([]string{"SHEETLIFT_SLOT=9"}, "", "config", "check", "--json"); code != failed || !strings.Contains(said, "Did you mean SHEETLIFT_SLOTS?") {
		t.Errorf("a warning: %d %s", code, said)
	}
	if code, _, log = shellCall([]string{"SHEETLIFT_SLOTS=many"}, "", "config", "check"); code != usage || !strings.Contains(log, "SHEETLIFT_SLOTS") {
		t.Errorf("a wrong setting: %d %s", code, log)
	}
}

func TestTheEndOfABatchIsToldToTheServersOfTheSettings(t *testing.T) {
	t.Parallel()
	_, environ := google(t)
	got := make(chan []string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- []string{string(body), r.Header.Get("Sheetlift-Signature")}
	}))
	t.Cleanup(receiver.Close)
	asks := server(t, append(environ, "SHEETLIFT_WEBHOOKS="+receiver.URL+"/hook", "SHEETLIFT_WEBHOOK_SECRET=sixteen-letters-"))
	code, id, log := shellCall(asks, "", "send", pictures(t, 2), "-q")
	if code != ok {
		t.Fatalf("exit code %d: %s", code, log)
	}
	select {
	case call := <-got:
		var told struct {
			Event string
			Batch client.Batch
		}
		err := json.Unmarshal([]byte(call[0]), &told)
		if err != nil || told.Event != "batch.ended" || told.Batch.ID != strings.TrimSpace(id) || told.Batch.Status != "completed" || !strings.Contains(call[0], fmt.Sprintf(`"completed":2,"failed":0,"rows":%d`, drawnRows(2))) || !strings.HasPrefix(call[1], "t=") {
			t.Errorf("the receiver was told %q, %v", call, err)
		}
	case <-time.After(time.Minute):
		t.Error("nobody was told")
	}
}
