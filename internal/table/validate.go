package table

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/errs"
)

// The limits of a table that people make.
const (
	MaxColumns     = 50  // own columns; more make the answers of engines poor
	MaxName        = 100 // characters of a column's name
	MaxDescription = 500 // characters of a column's description
	MaxChoices     = 100 // allowed values of a Choice column
	MaxChoice      = 100 // characters of one of them
	MaxPattern     = 200 // characters of a column's pattern
	MaxExample     = 100 // characters of a column's example
)

// Validate reports the first thing that is wrong with t as an errs.Invalid that names the column and the remedy.
func (t Table) Validate() error {
	if t.Preset != "" && !slices.ContainsFunc(presets, func(p Named) bool { return p.Name == t.Preset }) {
		return errs.At("preset", errs.New(errs.Invalid, "There are no ready-made columns called %q. Use inventory, receipt or any, or name your own columns.", clip(t.Preset, 40)))
	}
	if t.Open {
		if len(t.Columns) > 0 {
			return errs.At("columns", errs.New(errs.Invalid, "“Any table” takes the columns from the sheets. Remove the columns, or choose your own columns instead."))
		}
		return nil
	}
	switch n := len(t.Columns); {
	case n == 0:
		return errs.At("columns", errs.New(errs.Invalid, "There are no columns. Add at least one, or choose ready-made columns."))
	case n > MaxColumns:
		return errs.At("columns", errs.New(errs.Invalid, "There are %d columns; at most %d can be read. Remove some.", n, MaxColumns))
	}
	seen := map[string]string{}
	for i, c := range t.Columns {
		if err := c.validate(i + 1); err != nil {
			return errs.At(columnAt(i), err)
		}
		key := exactly(c.Name)
		if other, twice := seen[key]; twice {
			return errs.At(columnAt(i), errs.At("name", errs.New(errs.Invalid, "The columns %q and %q have the same name but for case and punctuation. Rename one of them.", other, c.Name)))
		}
		seen[key] = c.Name
	}
	return nil
}

// columnAt returns the place of a column in a request, where the first one is columns[0].
func columnAt(i int) string { return "columns[" + strconv.Itoa(i) + "]" }

func (c Column) validate(place int) error {
	n := utf8.RuneCountInString(c.Name)
	switch {
	case strings.TrimSpace(c.Name) == "":
		return errs.At("name", errs.New(errs.Invalid, "Column %d has no name. Give it one, or remove it.", place))
	case n > MaxName:
		return errs.At("name", errs.New(errs.Invalid, "The name of column %d (%q…) has %d characters; at most %d are allowed. Shorten it.", place, clip(c.Name, 30), n, MaxName))
	case !plain(c.Name) || strings.TrimSpace(c.Name) != c.Name:
		return errs.At("name", errs.New(errs.Invalid, "The name of column %d (%q) has spaces around it or characters that cannot be shown. Type it again.", place, c.Name))
	}
	if n := utf8.RuneCountInString(c.Description); n > MaxDescription {
		return errs.At("description", errs.New(errs.Invalid, "The description of column %q has %d characters; at most %d are allowed. Shorten it.", c.Name, n, MaxDescription))
	}
	if !utf8.ValidString(c.Description) {
		return errs.At("description", errs.New(errs.Invalid, "The description of column %q has characters that cannot be shown. Type it again.", c.Name))
	}
	if err := c.validateShape(); err != nil {
		return err
	}
	if c.Dates != NoOrder && (c.Type != Date || c.Dates != DayFirst && c.Dates != MonthFirst) {
		return errs.At("dates", errs.New(errs.Invalid, "How dates are written in column %q is %q. Use day or month for a column of dates, and nothing for others.", c.Name, clip(string(c.Dates), 40)))
	}
	if c.Decimal != NoMark && (c.Type != Number || c.Decimal != CommaMark && c.Decimal != PointMark) {
		return errs.At("decimal", errs.New(errs.Invalid, "The decimal mark of column %q is %q. Use comma or point for a column of numbers, and nothing for others.", c.Name, clip(string(c.Decimal), 40)))
	}
	switch c.Type {
	case Text, Number, Date, YesNo:
		if len(c.Choices) > 0 {
			return errs.At("choices", errs.New(errs.Invalid, "Column %q lists allowed values, but is not of the type “one of a list”. Change its type, or remove the values.", c.Name))
		}
	case Choice:
		return c.validateChoices()
	default:
		return errs.At("type", errs.New(errs.Invalid, "Column %q has the unknown type %q. Use text, number, date, yesno or choice.", c.Name, clip(string(c.Type), 40)))
	}
	return nil
}

// validateShape checks pattern and example, also against each other: an example that its own pattern refuses would make
// every cell a doubt.
func (c Column) validateShape() error {
	if utf8.RuneCountInString(c.Example) > MaxExample || !plain(c.Example) {
		return errs.At("example", errs.New(errs.Invalid, "The example of column %q is longer than %d characters or cannot be shown. Change it.", c.Name, MaxExample))
	}
	if c.Pattern == "" {
		return nil
	}
	if utf8.RuneCountInString(c.Pattern) > MaxPattern || !plain(c.Pattern) {
		return errs.At("pattern", errs.New(errs.Invalid, "The pattern of column %q is longer than %d characters or cannot be shown. Shorten it.", c.Name, MaxPattern))
	}
	shape, err := c.shape()
	if err != nil {
		return errs.At("pattern", errs.Wrap(err, errs.Invalid, "The pattern of column %q is not a regular expression that can be used. Write it anew, for example [A-Z]{2}-[0-9]{4}, or leave it blank.", c.Name))
	}
	if c.Example != "" && !shape.MatchString(c.Example) {
		return errs.At("example", errs.New(errs.Invalid, "The example %q of column %q does not fit its own pattern. Change one of them.", c.Example, c.Name))
	}
	return nil
}

// shape returns the pattern for a whole value. RE2 takes time proportional to the length of the value for every pattern.
func (c Column) shape() (*regexp.Regexp, error) { return regexp.Compile("^(?:" + c.Pattern + ")$") }

func (c Column) validateChoices() error {
	switch n := len(c.Choices); {
	case n == 0:
		return errs.At("choices", errs.New(errs.Invalid, "Column %q is “one of a list”, but the list is empty. Add the allowed values, or change its type.", c.Name))
	case n > MaxChoices:
		return errs.At("choices", errs.New(errs.Invalid, "Column %q has %d allowed values; at most %d are possible. Remove some.", c.Name, n, MaxChoices))
	}
	seen := map[string]bool{}
	for _, v := range c.Choices {
		switch {
		case strings.TrimSpace(v) == "":
			return errs.At("choices", errs.New(errs.Invalid, "An allowed value of column %q is blank. Remove it; a blank cell is always possible.", c.Name))
		case utf8.RuneCountInString(v) > MaxChoice || !plain(v):
			return errs.At("choices", errs.New(errs.Invalid, "The allowed value %q… of column %q is longer than %d characters or cannot be shown. Change it.", clip(v, 30), c.Name, MaxChoice))
		case seen[choiceKey(v)]:
			return errs.At("choices", errs.New(errs.Invalid, "Column %q allows %q twice. Remove one.", c.Name, v))
		}
		seen[choiceKey(v)] = true
	}
	return nil
}

func plain(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }) < 0
}

// clip cuts s to n characters.
func clip(s string, n int) string {
	i := 0
	for at := range s {
		if i == n {
			return s[:at]
		}
		i++
	}
	return s
}
