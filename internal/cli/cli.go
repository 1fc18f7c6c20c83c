// Package cli is the commands of the program: thin, over internal/app and the same use cases as the pages.
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
	"syscall"

	"sheetlift/internal/app"
	"sheetlift/internal/config"
)

// The exit codes.
const (
	ok     = 0
	failed = 1
	usage  = 2 // a setting or a command that cannot be used; nothing was opened
)

const commands = `Sheetlift turns photos of sheets into one Excel file.

  sheetlift [flags] [serve]   serve the pages (also without a word)
  sheetlift version           print the version

Every flag is also a variable; docs/configuration.md has the whole list.

`

// Main runs the command that args name and returns the exit code.
func Main(args, environ []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && (args[0] == "version" || args[0] == "-version" || args[0] == "--version") {
		fmt.Fprintln(stdout, Version())
		return ok
	}
	command := "serve"
	if len(args) > 0 && args[0] == command {
		args = args[1:]
	}
	if len(args) > 0 && (args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		fmt.Fprint(stdout, commands)
		args = []string{"-h"}
	}
	c, rest, err := config.Load(args, config.Source{
		Environ: environ, ReadFile: os.ReadFile, Stat: os.Stat, Output: stdout,
	})
	switch {
	case errors.Is(err, flag.ErrHelp):
		return ok
	case err != nil:
		fmt.Fprintln(stderr, "sheetlift:", err)
		return usage
	case len(rest) > 0 && (rest[0] != command || len(rest) > 1):
		fmt.Fprintf(stderr, "sheetlift: there is no command %q. Run sheetlift help for the list.\n", rest[0])
		return usage
	}
	if err := serve(c, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "sheetlift:", app.Explain(err))
		if config.IsUsage(err) {
			return usage
		}
		return failed
	}
	return ok
}

// serve runs until the first SIGINT or SIGTERM, which drains; a second one ends the process at once.
func serve(c *config.Config, stdout, stderr io.Writer) error {
	level := slog.LevelInfo
	if c.Debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from now on the signal has its own effect again: a second one ends us

	a, err := app.New(ctx, c, Version(), log)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Sheetlift %s is ready: %s\n", Version(), a.URL())
	return a.Run(ctx)
}

// Version is the module's version and the commit it was built from, as far as the build knows them.
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
