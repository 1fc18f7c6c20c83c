package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sheetlift/internal/app"
	"sheetlift/internal/config"
)

// shell is one call of the program: its input, output and settings.
type shell struct {
	environ  []string
	in       io.Reader
	out, err io.Writer
	settings []string // the flags that are settings, as internal/config reads them, in their order
	running  bool     // the command line was understood: an error is one of the command
}

// wrongUsage is an error in the way a command was called.
type wrongUsage struct{ error }

func isUsage(err error) bool {
	_, wrong := errors.AsType[wrongUsage](err)
	return wrong || config.IsUsage(err)
}

func explain(err error) string {
	text := app.Explain(err)
	if text, ok := strings.CutPrefix(text, "unknown command "); ok {
		name, _, _ := strings.Cut(text, " for ")
		return fmt.Sprintf("there is no command %s. Run sheetlift help for the list", name)
	}
	return text
}

const about = `Sheetlift turns photos of sheets into one Excel file.

Without a command it serves the pages. sheetlift COMMAND --help tells more of a command.`

// root returns the command with all others below it.
func (s *shell) root() *cobra.Command {
	root := &cobra.Command{
		Use: "sheetlift", Short: "Turn photos of sheets into one Excel file", Long: about,
		SilenceErrors: true, SilenceUsage: true, Version: Version(), DisableSuggestions: true,
		RunE: s.serving(app.New),
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	for _, f := range config.Flags() {
		own := root.PersistentFlags().VarPF(&settingFlag{s, f}, f.Name, "", f.Help)
		if f.Boolean {
			own.NoOptDefVal = "true"
		}
	}
	root.AddGroup(&cobra.Group{ID: reading, Title: "Read pictures:"}, &cobra.Group{ID: asking, Title: "Ask a server:"}, &cobra.Group{ID: serving, Title: "Serve:"},
		&cobra.Group{ID: keeping, Title: "Look after a server's data:"})
	root.AddCommand(s.serverCommands()...)
	root.AddCommand(s.readingCommands()...)
	root.AddCommand(s.askingCommands()...)
	root.AddCommand(s.configCommand(), manCommand())
	root.SetHelpFunc(s.help)
	root.SetUsageFunc(usageOf)
	return root
}

// The groups of commands in the help.
const (
	serving = "serving"
	keeping = "keeping"
	reading = "reading"
	asking  = "asking"
)

// settingFlag is a flag that is a setting: internal/config reads it.
type settingFlag struct {
	shell *shell
	flag  config.Flag
}

var _ pflag.Value = (*settingFlag)(nil)

// Set implements pflag.Value.
func (f *settingFlag) Set(value string) error {
	f.shell.settings = append(f.shell.settings, "-"+f.flag.Name+"="+value)
	return nil
}

// String implements pflag.Value.
func (f *settingFlag) String() string { return "" }

// Type implements pflag.Value.
func (f *settingFlag) Type() string {
	if f.flag.Boolean {
		return "bool"
	}
	return "TEXT"
}

// doubleDashes returns args with settings such as -data written as --data, and with a final word help as --help: both were the
// form before, and both stay.
func (s *shell) doubleDashes(args []string) []string {
	args = slices.Clone(args)
	names := []string{"help", "version"}
	for _, f := range config.Flags() {
		names = append(names, f.Name)
	}
	for i, arg := range args {
		if arg == "--" {
			return args
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && slices.Contains(names, name) {
			args[i] = "-" + arg
		}
	}
	if last := len(args) - 1; last > 0 && args[last] == "help" {
		args[last] = "--help"
	}
	return args
}

// load reads the settings.
func (s *shell) load() (*config.Config, error) {
	files := &config.Files{}
	c, _, err := config.Load(s.settings, config.Source{Environ: s.environ, ReadFile: files.ReadFile, Stat: files.Stat})
	return c, err
}

// action is a command with its settings; good is false if something is wrong that the command has told itself.
type action func(ctx context.Context, c *config.Config, args []string) (good bool, err error)

// run makes an action the run function of a command.
func (s *shell) run(do action) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error {
		c, err := s.load()
		if err != nil {
			return err
		}
		s.running = true
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop) // restores the default signal handling, so that a second signal ends the process
		good, err := do(ctx, c, args)
		if err == nil && !good {
			return exit(failed)
		}
		return err
	}
}

// words returns the check of how many words a command takes; its error shows the command's form.
func words(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return wrongUsage{fmt.Errorf("%s was given %d words. Write %s", c.CommandPath(), len(args), strings.TrimSuffix(c.UseLine(), " [flags]"))}
		}
		return nil
	}
}

// group is a command that only holds others.
func group(id, name, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, GroupID: id, Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		said := strings.Join(append([]string{name}, args...), " ")
		return wrongUsage{fmt.Errorf("there is no command %q. Run sheetlift %s --help for the list", said, name)}
	}}
	c.AddCommand(commands...)
	return c
}

// quietLog returns the log of a short-lived command: warnings and errors only.
func quietLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
