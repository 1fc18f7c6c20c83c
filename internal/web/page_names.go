package web

import (
	"cmp"
	"context"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// namesView returns step two of a draft, with the last values of the form.
func (s *Server) namesView(c echo.Context, b *batch.Batch, images, out []*batch.Image) views.Names {
	v := views.Names{
		Shell: s.shell("batches"), URL: batchURL(b.ID), Name: oneLine(b.Name),
		Images: presentShots(c.Request().Context(), images), Out: presentShots(c.Request().Context(), out), Show: c.FormValue("show"), List: c.FormValue("view") == "list",
		Pattern: oneLine(c.FormValue("pattern")), From: oneLine(c.FormValue("from")),
		Find: oneLine(c.FormValue("find")), With: oneLine(c.FormValue("with")), Column: lines(c.FormValue("column")),
	}
	if v.Pattern == "" {
		v.Pattern, v.From = "{file}", "1"
	}
	v.Naming = true
	return v
}

func dayOf(m *batch.Image) string { return draft.Pattern{Text: "{date}"}.Name(m, 0) }

// typedNames are the values of a names form: one field "name-N" for each image, and the name of the batch.
type typedNames struct {
	batch  string
	named  bool // the form contains the name of the batch
	images map[int]string
}

func namesTyped(c echo.Context) (typedNames, error) {
	form, err := c.FormParams()
	if err != nil {
		return typedNames{}, errs.Wrap(err, errs.Invalid, "The names could not be read. Load the page again and type them once more.")
	}
	t := typedNames{images: map[int]string{}}
	for field, values := range form {
		if field == "batch" {
			t.batch, t.named = values[0], true
		}
		if digits, ok := strings.CutPrefix(field, "name-"); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				t.images[n] = values[0]
			}
		}
	}
	return t, nil
}

// save stores the typed names. Images removed meanwhile are skipped.
func (t typedNames) save(ctx context.Context, s *Server, id batch.ID) error {
	images, out, err := s.batches.Draft(ctx, id)
	if err != nil {
		return err
	}
	changed := map[int]string{}
	for _, m := range append(images, out...) {
		if name, ok := t.images[m.N]; ok && name != m.Name {
			changed[m.N] = name
		}
	}
	if err := s.draft.RenameImages(ctx, id, changed); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	if !t.named {
		return nil
	}
	_, err = s.settings.RenameBatch(ctx, id, t.batch)
	return err
}

// saveNames stores names: one by one while they are typed, or all at once without JavaScript.
func (s *Server) saveNames(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	typed, err := namesTyped(c)
	if err != nil {
		return err
	}
	err = typed.save(ctx, s, id)
	switch {
	case isFragment(c) && err == nil:
		return c.NoContent(http.StatusNoContent)
	case errs.Is(err, errs.Invalid) && !isFragment(c):
		return s.namesAgain(c, typed, err)
	case err != nil:
		return err
	}
	return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=columns")
}

// namesAgain shows the names as typed, with an error message.
func (s *Server) namesAgain(c echo.Context, typed typedNames, problem error) error {
	v, err := s.namesNow(c)
	if err != nil {
		return err
	}
	v.Problem = localize(c.Request().Context(), problem)
	if typed.named {
		v.Name = oneLine(typed.batch)
	}
	for i, m := range v.Images {
		if name, ok := typed.images[m.N]; ok {
			v.Images[i].Name = oneLine(name)
		}
	}
	return s.render(c, http.StatusUnprocessableEntity, views.NamesPage(v))
}

func (s *Server) namesNow(c echo.Context) (views.Names, error) {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return views.Names{}, err
	}
	images, out, err := s.batches.Draft(ctx, id)
	if err != nil {
		return views.Names{}, err
	}
	return s.namesView(c, b, images, out), nil
}

// naming returns a handler for an action on all names or pictures of a draft. Its button is part of the names form: the handler
// stores the typed names, runs the action, and shows the page again.
func (s *Server) naming(act func(context.Context, echo.Context, batch.ID) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
		typed, err := namesTyped(c)
		if err != nil {
			return err
		}
		before, err := s.batches.Images(ctx, id)
		if err != nil {
			return err
		}
		if err = typed.save(ctx, s, id); err == nil {
			err = act(ctx, c, id)
		}
		switch {
		case errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge):
			return s.namesAgain(c, typed, err)
		case err != nil:
			return err
		}
		v, err := s.namesNow(c)
		if err != nil {
			return err
		}
		v.Undo = undoOf(before, typed, v.Images)
		if word, known := saidOf[path.Base(c.Path())]; known {
			v.Said = views.T(ctx, word)
		}
		return s.render(c, http.StatusOK, views.NamesPage(v))
	}
}

// saidOf is the announcement after an action on pictures, by the last element of its path. Changed names announce themselves.
var saidOf = map[string]string{
	"out": "said.names.out", "in": "said.names.in", "turn": "said.names.turn", "order": "said.names.order",
}

// undoOf returns the names that an action replaced, as they had been typed.
func undoOf(before []*batch.Image, typed typedNames, now []views.Shot) []views.Former {
	named := make(map[int]string, len(before))
	for _, m := range before {
		named[m.N] = oneLine(m.Name)
		if name, ok := typed.images[m.N]; ok {
			named[m.N] = oneLine(name)
		}
	}
	var undo []views.Former
	for _, m := range now {
		if name, ok := named[m.N]; ok && name != m.Name {
			undo = append(undo, views.Former{N: m.N, Name: name})
		}
	}
	return undo
}

func (s *Server) namePattern(ctx context.Context, c echo.Context, id batch.ID) error {
	from, err := strconv.Atoi(orZero(c.FormValue("from")))
	if err != nil {
		return errs.New(errs.Invalid, "The first number must be a number, such as 1.")
	}
	return s.draft.NameByPattern(ctx, id, draft.Pattern{Text: c.FormValue("pattern"), From: from})
}

func (s *Server) nameReplace(ctx context.Context, c echo.Context, id batch.ID) error {
	return s.draft.ReplaceInNames(ctx, id, c.FormValue("find"), c.FormValue("with"))
}

func (s *Server) namePaste(ctx context.Context, c echo.Context, id batch.ID) error {
	return s.draft.PasteNames(ctx, id, c.FormValue("column"))
}

// nameUndo restores names; the form holds the former ones as "was-N".
func (s *Server) nameUndo(ctx context.Context, c echo.Context, id batch.ID) error {
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	names := map[int]string{}
	for field, values := range form {
		if digits, ok := strings.CutPrefix(field, "was-"); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				names[n] = values[0]
			}
		}
	}
	if err := s.draft.RenameImages(ctx, id, names); !errs.Is(err, errs.NotFound) { // a removed image needs no name
		return err
	}
	return nil
}

func (s *Server) sortImages(ctx context.Context, c echo.Context, id batch.ID) error {
	return s.draft.Sort(ctx, id, draft.Sorting(c.FormValue("sort")))
}

// moveImage moves a picture in front of another one: "before" is its N, 0 for the end.
func (s *Server) moveImage(ctx context.Context, c echo.Context, id batch.ID) error {
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	before, err := strconv.Atoi(orZero(c.QueryParam("before")))
	if err != nil {
		return errs.New(errs.Invalid, "The address is wrong. Load the page again.")
	}
	return s.draft.Move(ctx, id, n, before)
}

func (s *Server) leaveOut(out bool) func(context.Context, echo.Context, batch.ID) error {
	return func(ctx context.Context, c echo.Context, id batch.ID) error {
		n, err := imageNumber(c)
		if err != nil {
			return err
		}
		return s.draft.Exclude(ctx, id, out, n)
	}
}

// turnImage rotates a picture clockwise by "quarters" quarter turns, default 1.
func (s *Server) turnImage(ctx context.Context, c echo.Context, id batch.ID) error {
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	quarters, err := strconv.Atoi(cmp.Or(c.QueryParam("quarters"), "1"))
	if err != nil {
		return errs.New(errs.Invalid, "The address is wrong. Load the page again.")
	}
	_, err = s.draft.Rotate(ctx, id, n, quarters)
	return err
}
