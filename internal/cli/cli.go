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
	usage  = 2 // a setting or a command that cannot be used; nothing was opened
)

const commands = `Sheetlift turns photos of sheets into one Excel file.

  sheetlift [flags] [serve]   serve the pages (also without a word)
  sheetlift [flags] demo      show a batch of drawn sheets being read by a simulated Gemini, all in memory
  sheetlift [flags] keys check
                              test every key with one cheap call and print a table; exit code 1 if one does not work
  sheetlift [flags] doctor    check everything in the data folder, mend what a crash left behind, and say what was found;
                              exit code 1 if something is broken. It needs the folder for itself
  sheetlift version           print the version

Every flag is also a variable; docs/configuration.md has the whole list.

`

// Main runs the command that args name and returns the exit code.
func Main(args, environ []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && (args[0] == "version" || args[0] == "-version" || args[0] == "--version") {
		fmt.Fprintln(stdout, Version())
		return ok
	}
	if len(args) == 2 && args[0] == imaging.DecodeHEICCommand { // what the server starts for itself; no command for people
		if err := imaging.DecodeHEIC(args[1], stdout); err != nil {
			fmt.Fprintln(stderr, err)
			return failed
		}
		return ok
	}
	command := "serve"
	switch {
	case len(args) > 0 && (args[0] == "serve" || args[0] == "demo" || args[0] == "doctor"):
		command, args = args[0], args[1:]
	case len(args) > 1 && args[0] == "keys" && args[1] == "check":
		command, args = "keys check", args[2:]
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
	}
	switch said := strings.Join(rest, " "); said {
	case "":
	case "serve", "demo", "doctor", "keys check":
		command = said
	default:
		fmt.Fprintf(stderr, "sheetlift: there is no command %q. Run sheetlift help for the list.\n", said)
		return usage
	}
	good := true
	switch command {
	case "keys check":
		good, err = app.CheckKeys(context.Background(), c, stdout)
	case "doctor":
		good, err = app.Doctor(context.Background(), c, stdout, slog.New(slog.NewTextHandler(stderr, nil)))
	case "demo":
		err = serve(c, app.NewDemo, stdout, stderr)
	default:
		err = serve(c, app.New, stdout, stderr)
	}
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

// program builds what serve runs.
type program func(context.Context, *config.Config, string, *slog.Logger) (*app.App, error)

// serve runs until the first SIGINT or SIGTERM, which drains; a second one ends the process at once.
func serve(c *config.Config, build program, stdout, stderr io.Writer) error {
	level := slog.LevelInfo
	if c.Debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from now on the signal has its own effect again: a second one ends us

	a, err := build(ctx, c, Version(), log)
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
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
