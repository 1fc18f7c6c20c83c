package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"sheetlift/internal/admin"
	"sheetlift/internal/app"
	"sheetlift/internal/config"
)

// run executes a command and reports whether everything was in order.
type run func(c *config.Config, stdout, stderr io.Writer) (good bool, err error)

// find returns the command for the given words; its error names the wrong word.
func find(words []string) (run, error) {
	name, args := "serve", words
	if len(words) > 0 {
		name, args = words[0], words[1:]
	}
	if (name == "keys" || name == "token") && len(args) > 0 {
		name, args = name+" "+args[0], args[1:]
	}
	known := map[string]struct {
		least, most int
		operands    string
		run         run
	}{
		"serve": {run: serving(app.New)},
		"demo":  {run: serving(app.NewDemo)},
		"keys check": {run: func(c *config.Config, out, _ io.Writer) (bool, error) {
			return admin.CheckKeys(context.Background(), c, out)
		}},
		"doctor": {run: func(c *config.Config, out, log io.Writer) (bool, error) {
			return admin.Doctor(context.Background(), c, out, logTo(log))
		}},
		"backup": {1, 1, " FOLDER", func(c *config.Config, out, log io.Writer) (bool, error) {
			return admin.Backup(context.Background(), c, Version(), args[0], out, logTo(log))
		}},
		"restore": {1, 1, " FOLDER", func(c *config.Config, out, log io.Writer) (bool, error) {
			return true, admin.Restore(context.Background(), c, args[0], out, logTo(log))
		}},
		"export": {1, 10_000, " FILE [BATCH…]", func(c *config.Config, out, log io.Writer) (bool, error) {
			return admin.Export(context.Background(), c, Version(), args[0], args[1:], out, logTo(log))
		}},
		"token create": {2, 2, " NAME viewer|operator", tokens(admin.TokenRequest{Do: "create"}, args)},
		"token list":   {0, 0, "", tokens(admin.TokenRequest{Do: "list"}, args)},
		"token revoke": {1, 1, " NAME", tokens(admin.TokenRequest{Do: "revoke"}, args)},
		"import": {1, 1, " FILE", func(c *config.Config, out, log io.Writer) (bool, error) {
			return true, admin.Import(context.Background(), c, args[0], out, logTo(log))
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

// tokens executes a command on API tokens with its arguments.
func tokens(req admin.TokenRequest, args []string) run {
	return func(c *config.Config, out, log io.Writer) (bool, error) {
		for i, field := range []*string{&req.Name, &req.Role} {
			if i < len(args) {
				*field = args[i]
			}
		}
		return true, admin.Tokens(context.Background(), c, req, out, logTo(log))
	}
}

func serving(build program) run {
	return func(c *config.Config, stdout, stderr io.Writer) (bool, error) {
		return true, serve(c, build, stdout, stderr)
	}
}

// logTo returns the log of a short-lived command: warnings and errors only.
func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
