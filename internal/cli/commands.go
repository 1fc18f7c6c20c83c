package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"sheetlift/internal/app"
	"sheetlift/internal/config"
)

// run carries a command out and reports whether all was well.
type run func(c *config.Config, stdout, stderr io.Writer) (good bool, err error)

// find returns the command that words name; an error says what is wrong with them.
func find(words []string) (run, error) {
	name, args := "serve", words
	if len(words) > 0 {
		name, args = words[0], words[1:]
	}
	if name == "keys" && len(args) > 0 {
		name, args = "keys "+args[0], args[1:]
	}
	known := map[string]struct {
		least, most int
		operands    string
		run         run
	}{
		"serve": {run: serving(app.New)},
		"demo":  {run: serving(app.NewDemo)},
		"keys check": {run: func(c *config.Config, out, _ io.Writer) (bool, error) {
			return app.CheckKeys(context.Background(), c, out)
		}},
		"doctor": {run: func(c *config.Config, out, log io.Writer) (bool, error) {
			return app.Doctor(context.Background(), c, out, logTo(log))
		}},
		"backup": {1, 1, " FOLDER", func(c *config.Config, out, log io.Writer) (bool, error) {
			return app.Backup(context.Background(), c, Version(), args[0], out, logTo(log))
		}},
		"restore": {1, 1, " FOLDER", func(c *config.Config, out, log io.Writer) (bool, error) {
			return true, app.Restore(context.Background(), c, args[0], out, logTo(log))
		}},
		"export": {1, 10_000, " FILE [BATCH…]", func(c *config.Config, out, log io.Writer) (bool, error) {
			return app.Export(context.Background(), c, Version(), args[0], args[1:], out, logTo(log))
		}},
		"import": {1, 1, " FILE", func(c *config.Config, out, log io.Writer) (bool, error) {
			return true, app.Import(context.Background(), c, args[0], out, logTo(log))
		}},
	}
	command, ok := known[name]
	if !ok {
		return nil, fmt.Errorf("there is no command %q. Run sheetlift help for the list", strings.Join(words, " "))
	}
	if len(args) < command.least || len(args) > command.most {
		return nil, fmt.Errorf("sheetlift %s was given %d words. Write sheetlift %s%s", name, len(args), name, command.operands)
	}
	return command.run, nil
}

func serving(build program) run {
	return func(c *config.Config, stdout, stderr io.Writer) (bool, error) {
		return true, serve(c, build, stdout, stderr)
	}
}

// logTo is the log of a command that ends by itself: only what went wrong.
func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
