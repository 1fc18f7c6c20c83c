package client_test

import (
	"context"
	"io"
	"log"
	"os"
	"strings"
	"testing"

	"sheetlift/client"
)

func Example() {
	ctx := context.Background()
	file, err := os.Create("november.xlsx")
	if err != nil {
		log.Fatal(err)
	}
	caller, err := client.New("http://127.0.0.1:8080", client.Options{Token: "…"})
	if err != nil {
		log.Fatal(err)
	}
	b, err := caller.Create(ctx, client.NewBatch{Name: "November", Preset: "inventory"}, "november-1")
	if err != nil {
		log.Fatal(err)
	}
	_, err = caller.Add(ctx, b.ID, client.Upload{ID: "sheet-0001", Filename: "sheet-1.jpg", Open: func() (io.ReadCloser, error) { return os.Open("sheet-1.jpg") }})
	if err != nil {
		log.Fatal(err)
	}
	_, err = caller.Start(ctx, b.ID)
	if err != nil {
		log.Fatal(err)
	}
	err = caller.Follow(ctx, b.ID, func(e client.Event) error { return nil })
	if err != nil {
		log.Fatal(err)
	}
	err = caller.Workbook(ctx, b.ID, file)
	if err != nil {
		log.Fatal(err)
	}
}

// The lines of docs/api.md stand in Example, which the compiler checks; the command line makes the same calls.
func TestTheExampleForGoIsTheOneThatCompiles(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, example, there := strings.Cut(string(page), "```go\n")
	example, _, ended := strings.Cut(example, "```")
	if !there || !ended {
		t.Fatal("docs/api.md has no example for Go")
	}
	for line := range strings.Lines(example) {
		if line = strings.TrimSpace(line); !strings.Contains(string(source), line) {
			t.Errorf("docs/api.md has %q, which is not in Example", line)
		}
	}
}
