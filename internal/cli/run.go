package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sheetlift/client"
	"sheetlift/internal/app"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/pipe"
)

// workSuffix follows the name of the output in that of the folder with the state of an unfinished run.
const workSuffix = ".work"

// plan holds the wishes of a person: the columns, the output and its form.
type plan struct {
	columns, name, language string
	atOnce, retries         int
	fresh                   bool
	output, format          string
	overwrite               bool
	quiet, json             bool
	under                   under
}

func (p *plan) flags(c *cobra.Command) {
	p.under.flags(c)
	f := c.Flags()
	f.StringVarP(&p.output, "output", "o", "", "the `FILE` to write: .xlsx, .csv, .json, .ndjson or .md; - is standard output")
	f.StringVar(&p.format, "format", "", "the file's `FORMAT`, where its name does not say it")
	f.StringVarP(&p.columns, "columns", "c", "inventory", "inventory, receipt, any, or a `FILE` with saved columns")
	f.StringVar(&p.name, "name", "", "the `NAME` of the batch; without it, that of the folder")
	f.IntVar(&p.atOnce, "at-once", 0, "how many images are read at once, `1..64`; without it 5")
	f.IntVar(&p.retries, "retries", -1, "how often an image whose reading fails is read again, `0..20`; without it 3")
	f.BoolVar(&p.fresh, "fresh", false, "read every picture, also those that were read before")
	f.StringVar(&p.language, "language", "", "the language of sentences and of the workbook's own words, such as `fr`")
	f.BoolVar(&p.overwrite, "overwrite", false, "replace the output file if it is there already")
	s := "tell nothing but errors"
	f.BoolVarP(&p.quiet, "quiet", "q", false, s)
	f.BoolVar(&p.json, "json", false, "tell the outcome as JSON on standard output")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)) // fails for unknown flags only
	_ = c.MarkFlagFilename("output", formats...)
	_ = c.MarkFlagFilename("columns", "json")
}

// readingCommands are the commands that read pictures, with a server or without.
func (s *shell) readingCommands() []*cobra.Command {
	return []*cobra.Command{s.runCommand(), s.sendCommand(), s.mcpCommand()}
}

func (s *shell) runCommand() *cobra.Command {
	p := &plan{}
	c := &cobra.Command{
		Use: "run FOLDER|FILE… -o FILE", GroupID: reading, Short: "Read pictures into a workbook, without a server", Args: words(1, 100_000),
		Long: `Reads the pictures in folders and files into one workbook, in this process: no server is needed, and none is disturbed.
A folder is read with the folders in it; what is no picture, PDF or ZIP there is left out. - is a picture from standard input.

What was read is kept in a folder beside the output, FILE.work, until all is done: after an interruption, or to try failed
images again, give the same command once more. Nothing is kept if the output or a picture is -.

With --append FILE the rows go under those of that workbook, such as last month's: its formats are kept, its table grows, everything
else in it stays. Before anything is read it is told which columns fit; columns that the workbook does not have are an error.

Exit codes: 0 every image was read, 1 nothing was read, 2 a wrong command or setting, 3 the file is written and some images
are missing in it, 130 interrupted.`,
		Example: `  sheetlift run november/ -o november.xlsx
  sheetlift run receipts/*.jpg -c receipt -o - --format csv
  sheetlift run november/ --append october.xlsx -o november.xlsx
  sheetlift run scans.pdf -o rows.json --engine tesseract`,
	}
	p.flags(c)
	c.RunE = s.run(func(ctx context.Context, c *config.Config, args []string) (bool, error) {
		return s.read(ctx, c, p, args)
	})
	return c
}

// read is the command run.
func (s *shell) read(ctx context.Context, c *config.Config, p *plan, args []string) (bool, error) {
	kept := p.output + workSuffix
	if err := p.check(kept); err != nil {
		return false, err
	}
	files, left, err := collect(args)
	if err != nil {
		return false, err
	}
	n, err := p.draft(c, files)
	if err != nil {
		return false, err
	}
	_, noneKept := os.Stat(kept)
	data := kept
	if p.output == "-" || hasStdin(files) {
		data = config.Memory
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pipes := pipe.New()
	private, err := app.NewPrivate(ctx, c, data, Version(), pipes, quietLog(s.err))
	if err != nil {
		return false, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, end)()
	ended := make(chan error, 1)
	go func() { ended <- private.Run(life); cancel() }() // received below
	caller, err := client.New("http://127.0.0.1", client.Options{HTTP: pipes.Client(), Language: p.language})
	if err != nil {
		return false, err
	}
	t := s.newTeller(p, left)
	out, err := s.readWith(ctx, caller, n, p, files, t)
	stopped := ctx.Err() != nil
	end()
	if runErr := <-ended; runErr != nil && !errors.Is(runErr, context.Canceled) { // it ended by itself
		return false, runErr
	}
	if stopped {
		return false, s.stopped(data, kept)
	}
	_, misfits := errors.AsType[misfit](err)
	if err == nil && out.code() == ok && data != config.Memory || misfits && noneKept != nil {
		err = errors.Join(err, os.RemoveAll(kept))
	}
	if err != nil {
		return false, err
	}
	return true, s.tell(p, out)
}

// stopped tells the fate of an interrupted run.
func (s *shell) stopped(data, kept string) error {
	if data == config.Memory {
		fmt.Fprintln(s.err, "sheetlift: stopped. Nothing is kept.")
	} else {
		fmt.Fprintf(s.err, "sheetlift: stopped. What was read is kept in %s; the same command goes on from there.\n", kept)
	}
	return exit(interrupted)
}

// readWith makes the batch, or goes on with the one that an earlier run left, and writes the output.
func (s *shell) readWith(ctx context.Context, caller *client.Client, n client.NewBatch, p *plan, files []input, t *teller) (*outcome, error) {
	key := keyOf(n, files)
	b, err := caller.Create(ctx, n, key)
	if err != nil {
		return nil, err
	}
	if err := setAside(ctx, caller, b.ID); err != nil {
		return nil, err
	}
	if err := s.fit(ctx, caller, p, b.ID); err != nil {
		return nil, err
	}
	out, err := s.fill(ctx, caller, b, files, t)
	if err != nil {
		return nil, err
	}
	return out, s.finish(ctx, caller, p, out)
}

// setAside cancels batches that earlier runs with other pictures or columns left unfinished. Their readings are used again.
func setAside(ctx context.Context, caller *client.Client, id string) error {
	all, err := caller.Batches(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.ID == id || b.Final() {
			continue
		}
		if err := caller.Cancel(ctx, b.ID); client.StatusOf(err) == 409 { // a draft
			err = caller.Delete(ctx, b.ID)
			if err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// keyOf returns the Idempotency-Key of a run: the same pictures with the same wishes are the same batch.
func keyOf(n client.NewBatch, files []input) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q\n", []string{n.Name, n.Preset, string(n.Columns), n.Engine, n.Model, fmt.Sprint(n.Single, n.AtOnce, n.Fresh)})
	for _, f := range files {
		fmt.Fprintln(sum, f.id())
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// check refuses an output that is there and is not that of an unfinished run.
func (p *plan) check(kept string) error {
	if p.output == "" {
		return wrongUsage{errors.New("where to write is missing. Give -o FILE.xlsx, or -o - for standard output")}
	}
	if _, err := p.formatOf(); err != nil {
		return err
	}
	if err := p.under.load(p); err != nil {
		return err
	}
	if p.output == "-" || p.overwrite {
		return nil
	}
	if _, err := os.Stat(kept); err == nil {
		return nil
	}
	if _, err := os.Stat(p.output); err == nil {
		return errs.New(errs.Conflict, "The file %s is there already. Choose another name, or give --overwrite", p.output)
	}
	return nil
}
