package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/joho/godotenv"
)

// Source provides the inputs of Load, so that tests need no real environment.
type Source struct {
	Environ  []string                               // as os.Environ returns it
	ReadFile func(name string) ([]byte, error)      // as Files.ReadFile
	Folder   string                                 // the folder of .env.local and .env
	Output   io.Writer                              // receives the help of flags
	Stat     func(name string) (fs.FileInfo, error) // as Files.Stat; nil skips the check of the keys file's mode
}

// Load reads the settings: a flag wins over the environment, the environment over .env.local, that over .env. It
// returns the rest of args after the flags. A setting that cannot be used is an *Error; -h is flag.ErrHelp.
func Load(args []string, src Source) (*Config, []string, error) {
	env, err := src.environment()
	if err != nil {
		return nil, nil, err
	}
	c := &Config{Origin: map[string]string{}}
	for _, s := range settings() {
		value, name := s.standard, s.env
		given, from, found := env[s.env], s.env, strings.TrimSpace(env[s.env]) != ""
		if s.secret != "" {
			if given, from, found, err = src.secretOf(s, env); err != nil {
				return nil, nil, err
			}
		}
		if found {
			value, name = given, from
			c.Origin[s.env] = from
		}
		if err := apply(c, s, name, value); err != nil {
			return nil, nil, err
		}
	}
	rest, err := flags(c, args, src.Output)
	if err != nil {
		return nil, nil, err
	}
	if err := src.keys(c, env); err != nil {
		return nil, nil, err
	}
	if err := src.models(c); err != nil {
		return nil, nil, err
	}
	if err := checkNames(c, env, names()); err != nil {
		return nil, nil, err
	}
	c.StatKeys = func() (fs.FileInfo, error) {
		if c.KeysFile == "" || src.Stat == nil {
			return nil, fs.ErrNotExist
		}
		return src.Stat(c.KeysFile)
	}
	c.Reread = func() ([]KeyText, error) {
		env, err := src.environment()
		if err != nil {
			return nil, err
		}
		again := &Config{}
		if err := src.keys(again, env); err != nil {
			return nil, err
		}
		return again.Keys, nil
	}
	return c, rest, c.check()
}

func apply(c *Config, s setting, name, value string) error {
	if value == "" && s.standard == "" {
		return nil
	}
	err := s.set(c, value)
	if b, ok := errors.AsType[*invalid](err); ok {
		return &Error{name, b.reason, b.remedy}
	}
	return err
}

func flags(c *Config, args []string, output io.Writer) ([]string, error) {
	set := flag.NewFlagSet("sheetlift", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	var failed error
	for _, s := range settings() {
		use := func(value string) error {
			failed = apply(c, s, "-"+s.flag, value)
			c.Origin[s.env] = "-" + s.flag
			return failed
		}
		if s.boolean {
			set.BoolFunc(s.flag, s.help, use)
		} else {
			set.Func(s.flag, s.help, use)
		}
	}
	err := set.Parse(args)
	switch {
	case err == nil:
		return set.Args(), nil
	case errors.Is(err, flag.ErrHelp):
		if output != nil {
			Help(output)
		}
		return nil, err
	case failed != nil:
		return nil, failed
	default:
		return nil, &Error{"The command line", "cannot be read: " + err.Error(), "Run sheetlift -h for the list of flags."}
	}
}

// names returns the variables of all settings.
func names() []string {
	var names []string
	for _, s := range settings() {
		names = append(names, s.env)
		if s.secret != "" {
			names = append(names, s.env+fileSuffix)
		}
	}
	return names
}

// Flag is a setting as a flag of the command line.
type Flag struct {
	Name, Variable string
	Standard       string // default, as text
	Help           string // sentences
	Boolean        bool   // it may stand without a value
	Secret         bool   // its value must not be shown
}

// Flags returns all settings as flags, in the order of docs/configuration.md.
func Flags() []Flag {
	var all []Flag
	for _, s := range settings() {
		all = append(all, Flag{Name: s.flag, Variable: s.env, Standard: s.standard, Help: s.help, Boolean: s.boolean, Secret: s.secret != ""})
	}
	return all
}

// Help writes every setting with its flag, variable, default and meaning.
func Help(w io.Writer) {
	for _, s := range settings() {
		fmt.Fprintf(w, "  -%s, %s", s.flag, s.env)
		if s.standard != "" {
			fmt.Fprintf(w, " (default %s)", s.standard)
		}
		fmt.Fprintf(w, "\n        %s\n", s.help)
	}
}

// environment returns the variables of the process over those of .env.local and .env.
func (src Source) environment() (map[string]string, error) {
	env := map[string]string{}
	for _, name := range []string{".env", ".env.local"} {
		data, err := src.ReadFile(filepath.Join(src.Folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, &Error{name, unreadable(err), "Make it a readable plain file, or remove it."}
		}
		vars, err := godotenv.UnmarshalBytes(trimBOM(data))
		if err != nil { // its message may contain a line of the file, so it is not shown
			return nil, &Error{name, "is not written as NAME=value lines", "Mend the line, or remove the file."}
		}
		maps.Copy(env, vars)
	}
	for _, line := range src.Environ {
		if name, value, ok := strings.Cut(line, "="); ok {
			env[name] = value
		}
	}
	return env, nil
}

// public is the prefix of the first version's names. A web build exposes variables with it to every browser.
const public = "NEXT_PUBLIC_"

// keys collects the keys: numbered, single, then those of the file, each value once.
func (src Source) keys(c *Config, env map[string]string) error {
	seen := map[string]bool{}
	add := func(source, text string) {
		if text = strings.TrimSpace(text); text != "" && !seen[text] {
			seen[text] = true
			c.Keys = append(c.Keys, KeyText{Source: source, Text: text})
		}
	}
	for _, name := range keyNames(env) {
		if strings.HasPrefix(name, public) {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s was read. Rename it to %s: names that begin with %s are made for what every browser may see.",
				name, strings.TrimPrefix(name, public), public))
		}
		add(name, env[name])
	}
	file, from := src.keysFile(env)
	if strings.TrimSpace(file) == "" {
		return nil
	}
	c.KeysFile = file
	data, err := src.ReadFile(file)
	if err != nil {
		return &Error{from, fmt.Sprintf("names %q, which %s", file, unreadable(err)), "Check the path, and that it is a plain file that this user may read."}
	}
	src.warnMode(c, file)
	for n, line := range keyLines(data) {
		if len(line) > maxKeyLine {
			return &Error{from + " line " + strconv.Itoa(n), "is longer than 64 KiB", "Write one key to a line."}
		}
		add(from+" line "+strconv.Itoa(n), line)
	}
	return nil
}

// models reads the models file.
func (src Source) models(c *Config) (err error) {
	if c.Models == "" {
		return nil
	}
	if c.ModelsData, err = src.ReadFile(c.Models); err != nil {
		return &Error{"SHEETLIFT_MODELS", fmt.Sprintf("names %q, which %s", c.Models, unreadable(err)), "Check the path, and that it is a plain file that this user may read."}
	}
	return nil
}

// warnMode warns if other users may read the keys file.
func (src Source) warnMode(c *Config, file string) {
	if src.Stat == nil {
		return
	}
	if info, err := src.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s can be read by other users of this machine. Make it yours alone: chmod 600.", file))
	}
}

// keyNames returns the variables that hold keys: by number, the plain name last, each followed by its name with the
// public prefix.
func keyNames(env map[string]string) []string {
	order := func(name string) int {
		rest, numbered := strings.CutPrefix(strings.TrimPrefix(name, public), "GEMINI_API_KEY")
		if !numbered {
			return -1
		}
		if rest == "" {
			return 1 << 30
		}
		n, err := strconv.Atoi(strings.TrimPrefix(rest, "_"))
		if err != nil || n < 0 || !strings.HasPrefix(rest, "_") {
			return -1
		}
		return n
	}
	var names []string
	for name := range env {
		if order(name) >= 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := order(a) - order(b); d != 0 {
			return d
		}
		return len(a) - len(b) // the name without the prefix first
	})
	return names
}

func trimBOM(data []byte) []byte {
	return []byte(strings.TrimPrefix(string(data), "\ufeff"))
}
