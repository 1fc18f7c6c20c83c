package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sheetlift/client"
	"sheetlift/internal/errs"
)

// under is the wish to write rows under those of a workbook.
type under struct {
	file    string // "" for none
	sheet   string
	partial bool
	data    []byte // of the file, once it is loaded: the match and the result are of the same content
}

func (u *under) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&u.file, "append", "", "write the rows under those of the workbook `FILE`, matched by headings; -o names another file")
	f.StringVar(&u.sheet, "sheet", "", "with --append: the `SHEET` to append to; without it the one whose headings fit best")
	f.BoolVar(&u.partial, "leave-out", false, "with --append: leave out columns that the workbook does not have")
	_ = c.MarkFlagFilename("append", "xlsx") // fails for unknown flags only
}

// load reads the workbook, if one is wished for.
func (u *under) load(p *plan) (err error) {
	if u.file == "" {
		if u.sheet != "" || u.partial {
			return wrongUsage{errors.New("--sheet and --leave-out belong to --append FILE")}
		}
		return nil
	}
	if format, err := p.formatOf(); err != nil || format != "xlsx" {
		return wrongUsage{errors.New("with --append a workbook is written. Give -o FILE.xlsx, or -o - --format xlsx")}
	}
	if u.data, err = os.ReadFile(u.file); err != nil {
		return errs.Wrap(err, errs.NotFound, "The workbook %s cannot be read: %s", u.file, err)
	}
	old, err := os.Stat(u.file)
	if now, missing := os.Stat(p.output); err == nil && missing == nil && os.SameFile(old, now) {
		return wrongUsage{errors.New("-o names the workbook of --append. Write another file: given twice, the command would append the same rows twice")}
	}
	return err
}

func (u *under) options() client.AppendOptions {
	return client.AppendOptions{Sheet: u.sheet, Partial: u.partial}
}

func (u *under) open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(u.data)), nil }

// misfit is the error of a workbook under whose rows the batch cannot be written; nothing was read yet.
type misfit struct{ error }

// Unwrap returns the wrapped error.
func (m misfit) Unwrap() error { return m.error }

// fit asks how the rows of the batch fit and tells it. Columns that are missing in the workbook are an error, unless they are to be
// left out. Nothing is written.
func (s *shell) fit(ctx context.Context, caller *client.Client, p *plan, id string) error {
	u := &p.under
	if u.file == "" {
		return nil
	}
	m, err := caller.Match(ctx, id, u.options(), u.open)
	if err != nil {
		if status := client.StatusOf(err); status == 422 || status == 413 {
			return misfit{fmt.Errorf("%s: %w", u.file, err)}
		}
		return err
	}
	if len(m.Missing) > 0 && !u.partial {
		return misfit{errs.New(errs.Invalid, "%s: the sheet %q has no column for %s. Add these headings to it, or leave the columns out with --leave-out",
			u.file, m.Sheet, strings.Join(m.Missing, ", "))}
	}
	if p.quiet {
		return nil
	}
	where := fmt.Sprintf("%s: under row %d of the sheet %q", u.file, m.FirstRow-1, m.Sheet)
	if m.Table != "" {
		where += fmt.Sprintf(", in the table %s", m.Table)
	}
	fmt.Fprintf(s.err, "%s: %s.\n", where, strings.Join(m.Matched, ", "))
	if len(m.Missing) > 0 {
		fmt.Fprintf(s.err, "Left out, because the sheet has no such column: %s.\n", strings.Join(m.Missing, ", "))
	}
	if len(m.Empty) > 0 {
		fmt.Fprintf(s.err, "Columns of the sheet that get nothing: %s.\n", strings.Join(m.Empty, ", "))
	}
	return nil
}

// appendRows writes the workbook with the rows under its own, and tells first which values become texts there.
func (s *shell) appendRows(ctx context.Context, caller *client.Client, p *plan, id string, w io.Writer) error {
	u := &p.under
	m, err := caller.Match(ctx, id, u.options(), u.open)
	if err != nil {
		return err
	}
	for _, kept := range m.AsText {
		if !p.quiet {
			fmt.Fprintf(s.err, "%s: %s as text, because the column shows its numbers or dates otherwise.\n", kept.Column, plural(kept.Cells, "value", "values"))
		}
	}
	return caller.Append(ctx, id, u.options(), u.open, w)
}
