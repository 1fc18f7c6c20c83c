// Package cli implements the commands of the program: thin wrappers over internal/app and the use cases that the pages use.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"sheetlift/internal/app"
	"sheetlift/internal/config"
	"sheetlift/internal/imaging"
)

// The exit codes.
const (
	ok     = 0
	failed = 1
	usage  = 2 // invalid settings or command; nothing was opened
)

const commands = `Sheetlift turns photos of sheets into one Excel file.

  sheetlift [flags] [serve]   serve the pages (also without a word)
  sheetlift [flags] demo      show a batch of drawn sheets being read by a simulated Gemini, all in memory
  sheetlift [flags] keys check
                              test every key with one cheap call and print a table; exit code 1 if one does not work
  sheetlift [flags] doctor    check everything in the data folder, mend what a crash left behind, and say what was found;
                              exit code 1 if something is broken. It needs the folder for itself
  sheetlift [flags] backup FOLDER
                              write everything into a new file in the folder, also while Sheetlift runs
  sheetlift [flags] restore FOLDER
                              put the newest backup in it (or the file given) in the place of the data, which is moved aside
  sheetlift [flags] export FILE [BATCH…]
                              write these batches, or all, into a file: to keep, or to move into a cluster
  sheetlift [flags] import FILE
                              take the batches of such a file in; those that are there stay as they are
  sheetlift [flags] token create NAME viewer|operator
                              make a token for a program and print it, this once; also while Sheetlift runs
  sheetlift [flags] token list
                              list the tokens, with when each was last used
  sheetlift [flags] token revoke NAME
                              end a token, by its name or id, at once in every process
  sheetlift version           print the version

Every flag is also a variable; docs/configuration.md has the whole list.

`

// Main runs the command in args and returns the exit code.
func Main(args, environ []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && (args[0] == "version" || args[0] == "-version" || args[0] == "--version") {
		fmt.Fprintln(stdout, Version())
		return ok
	}
	if len(args) == 2 && args[0] == imaging.DecodeHEICCommand { // started by the server itself, not by people
		if err := imaging.DecodeHEIC(args[1], stdout); err != nil {
			fmt.Fprintln(stderr, err)
			return failed
		}
		return ok
	}
	var words []string // the command may stand before or after the flags
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != "help" {
		words, args = append(words, args[0]), args[1:]
	}
	if len(args) > 0 && (args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		fmt.Fprint(stdout, commands)
		args = []string{"-h"}
	}
	files := &config.Files{}
	c, rest, err := config.Load(args, config.Source{
		Environ: environ, ReadFile: files.ReadFile, Stat: files.Stat, Output: stdout,
	})
	switch {
	case errors.Is(err, flag.ErrHelp):
		return ok
	case err != nil:
		fmt.Fprintln(stderr, "sheetlift:", err)
		return usage
	}
	run, err := find(append(words, rest...))
	if err != nil {
		fmt.Fprintln(stderr, "sheetlift:", err)
		return usage
	}
	good, err := run(c, stdout, stderr)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "sheetlift:", app.Explain(err))
		if config.IsUsage(err) {
			return usage
		}
		return failed
	case !good:
		return failed
	}
	return ok
}

// program builds the application that serve runs.
type program func(context.Context, *config.Config, string, *slog.Logger) (*app.App, error)

// serve runs until the first SIGINT or SIGTERM, which starts a graceful shutdown; a second one ends the process at once. SIGHUP
// reloads the keys and the certificate; during the start it ends nothing.
func serve(c *config.Config, build program, stdout, stderr io.Writer) error {
	level := slog.LevelInfo
	if c.Debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // restores the default signal handling, so that a second signal ends the process

	hup := make(chan os.Signal, 1) // one that comes while the data is opened is heard afterwards
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	a, err := build(ctx, c, Version(), log)
	if err != nil {
		return err
	}
	go func() { // ends with ctx
		for {
			select {
			case <-hup:
				a.Reload()
			case <-ctx.Done():
				return
			}
		}
	}()
	fmt.Fprintf(stdout, "Sheetlift %s is ready: %s\n", Version(), a.URL())
	return a.Run(ctx)
}

// Version returns the module version and the commit of the build, as far as they are known.
func Version() string {
	info, okay := debug.ReadBuildInfo()
	if !okay {
		return "unknown"
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "development"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				version += " " + s.Value[:12]
			}
		}
	}
	return version
}
