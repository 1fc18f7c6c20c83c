package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sheetlift/internal/config"
)

// help writes the help of a command; that of the root and of serve have all settings.
func (s *shell) help(c *cobra.Command, _ []string) {
	out := c.OutOrStdout()
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(out, "%s\n\n%s", text, usageText(c))
	if c == c.Root() || c.Name() == "serve" {
		fmt.Fprint(out, "\nSettings, as flags and as variables; they count for every command:\n")
		config.Help(out)
	} else {
		fmt.Fprint(out, "\nSettings are flags, too: sheetlift help lists them.\n")
	}
}

func usageOf(c *cobra.Command) error {
	_, err := fmt.Fprint(c.OutOrStderr(), usageText(c))
	return err
}

// usageText returns how a command is called: its form, the commands below it by group, its own flags and examples.
func usageText(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", form(c))
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND --help\n", c.CommandPath())
	}
	for _, g := range c.Groups() {
		list(&b, g.Title, c, g.ID)
	}
	if len(c.Groups()) > 0 {
		list(&b, "More:", c, "")
	} else {
		list(&b, "Commands:", c, c.GroupID, "")
	}
	if own := c.LocalNonPersistentFlags(); own.HasAvailableFlags() {
		fmt.Fprintf(&b, "\nFlags:\n%s", own.FlagUsages())
	}
	if c.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", c.Example)
	}
	return b.String()
}

// form returns the line by which a command is called.
func form(c *cobra.Command) string { return strings.TrimSuffix(c.UseLine(), " [flags]") + " [flags]" }

// list writes the commands below c that are in one of the groups.
func list(b *strings.Builder, title string, c *cobra.Command, groups ...string) {
	table := tabwriter.NewWriter(b, 0, 0, 3, ' ', 0)
	first := true
	for _, sub := range c.Commands() {
		in := false
		for _, g := range groups {
			in = in || sub.GroupID == g
		}
		if !in || !sub.IsAvailableCommand() {
			continue
		}
		if first {
			fmt.Fprintf(b, "\n%s\n", title)
			first = false
		}
		fmt.Fprintf(table, "  %s\t%s\n", sub.Name(), sub.Short)
	}
	_ = table.Flush() // into memory
}
