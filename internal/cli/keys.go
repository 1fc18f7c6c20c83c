package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sheetlift/internal/admin"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/keypool"
	"sheetlift/internal/setup"
)

// keyEntry is a key of the settings, without its value.
type keyEntry struct {
	Label   string `json:"label"`
	Project string `json:"project"`
	Source  string `json:"source"` // the variable, or the file with line
}

func (s *shell) keysCommand() *cobra.Command {
	asJSON := false
	list := &cobra.Command{Use: "list", Short: "List the keys of the settings by label, never by value", Args: words(0, 0),
		RunE: s.run(func(_ context.Context, c *config.Config, _ []string) (bool, error) {
			return true, s.listKeys(c, asJSON)
		})}
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	add := &cobra.Command{
		Use: "add", Short: "Add a key from standard input to the keys file", Args: words(0, 0),
		Long: `Adds a key to the file that GEMINI_API_KEYS_FILE names; a running Sheetlift uses it at once. The key is read from standard
input, as KEY or label@project:KEY, since words of a command show in the list of processes. The file must be there; it may be empty.`,
		Example: "  sheetlift keys add < key.txt",
		RunE:    s.run(func(ctx context.Context, c *config.Config, _ []string) (bool, error) { return true, s.addKey(ctx, c) }),
	}
	return group(keeping, "keys", "Test, list and add keys",
		&cobra.Command{Use: "check", Short: "Test every key with one cheap call and print a table", Args: words(0, 0),
			Long: "Tests every key with one cheap call and prints a table. The exit code is 1 if one does not work.",
			RunE: s.run(func(ctx context.Context, c *config.Config, _ []string) (bool, error) {
				return admin.CheckKeys(ctx, c, s.out)
			})},
		list, add)
}

func (s *shell) listKeys(c *config.Config, asJSON bool) error {
	keys, err := setup.Keys(c.Keys)
	if err != nil {
		return err
	}
	all := make([]keyEntry, 0, len(keys))
	for i, k := range keys {
		all = append(all, keyEntry{Label: k.Label, Project: k.Project, Source: c.Keys[i].Source})
	}
	if asJSON {
		return s.writeJSON(all)
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LABEL\tPROJECT\tFROM")
	for _, k := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\n", k.Label, k.Project, k.Source)
	}
	return table.Flush()
}

// addKey adds the key on standard input to the keys file.
func (s *shell) addKey(ctx context.Context, c *config.Config) error {
	if c.KeysFile == "" {
		return errs.New(errs.Invalid, "No keys file is set, so the key cannot be kept. Name one in GEMINI_API_KEYS_FILE, such as keys.txt")
	}
	line, err := bufio.NewReader(io.LimitReader(s.in, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	k, err := keypool.ParseKey(strings.TrimPrefix(line, "\ufeff"), len(c.Keys)+1)
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "There is no key on standard input. Write it there alone, or as label@project:KEY")
	}
	f, err := os.OpenFile(c.KeysFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, "The keys file %s cannot be opened: %s", c.KeysFile, err)
	}
	if err := config.AppendKey(ctx, c.KeysFile, k); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "The key %s is in %s.\n", k.Label, c.KeysFile)
	return nil
}
