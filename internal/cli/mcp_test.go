package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"sheetlift/internal/engine/gemini/simulator"
)

// assistant starts sheetlift mcp and returns a session with it. It ends with the test.
func assistant(t *testing.T, environ []string, folders ...string) *mcp.ClientSession {
	t.Helper()
	in, toProgram := io.Pipe()
	fromProgram, out := io.Pipe()
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Main(append([]string{"mcp"}, folders...), environ, in, out, &log)
		out.Close()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, &mcp.IOTransport{Reader: fromProgram, Writer: toProgram}, nil)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		_ = session.Close() // the program ends with its input
		_ = toProgram.Close()
		select {
		case code := <-ended:
			if code != ok || log.Len() > 0 {
				t.Errorf("it ended with %d: %s", code, log.String())
			}
		case <-ctx.Done():
			t.Error("the program did not end with its input")
		}
	})
	return session
}

// tool calls a tool and decodes its result; said is the text of an error of the tool.
func tool(t *testing.T, s *mcp.ClientSession, name string, args map[string]any, result any) (said string) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if res.IsError {
		return res.Content[0].(*mcp.TextContent).Text
	}
	data, err := json.Marshal(res.StructuredContent)
	if err == nil {
		err = json.Unmarshal(data, result)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return ""
}

func TestAnAssistantReadsAFolderAndSavesItsWorkbook(t *testing.T) {
	t.Parallel()
	_, environ := google(t)
	dir := pictures(t, 3)
	write(t, filepath.Join(dir, "broken.jpg"), []byte("no picture"))
	s := assistant(t, environ, dir)
	list, err := s.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 4 {
		t.Fatalf("%v, %v", list, err)
	}
	var o outcome
	if said := tool(t, s, "read_pictures", map[string]any{"paths": []string{"."}, "name": "November"}, &o); said != "" {
		t.Fatal(said)
	}
	if o.Status != "completed" || o.Read != 3 || o.Rows != drawnRows(3) || len(o.Missing) != 1 {
		t.Errorf("the outcome is %+v", o)
	}
	var again outcome
	if said := tool(t, s, "batch_status", map[string]any{"batch": o.Batch}, &again); said != "" || again.Read != 3 || again.Status != "completed" {
		t.Errorf("%q, %+v", said, again)
	}
	var rows rowsOutput
	if said := tool(t, s, "batch_rows", map[string]any{"batch": o.Batch, "offset": 1}, &rows); said != "" || len(rows.Rows) != drawnRows(3)-1 || len(rows.Columns) != len(simulator.Header()) || rows.More != 0 {
		t.Errorf("%q, %d rows of %v", said, len(rows.Rows), rows.Columns)
	}
	var saved saveOutput
	if said := tool(t, s, "save_workbook", map[string]any{"batch": o.Batch, "file": "late/out.xlsx"}, &saved); said != "" || rowsIn(t, saved.File) != drawnRows(3) {
		t.Errorf("%q, %+v", said, saved)
	}
	for name, args := range map[string]map[string]any{
		"there already":    {"batch": o.Batch, "file": "late/out.xlsx"},
		"that was named":   {"batch": o.Batch, "file": "../out.xlsx"},
		"no file that can": {"batch": o.Batch, "file": "out.exe"},
	} {
		if said := tool(t, s, "save_workbook", args, &saved); !strings.Contains(said, name) {
			t.Errorf("%v: %q", args, said)
		}
	}
	if said := tool(t, s, "batch_status", map[string]any{"batch": "nosuchbatch"}, &again); !strings.Contains(said, "nothing here") {
		t.Errorf("no such batch: %q", said)
	}
}

func TestAnAssistantStaysInItsFolders(t *testing.T) {
	t.Parallel()
	_, environ := google(t)
	dir, other := pictures(t, 1), pictures(t, 1)
	if err := os.Symlink(filepath.Join(other, "late"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(other, "late", "sheet-1.jpg"), filepath.Join(dir, "link.jpg")); err != nil {
		t.Fatal(err)
	}
	s := assistant(t, environ, dir)
	var o outcome
	for _, path := range []string{other, "..", "/etc/passwd", "elsewhere", "link.jpg", ".", "late/../../x"} {
		if said := tool(t, s, "read_pictures", map[string]any{"paths": []string{path}}, &o); !strings.Contains(said, "not in a folder that was named") {
			t.Errorf("%s: %q", path, said)
		}
	}
	if said := tool(t, s, "read_pictures", map[string]any{"paths": []string{"late"}, "columns": "/etc/passwd"}, &o); !strings.Contains(said, "not in a folder") {
		t.Errorf("columns from elsewhere: %q", said)
	}
	var saved saveOutput
	if said := tool(t, s, "save_workbook", map[string]any{"batch": "x", "file": "elsewhere/out.xlsx"}, &saved); !strings.Contains(said, "not in a folder") {
		t.Errorf("a workbook elsewhere: %q", said)
	}
	if code, _, log := shellCall(environ, "", "mcp", "/no/such/folder"); code != failed || !strings.Contains(log, "/no/such/folder") {
		t.Errorf("a folder that is not there: %d %s", code, log)
	}
}

func TestAnAssistantUsesTheServerOfTheSettings(t *testing.T) {
	t.Parallel()
	_, environ := google(t)
	asks := server(t, environ)
	s := assistant(t, asks, pictures(t, 1))
	var o outcome
	if said := tool(t, s, "read_pictures", map[string]any{"paths": []string{"late"}}, &o); said != "" || o.Read != 1 {
		t.Fatalf("%q, %+v", said, o)
	}
	if code, said, log := shellCall(asks, "", "batches"); code != ok || !strings.Contains(said, o.Batch) {
		t.Errorf("the server has %s%s", said, log)
	}
}
