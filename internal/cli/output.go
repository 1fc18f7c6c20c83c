package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sheetlift/client"
	"sheetlift/internal/errs"
)

// formats are the forms of an output.
var formats = []string{"xlsx", "csv", "json", "ndjson", "md"}

// formatOf returns the form of the output: the one that was given, or the ending of the file's name.
func (p *plan) formatOf() (string, error) {
	format := strings.ToLower(p.format)
	if format == "" && p.output == "-" {
		return "", wrongUsage{errors.New("the form of standard output is missing. Give --format xlsx, csv, json, ndjson or md")}
	}
	if format == "" {
		format = strings.ToLower(strings.TrimPrefix(filepath.Ext(p.output), "."))
	}
	if !slices.Contains(formats, format) {
		return "", wrongUsage{fmt.Errorf("%s is no file that can be written here. Let its name end in .xlsx, .csv, .json, .ndjson or .md, or give --format", p.output)}
	}
	return format, nil
}

// finish writes the output, if anything was read.
func (s *shell) finish(ctx context.Context, caller *client.Client, p *plan, out *outcome) error {
	if out.Read == 0 {
		return nil
	}
	format, err := p.formatOf()
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		if p.under.file != "" {
			return s.appendRows(ctx, caller, p, out.Batch, w)
		}
		if format == "xlsx" {
			return caller.Workbook(ctx, out.Batch, w)
		}
		return caller.Rows(ctx, out.Batch, format, w)
	}
	if p.output == "-" {
		return write(s.out)
	}
	out.Output = p.output
	return writeWhole(p.output, write)
}

// writeWhole writes a file so that it is complete under its name or not there at all; one that was there is replaced at the end.
func writeWhole(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return cannotWrite(name, err)
	}
	defer os.Remove(f.Name()) // gone after the rename
	defer f.Close()
	if err = write(f); err != nil {
		if _, disk := errors.AsType[*os.PathError](err); disk {
			return cannotWrite(name, err)
		}
		return err
	}
	if err = f.Chmod(0o644); err == nil { // as other programs write files for people
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return cannotWrite(name, err)
	}
	return nil
}

func cannotWrite(name string, err error) error {
	return errs.Wrap(err, errs.Unavailable, "The file %s cannot be written: %s. Check the folder and the room on its disk", name, err)
}

// tell tells the outcome, and returns its exit code if it is not ok.
func (s *shell) tell(p *plan, out *outcome) error {
	for _, m := range out.Missing {
		fmt.Fprintf(s.err, "%s: %s\n", m.File, m.Why)
	}
	if p.json {
		if err := s.writeJSON(out); err != nil {
			return err
		}
	} else if !p.quiet {
		where := ""
		if out.Output != "" {
			where = " in " + out.Output
		}
		fmt.Fprintf(s.err, "%s of %d%s: %s, %s.\n", plural(out.Read, "image", "images"), out.Images, where, plural(out.Rows, "row", "rows"), plural(out.Doubts, "doubt", "doubts"))
	}
	if code := out.code(); code != ok {
		return exit(code)
	}
	return nil
}

// writeJSON writes v on standard output.
func (s *shell) writeJSON(v any) error {
	e := json.NewEncoder(s.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
