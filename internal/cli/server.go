package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sheetlift/internal/admin"
	"sheetlift/internal/app"
	"sheetlift/internal/config"
	"sheetlift/internal/logs"
)

// serverCommands are the commands that serve, and those that look after the data of a server.
func (s *shell) serverCommands() []*cobra.Command {
	return []*cobra.Command{
		{Use: "serve", GroupID: serving, Short: "Serve the pages (also without a command)", Args: words(0, 0), RunE: s.serving(app.New)},
		{Use: "demo", GroupID: serving, Short: "Show a batch of drawn sheets being read by a simulated Gemini, all in memory", Args: words(0, 0), RunE: s.serving(app.NewDemo)},
		s.keysCommand(),
		{Use: "doctor", GroupID: keeping, Short: "Check everything in the data folder and mend what a crash left behind", Args: words(0, 0),
			Long: "Checks everything in the data folder, mends what a crash left behind, and says what was found.\nThe exit code is 1 if something is broken. It needs the folder for itself.",
			RunE: s.run(func(ctx context.Context, c *config.Config, _ []string) (bool, error) {
				return admin.Doctor(ctx, c, s.out, quietLog(s.err))
			})},
		{Use: "backup FOLDER", GroupID: keeping, Short: "Write everything into a new file in the folder, also while Sheetlift runs", Args: words(1, 1),
			RunE: s.run(func(ctx context.Context, c *config.Config, args []string) (bool, error) {
				return admin.Backup(ctx, c, Version(), args[0], s.out, quietLog(s.err))
			})},
		{Use: "restore FOLDER", GroupID: keeping, Short: "Put the newest backup in the folder, or the file given, in the place of the data, which is moved aside", Args: words(1, 1),
			RunE: s.run(func(ctx context.Context, c *config.Config, args []string) (bool, error) {
				return true, admin.Restore(ctx, c, args[0], s.out, quietLog(s.err))
			})},
		{Use: "export FILE [BATCH…]", GroupID: keeping, Short: "Write these batches, or all, into a file: to keep, or to move into a cluster", Args: words(1, 10_000),
			RunE: s.run(func(ctx context.Context, c *config.Config, args []string) (bool, error) {
				return admin.Export(ctx, c, Version(), args[0], args[1:], s.out, quietLog(s.err))
			})},
		{Use: "import FILE", GroupID: keeping, Short: "Take the batches of such a file in; those that are there stay as they are", Args: words(1, 1),
			RunE: s.run(func(ctx context.Context, c *config.Config, args []string) (bool, error) {
				return true, admin.Import(ctx, c, args[0], s.out, quietLog(s.err))
			})},
		s.tokenCommand(),
		{Use: "version", Short: "Print the version", Args: words(0, 0), RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(s.out, Version())
			return err
		}},
	}
}

func (s *shell) tokenCommand() *cobra.Command {
	do := func(word string) action {
		return func(ctx context.Context, c *config.Config, args []string) (bool, error) {
			req := admin.TokenRequest{Do: word}
			for i, field := range []*string{&req.Name, &req.Role} {
				if i < len(args) {
					*field = args[i]
				}
			}
			return true, admin.Tokens(ctx, c, req, s.out, quietLog(s.err))
		}
	}
	return group(keeping, "token", "Make, list and revoke the tokens of programs, also while Sheetlift runs",
		&cobra.Command{Use: "create NAME viewer|operator", Short: "Make a token for a program and print it, this once", Args: words(2, 2), RunE: s.run(do("create"))},
		&cobra.Command{Use: "list", Short: "List the tokens, with when each was last used", Args: words(0, 0), RunE: s.run(do("list"))},
		&cobra.Command{Use: "revoke NAME", Short: "End a token, by its name or id, at once in every process", Args: words(1, 1), RunE: s.run(do("revoke"))},
	)
}

// program builds the application that serve runs.
type program func(context.Context, *config.Config, string, *slog.Logger) (*app.App, error)

func (s *shell) serving(build program) func(*cobra.Command, []string) error {
	return s.run(func(ctx context.Context, c *config.Config, _ []string) (bool, error) {
		return true, s.serve(ctx, c, build)
	})
}

// serve runs until the first SIGINT or SIGTERM, which starts a graceful shutdown; a second one ends the process at once. SIGHUP
// reloads the keys and the certificate; SIGUSR1 switches the log between debug and info. During the start neither ends anything.
func (s *shell) serve(ctx context.Context, c *config.Config, build program) error {
	level := slog.LevelInfo
	if c.Debug {
		level = slog.LevelDebug
	}
	format := logs.Text
	if c.LogJSON {
		format = logs.JSON
	}
	levels := logs.NewLevels(level)
	log := logs.New(s.err, format, levels)
	hup := make(chan os.Signal, 1) // one that comes while the data is opened is heard afterwards
	signal.Notify(hup, syscall.SIGHUP, syscall.SIGUSR1)
	defer signal.Stop(hup)
	a, err := build(ctx, c, Version(), log)
	if err != nil {
		return err
	}
	go func() { // ends with ctx
		for {
			select {
			case got := <-hup:
				if got == syscall.SIGUSR1 {
					log.Warn("the level of the log was switched", "level", levels.Toggle().String())
					continue
				}
				a.Reload()
			case <-ctx.Done():
				return
			}
		}
	}()
	fmt.Fprintf(s.out, "Sheetlift %s is ready: %s\n", Version(), a.URL())
	return a.Run(ctx)
}
