package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sheetlift/internal/config"
	"sheetlift/internal/setup"
)

// settingEntry is a setting that does not have its default.
type settingEntry struct {
	Variable string `json:"variable"`
	From     string `json:"from"`
}

// checked is the outcome of config check.
type checked struct {
	Settings []settingEntry `json:"settings"`
	Keys     int            `json:"keys"`
	Warnings []string       `json:"warnings"`
}

func (s *shell) configCommand() *cobra.Command {
	asJSON := false
	check := &cobra.Command{
		Use: "check", Short: "Read all settings and say what is wrong with them", Args: words(0, 0),
		Long: `Reads all settings from flags, variables and files, as every command does, and opens nothing else. It prints which differ from
their default and where each comes from, never their values, and warnings. The exit code is 2 if a setting cannot be used, 1 if
there is a warning.`,
		RunE: s.run(func(_ context.Context, c *config.Config, _ []string) (bool, error) { return s.checkConfig(c, asJSON) }),
	}
	check.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return group("", "config", "Check the settings", check)
}

func (s *shell) checkConfig(c *config.Config, asJSON bool) (bool, error) {
	keys, err := setup.Keys(c.Keys)
	if err != nil {
		return false, err
	}
	if _, err := setup.Gemini(c); err != nil {
		return false, err
	}
	found := checked{Settings: []settingEntry{}, Keys: len(keys), Warnings: c.Warnings}
	for _, f := range config.Flags() {
		if from, set := c.Origin[f.Variable]; set {
			found.Settings = append(found.Settings, settingEntry{f.Variable, from})
		}
	}
	good := len(c.Warnings) == 0
	if asJSON {
		return good, s.writeJSON(found)
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tFROM")
	for _, e := range found.Settings {
		fmt.Fprintf(table, "%s\t%s\n", e.Variable, e.From)
	}
	if err := table.Flush(); err != nil {
		return false, err
	}
	for _, w := range c.Warnings {
		fmt.Fprintln(s.out, w)
	}
	_, err = fmt.Fprintf(s.out, "%s. All settings can be used.\n", plural(len(keys), "key", "keys"))
	return good, err
}
