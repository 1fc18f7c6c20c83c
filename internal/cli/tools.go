package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"sheetlift/client"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
)

// tools are the tools of an assistant.
type tools struct {
	shell  *shell
	call   *client.Client
	config *config.Config
	within fence
}

func (t *tools) register(s *mcp.Server) {
	mcp.AddTool(s, &mcp.Tool{
		Name: "read_pictures", Description: "Read photographed or scanned sheets (pictures, PDF, ZIP; a folder with those in it) into rows. It waits up to 30 seconds; then ask batch_status with the returned batch.",
	}, t.read)
	mcp.AddTool(s, &mcp.Tool{Name: "batch_status", Description: "How far a batch is, and which images could not be read, with the reason.", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}}, t.status)
	mcp.AddTool(s, &mcp.Tool{Name: "batch_rows", Description: "The rows read so far, with the columns in order and the doubts about cells, at most 200 at once.", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}}, t.rows)
	mcp.AddTool(s, &mcp.Tool{Name: "save_workbook", Description: "Save the rows as a new file: .xlsx, .csv, .json, .ndjson or .md. A file that is there is not replaced."}, t.save)
}

type readInput struct {
	Paths   []string `json:"paths" jsonschema:"files and folders, below the folders that were named to this program"`
	Columns string   `json:"columns,omitempty" jsonschema:"inventory (the default), receipt, any (the columns that each sheet shows), or a file with saved columns"`
	Name    string   `json:"name,omitempty" jsonschema:"of the batch"`
}

type batchInput struct {
	Batch string `json:"batch" jsonschema:"as read_pictures returned it"`
}

// patience is how long read_pictures waits for the end of its batch.
const patience = 30 * time.Second

func (t *tools) read(ctx context.Context, _ *mcp.CallToolRequest, in readInput) (*mcp.CallToolResult, *outcome, error) {
	var paths []string
	for _, path := range in.Paths {
		real, err := t.within.inside(path)
		if err != nil {
			return nil, nil, err
		}
		paths = append(paths, real)
	}
	p := &plan{columns: cmp.Or(in.Columns, "inventory"), name: in.Name, retries: -1, quiet: true}
	if err := t.columns(p); err != nil {
		return nil, nil, err
	}
	files, _, err := collect(paths)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files { // a link in a folder may lead out of it
		if _, err := t.within.inside(f.path); err != nil {
			return nil, nil, err
		}
	}
	n, err := p.draft(t.config, files)
	if err != nil {
		return nil, nil, err
	}
	b, err := t.call.Create(ctx, n, "")
	if err != nil {
		return nil, nil, err
	}
	refused, err := t.shell.upload(ctx, t.call, b, files, &teller{out: io.Discard, quiet: true})
	if err != nil {
		return nil, nil, err
	}
	if len(refused) < len(files) {
		if _, err := t.call.Start(ctx, b.ID); err != nil {
			return nil, nil, err
		}
		limited, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := t.call.Follow(limited, b.ID, func(client.Event) error { return nil }); err != nil && limited.Err() == nil {
			return nil, nil, err
		}
	}
	out, err := t.outcome(ctx, b.ID)
	if err == nil {
		out.Missing = append(refused, out.Missing...)
	}
	return nil, out, err
}

// columns replaces the name of a file with saved columns by its true path.
func (t *tools) columns(p *plan) error {
	switch p.columns {
	case "inventory", "receipt", "any":
		return nil
	}
	real, err := t.within.inside(p.columns)
	p.columns = real
	return err
}

// outcome returns the state of a batch.
func (t *tools) outcome(ctx context.Context, id string) (*outcome, error) {
	b, err := t.call.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	images, err := t.call.Images(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &outcome{Batch: id, Status: b.Status, USD: b.Counts.USD, Missing: []missing{}}
	out.count(images)
	return out, nil
}

func (t *tools) status(ctx context.Context, _ *mcp.CallToolRequest, in batchInput) (*mcp.CallToolResult, *outcome, error) {
	out, err := t.outcome(ctx, in.Batch)
	return nil, out, err
}

type rowsInput struct {
	Batch  string `json:"batch" jsonschema:"as read_pictures returned it"`
	Offset int    `json:"offset,omitempty" jsonschema:"how many rows to pass over"`
}

type rowsOutput struct {
	Columns []string `json:"columns"`
	Rows    []any    `json:"rows"`
	More    int      `json:"more" jsonschema:"how many rows come after these"`
}

const rowsAtOnce = 200

func (t *tools) rows(ctx context.Context, _ *mcp.CallToolRequest, in rowsInput) (*mcp.CallToolResult, *rowsOutput, error) {
	var data bytes.Buffer
	if err := t.call.Rows(ctx, in.Batch, "json", &data); err != nil {
		return nil, nil, err
	}
	out := &rowsOutput{}
	if err := json.Unmarshal(data.Bytes(), out); err != nil {
		return nil, nil, err
	}
	from := min(max(0, in.Offset), len(out.Rows))
	to := min(from+rowsAtOnce, len(out.Rows))
	out.More = len(out.Rows) - to
	out.Rows = out.Rows[from:to]
	return nil, out, nil
}

type saveInput struct {
	Batch string `json:"batch" jsonschema:"as read_pictures returned it"`
	File  string `json:"file" jsonschema:"a new file, below the folders that were named to this program"`
}

type saveOutput struct {
	File string `json:"file"`
}

func (t *tools) save(ctx context.Context, _ *mcp.CallToolRequest, in saveInput) (*mcp.CallToolResult, *saveOutput, error) {
	file, err := t.within.forNew(in.File)
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Lstat(file); err == nil {
		return nil, nil, errs.New(errs.Conflict, "The file %s is there already. Choose another name", file)
	}
	err = t.shell.finish(ctx, t.call, &plan{output: file}, &outcome{Batch: in.Batch, Read: 1})
	return nil, &saveOutput{file}, err
}
