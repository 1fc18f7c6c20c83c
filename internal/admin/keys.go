package admin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"text/tabwriter"
	"time"

	"sheetlift/internal/config"
	"sheetlift/internal/engine/gemini"
	"sheetlift/internal/keypool"
	"sheetlift/internal/setup"
)

// CheckKeys tests every key of the settings with one cheap call and writes a table: label, project, outcome.
// It reports whether all of them work.
func CheckKeys(ctx context.Context, c *config.Config, w io.Writer) (bool, error) {
	keys, err := setup.Keys(c.Keys)
	if err != nil {
		return false, err
	}
	if len(keys) == 0 {
		_, err := fmt.Fprintln(w, "No key is set. Put GEMINI_API_KEY_1=… into .env.local.")
		return false, err
	}
	pool := keypool.New(keys, keypool.Options{})
	options, err := setup.Gemini(c)
	if err != nil {
		return false, err
	}
	options.Pool, options.Log = pool, slog.New(slog.DiscardHandler)
	reader, err := gemini.New(options)
	if err != nil {
		return false, err
	}
	outcomes := make([]keypool.Outcome, len(keys))
	var all sync.WaitGroup
	for i, k := range keys {
		all.Go(func() { outcomes[i] = reader.Probe(ctx, k) })
	}
	all.Wait()

	good := true
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tPROJECT\tRESULT\tTIME\tREASON")
	for i, k := range keys {
		o := outcomes[i]
		result := "works"
		if o.Class != keypool.OK {
			result, good = string(o.Class), false
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.Label, k.Project, result, o.Took.Round(time.Millisecond), o.Reason)
	}
	return good, table.Flush()
}
