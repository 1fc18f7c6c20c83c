package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sheetlift/client"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
)

// caller returns a client of the server that the settings name. patience is that of client.Options.
func caller(c *config.Config, language string, patience time.Duration) (*client.Client, error) {
	return client.New(c.Server, client.Options{Token: c.Token, Language: language, Patience: patience})
}

// atOnce is no patience: the answer to a list is told at once, also that there is none.
const atOnce = -1

// askingCommands are the commands that ask a server.
func (s *shell) askingCommands() []*cobra.Command {
	return []*cobra.Command{s.batchesCommand(), s.rowsCommand()}
}

func (s *shell) sendCommand() *cobra.Command {
	p := &plan{}
	var key string
	c := &cobra.Command{
		Use: "send FOLDER|FILE…", GroupID: reading, Short: "Read pictures at a server", Args: words(1, 100_000),
		Long: `Sends the pictures in folders and files to a server, as one batch, and waits until they are read. With -o it writes what was
read into a file; without, it prints the id of the batch.

The server is that of the setting -server, with the token of SHEETLIFT_TOKEN. With --key the command may be given again after
an interruption: the same key is the same batch.`,
		Example: `  sheetlift send november/ --server https://sheets.example -o november.xlsx
  sheetlift send scans/ --key november --json`,
	}
	p.flags(c)
	c.Flags().StringVar(&key, "key", "", "an Idempotency-Key: the same `KEY` with the same pictures is the same batch")
	c.RunE = s.run(func(ctx context.Context, c *config.Config, args []string) (bool, error) {
		return true, s.send(ctx, c, p, key, args)
	})
	return c
}

// send is the command send.
func (s *shell) send(ctx context.Context, c *config.Config, p *plan, key string, args []string) error {
	files, left, err := collect(args)
	if err != nil {
		return err
	}
	if p.output != "" || p.under.file != "" {
		if err := p.check(p.output + workSuffix); err != nil {
			return err
		}
	}
	n, err := p.draft(c, files)
	if err != nil {
		return err
	}
	if c.Origin["GEMINI_MODEL"] != "" {
		n.Model = c.Model
	}
	call, err := caller(c, p.language, 0)
	if err != nil {
		return err
	}
	b, err := call.Create(ctx, n, key)
	if err != nil {
		return unreachable(c, err)
	}
	if err := s.fit(ctx, call, p, b.ID); err != nil {
		return unreachable(c, err)
	}
	out, err := s.fill(ctx, call, b, files, s.newTeller(p, left))
	if ctx.Err() != nil {
		fmt.Fprintf(s.err, "sheetlift: stopped waiting. The server has the batch %s and goes on.\n", b.ID)
		return exit(interrupted)
	}
	if err != nil {
		return unreachable(c, err)
	}
	if p.output != "" {
		if err := s.finish(ctx, call, p, out); err != nil {
			return unreachable(c, err)
		}
	} else if !p.json {
		fmt.Fprintln(s.out, out.Batch)
	}
	return s.tell(p, out)
}

// unreachable says where the server was looked for, if err is that nobody answered.
func unreachable(c *config.Config, err error) error {
	if client.StatusOf(err) != 0 || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ours := errors.AsType[*errs.Error](err); ours {
		return err
	}
	return errs.Wrap(err, errs.Unavailable, "The server at %s gives no answer: %s. Name it with -server", c.Server, err)
}

func (s *shell) batchesCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "batches", GroupID: asking, Short: "List the batches of a server, the newest first", Args: words(0, 0),
		RunE: s.run(func(ctx context.Context, c *config.Config, _ []string) (bool, error) {
			call, err := caller(c, "", atOnce)
			if err != nil {
				return false, err
			}
			all, err := call.Batches(ctx)
			if err != nil {
				return false, unreachable(c, err)
			}
			if asJSON {
				return true, s.writeJSON(all)
			}
			table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "ID\tSTATUS\tIMAGES\tREAD\tFAILED\tROWS\tDOUBTS\tNAME")
			for _, b := range all {
				fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", b.ID, b.Status, b.Images, b.Counts.Completed, b.Counts.Failed, b.Counts.Rows, b.Counts.Doubts, b.Name)
			}
			return true, table.Flush()
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (s *shell) rowsCommand() *cobra.Command {
	p := &plan{}
	c := &cobra.Command{
		Use: "rows BATCH", GroupID: asking, Short: "Get the rows or the workbook of a batch from a server", Args: words(1, 1),
		Example: "  sheetlift rows k3v9r2t7q1xm > rows.csv\n  sheetlift rows k3v9r2t7q1xm -o november.xlsx\n  sheetlift rows k3v9r2t7q1xm --append october.xlsx -o november.xlsx",
	}
	f := c.Flags()
	f.StringVarP(&p.output, "output", "o", "-", "the `FILE` to write; - is standard output")
	f.StringVar(&p.format, "format", "", "the file's `FORMAT`: xlsx, csv, json, ndjson or md; csv on standard output without it")
	f.StringVar(&p.language, "language", "", "the language of the workbook's own words")
	f.BoolVar(&p.overwrite, "overwrite", false, "replace the output file if it is there already")
	p.under.flags(c)
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)) // fails for unknown flags only
	c.ValidArgsFunction = s.completeBatches
	c.RunE = s.run(func(ctx context.Context, c *config.Config, args []string) (bool, error) {
		if p.output == "-" && p.format == "" {
			p.format = "csv"
		}
		if err := p.check(p.output + workSuffix); err != nil {
			return false, err
		}
		call, err := caller(c, p.language, atOnce)
		if err != nil {
			return false, err
		}
		if err := s.fit(ctx, call, p, args[0]); err != nil {
			return false, unreachable(c, err)
		}
		if err := s.finish(ctx, call, p, &outcome{Batch: args[0], Read: 1}); err != nil {
			return false, unreachable(c, err)
		}
		return true, nil
	})
	return c
}

// completeBatches offers the ids of the batches that the server has; none if it gives no answer.
func (s *shell) completeBatches(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	settings, err := s.load()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	call, err := caller(settings, "", atOnce)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, _ := call.Batches(context.WithoutCancel(contextOf(c)))
	var ids []cobra.Completion
	for _, b := range all {
		ids = append(ids, cobra.CompletionWithDesc(b.ID, b.Name))
	}
	return slices.Clip(ids), cobra.ShellCompDirectiveNoFileComp
}

func contextOf(c *cobra.Command) context.Context {
	if ctx := c.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}
