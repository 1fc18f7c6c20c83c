package api

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
	"sheetlift/internal/export"
)

// separators are the fields' separators of CSV by their name.
var separators = map[string]byte{"comma": ',', "semicolon": ';', "tab": '\t'}

// RowsWanted sets the options of a file with rows from its query: image, the number of the only image; checked, true for images that
// a person confirmed; separator of CSV: comma, semicolon or tab. A value that is out of range is Invalid.
func RowsWanted(query url.Values, opt *export.RowOptions) (err error) {
	if text := query.Get("image"); text != "" {
		if opt.Image, err = strconv.Atoi(text); err != nil || opt.Image < 1 {
			return errs.At("query.image", errs.New(errs.Invalid, "image is %q; use the number of an image, such as 3.", text))
		}
	}
	if text := query.Get("checked"); text != "" {
		if opt.Checked, err = strconv.ParseBool(text); err != nil {
			return errs.At("query.checked", errs.New(errs.Invalid, "checked is %q; use true for checked images only, or false.", text))
		}
	}
	if text := query.Get("separator"); text != "" {
		if opt.Separator = separators[text]; opt.Separator == 0 {
			return errs.At("query.separator", errs.New(errs.Invalid, "separator is %q; use comma, semicolon or tab.", text))
		}
	}
	return nil
}

// AppendWanted sets the options of rows under a workbook from the query: sheet, its name; partial, true to leave out columns that it
// does not have; checked, true for images that a person confirmed. Other values are Invalid.
func AppendWanted(query url.Values, opt *export.AppendOptions) error {
	opt.Sheet = query.Get("sheet")
	for word, field := range map[string]*bool{"partial": &opt.Partial, "checked": &opt.Checked} {
		if text := query.Get(word); text != "" {
			var err error
			if *field, err = strconv.ParseBool(text); err != nil {
				return errs.At("query."+word, errs.New(errs.Invalid, "%s is %q; use true or false.", word, text))
			}
		}
	}
	return nil
}

// KnownQuery rejects a request below /api/ with a word in its query that its operation does not have, instead of ignoring a word
// that its sender relies on.
func KnownQuery() echo.MiddlewareFunc {
	known := map[string][]string{}
	for _, op := range Operations() {
		for _, q := range op.Query {
			at := op.Method + " " + op.Path
			known[at] = append(known[at], q.Name)
		}
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if strings.HasPrefix(c.Path(), "/api/") && c.Request().URL.RawQuery != "" {
				if err := checkQuery(c.QueryParams(), known[c.Request().Method+" "+c.Path()]); err != nil {
					return err
				}
			}
			return next(c)
		}
	}
}

// checkQuery returns an error for the first word, in alphabetical order, that is not known.
func checkQuery(query url.Values, known []string) error {
	for _, word := range slices.Sorted(maps.Keys(query)) {
		if slices.Contains(known, word) {
			continue
		}
		err := errs.New(errs.Invalid, "There is no %q in this address. Leave it out: this address takes nothing after the question mark.", word)
		if len(known) > 0 {
			err = errs.New(errs.Invalid, "There is no %q in this address. Leave it out, or use one of these: %s.", word, strings.Join(known, ", "))
		}
		return errs.As("unknown_query", errs.At("query."+word, err))
	}
	return nil
}
