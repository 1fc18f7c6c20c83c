package api

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
	"sheetlift/internal/export"
)

// uploadWords are the query parameters of an upload.
var uploadWords = []string{"filename", "position", "name", "folder", "dated"}

// rowsWords are the query parameters of a file with rows; separator is for CSV only.
var rowsWords = []string{"image", "checked", "separator"}

// separators are the fields' separators of CSV by their name.
var separators = map[string]byte{"comma": ',', "semicolon": ';', "tab": '\t'}

// RowsWanted sets the options of a file with rows from its query: image, the number of the only image; checked, true for images that
// a person confirmed; separator of CSV: comma, semicolon or tab. A value that is out of range is Invalid.
func RowsWanted(query url.Values, opt *export.RowOptions) (err error) {
	if text := query.Get("image"); text != "" {
		if opt.Image, err = strconv.Atoi(text); err != nil || opt.Image < 1 {
			return errs.New(errs.Invalid, "image is %q; use the number of an image, such as 3.", text)
		}
	}
	if text := query.Get("checked"); text != "" {
		if opt.Checked, err = strconv.ParseBool(text); err != nil {
			return errs.New(errs.Invalid, "checked is %q; use true for checked images only, or false.", text)
		}
	}
	if text := query.Get("separator"); text != "" {
		if opt.Separator = separators[text]; opt.Separator == 0 {
			return errs.New(errs.Invalid, "separator is %q; use comma, semicolon or tab.", text)
		}
	}
	return nil
}

// KnownQuery rejects a request below /api/ with an unknown query parameter, instead of ignoring a parameter that its sender
// relies on.
func KnownQuery(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !strings.HasPrefix(c.Path(), "/api/") {
			return next(c)
		}
		var known []string
		switch base := path.Base(c.Path()); {
		case base == ":upload":
			known = uploadWords
		case base == "rows.csv":
			known = rowsWords
		case strings.HasPrefix(base, "rows."):
			known = rowsWords[:2]
		}
		for word := range c.QueryParams() {
			if !slices.Contains(known, word) {
				return errs.New(errs.Invalid, "There is no %q in this address. Leave it out, or correct its name.", word)
			}
		}
		return next(c)
	}
}
