package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
	"sheetlift/views"
)

// ownColumns is the choice of columns that is no preset.
const ownColumns = "own"

// columnsForm is the columns step as typed, right or wrong.
type columnsForm struct {
	choice  string // what is chosen now
	from    string // what the page showed
	do      string // the button that was pressed
	single  bool
	columns []views.Column
	dates   string // what dates in numbers mean, in all columns of dates
	engine  string
	atOnce  string
	retries string
	offline string // what becomes of a picture that the engine gives up
	before  string // "use" or "afresh": what becomes of a picture that was read before
	saveAs  string // the name to save the columns under
	said    string // what came of the button, a sentence
	saved   bool   // it was about saved columns
	undo    string // deleted columns as a file
}

// formOf is the form of a draft as it is stored.
func formOf(b *batch.Batch) columnsForm {
	choice := choiceOf(b.Table)
	return columnsForm{
		choice: choice, from: choice, single: b.Table.Single, columns: presentTable(b.Table), dates: datesOf(b.Table), engine: b.Engine,
		atOnce: strconv.Itoa(b.Options.AtOnce), retries: strconv.Itoa(b.Options.MaxRetries),
		offline: cmp.Or(string(b.Options.Fallback), string(batch.FallbackAsk)), before: map[bool]string{true: readAfresh}[b.Options.Fresh],
	}
}

// datesEach is the choice to leave each column of dates its own order.
const datesEach = "each"

// datesOf is what dates in numbers mean in the columns of dates, datesEach if not the same in all.
func datesOf(t table.Table) string {
	var orders []string
	for _, c := range t.Columns {
		if c.Type == table.Date {
			orders = append(orders, string(c.Dates))
		}
	}
	switch slices.Sort(orders); {
	case len(orders) == 0:
		return ""
	case orders[0] != orders[len(orders)-1]:
		return datesEach
	default:
		return orders[0]
	}
}

// readAfresh is the choice to have every picture read, also one that was read before.
const readAfresh = "afresh"

func columnsTyped(c echo.Context) (columnsForm, error) {
	form, err := c.FormParams()
	if err != nil {
		return columnsForm{}, errs.Wrap(err, errs.Invalid, "The columns could not be read. Load the page again and choose once more.")
	}
	f := columnsForm{
		choice: form.Get("preset"), from: form.Get("from"), do: form.Get("do"), single: form.Get("single") != "",
		dates: form.Get("dates"), engine: form.Get("engine"), atOnce: strings.TrimSpace(form.Get("at_once")), retries: strings.TrimSpace(form.Get("retries")),
		offline: form.Get("offline"), before: form.Get("before"), saveAs: oneLine(form.Get("save_as")),
	}
	if f.from == ownColumns {
		f.columns = ownTyped(form)
	} else if preset, ok := table.Preset(f.from); ok {
		f.columns, f.single = presentTable(preset), preset.Single
		for i := range f.columns { // a person who changes them reads and writes the language of the page
			f.columns[i].Description = views.Retell(c.Request().Context(), f.columns[i].Description)
		}
	}
	return f, nil
}

// ownTyped is the editor's rows: every field once in each, the boxes by the number of their row.
func ownTyped(form url.Values) []views.Column {
	at := func(field string, i int) string {
		if values := form[field]; i < len(values) {
			return oneLine(values[i])
		}
		return ""
	}
	columns := make([]views.Column, 0, len(form["name"]))
	for i := range min(len(form["name"]), table.MaxColumns+1) {
		columns = append(columns, views.Column{
			Name: strings.TrimSpace(at("name", i)), Type: at("type", i), Description: strings.TrimSpace(at("description", i)),
			Choices: strings.TrimSpace(at("choices", i)), Required: slices.Contains(form["required"], strconv.Itoa(i)), Unique: slices.Contains(form["unique"], strconv.Itoa(i)),
			Dates: at("order", i), Pattern: strings.TrimSpace(at("pattern", i)), Example: strings.TrimSpace(at("example", i)),
		})
	}
	return columns
}

// edit carries out the button that was pressed and the choice that was made.
func (f *columnsForm) edit() {
	word, digits, _ := strings.Cut(f.do, "-")
	i, err := strconv.Atoi(digits)
	inside := err == nil && i >= 0 && i < len(f.columns)
	switch {
	case word == "own":
		f.choice = ownColumns
	case word == "add" && f.from == ownColumns:
		f.columns = append(f.columns, views.Column{Type: string(table.Text), Focus: true})
	case word == "remove" && inside:
		f.columns = slices.Delete(f.columns, i, i+1)
	case word == "up" && inside && i > 0:
		f.columns[i-1], f.columns[i] = f.columns[i], f.columns[i-1]
	case word == "down" && inside && i+1 < len(f.columns):
		f.columns[i], f.columns[i+1] = f.columns[i+1], f.columns[i]
	}
	if f.choice == f.from {
		return
	}
	if preset, ok := table.Preset(f.choice); ok {
		f.columns, f.single = presentTable(preset), preset.Single
		return
	}
	f.choice = ownColumns
	if len(f.columns) == 0 {
		f.columns = []views.Column{{Type: string(table.Text), Focus: true}}
	}
}

// table is what was put together, not yet checked.
func (f *columnsForm) table() table.Table {
	t, ready := table.Preset(f.choice)
	if !ready {
		t = f.own()
	}
	for i, c := range t.Columns {
		if c.Type == table.Date && f.dates != datesEach {
			t.Columns[i].Dates = table.DateOrder(f.dates)
		}
	}
	return t
}

func (f *columnsForm) own() table.Table {
	t := table.Table{Single: f.single}
	for _, c := range f.columns {
		column := table.Column{Name: c.Name, Type: table.Type(c.Type), Description: c.Description, Required: c.Required, Unique: c.Unique, Pattern: c.Pattern, Example: c.Example}
		switch column.Type {
		case table.Choice:
			column.Choices = listed(c.Choices)
		case table.Date:
			column.Dates = table.DateOrder(c.Dates)
		}
		t.Columns = append(t.Columns, column)
	}
	return t
}

// listed cuts a list at its commas and leaves out what is blank.
func listed(text string) []string {
	var values []string
	for _, v := range strings.Split(text, ",") {
		if v = strings.TrimSpace(v); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// options puts the numbers into those the draft has.
func (f *columnsForm) options(o batch.Options) (batch.Options, error) {
	var err error
	if o.AtOnce, err = strconv.Atoi(f.atOnce); err != nil {
		return o, errs.New(errs.Invalid, "“Pictures at once” is %q; type a number from 1 to 64.", f.atOnce)
	}
	if o.MaxRetries, err = strconv.Atoi(f.retries); err != nil {
		return o, errs.New(errs.Invalid, "“Further tries” is %q; type a number from 0 to 20.", f.retries)
	}
	if f.offline != "" { // the choice is there only where both engines are
		o.Fallback = batch.Fallback(f.offline)
	}
	if f.before != "" {
		o.Fresh = f.before == readAfresh
	}
	return o, nil
}

// save keeps the form in its draft, or says what is wrong with it.
func (f *columnsForm) save(ctx context.Context, s *Server, b *batch.Batch) error {
	t := f.table()
	if err := t.Validate(); err != nil {
		return err
	}
	options, err := f.options(b.Options)
	if err != nil {
		return err
	}
	if _, err := s.batches.SetTable(ctx, b.ID, t); err != nil {
		return err
	}
	_, err = s.batches.SetOptions(ctx, b.ID, options, f.engine)
	return err
}

// saveColumns keeps the columns while they are put together. What is not right yet stays on the page, not in the draft.
func (s *Server) saveColumns(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	form, err := columnsTyped(c)
	if err != nil {
		return err
	}
	quiet := form.do == "" && form.choice == form.from
	form.edit()
	if err := s.press(c, b, &form); err != nil {
		return err
	}
	problem := form.save(ctx, s, b)
	if problem != nil && !errs.Is(problem, errs.Invalid) {
		return problem
	}
	if quiet && isFragment(c) {
		return c.NoContent(http.StatusNoContent)
	}
	if isFragment(c) {
		v, err := s.columnsView(ctx, b, nil, form)
		if err != nil {
			return err
		}
		return s.render(c, http.StatusOK, views.ColumnsChanged(v))
	}
	if problem != nil && form.do == "keep" {
		return s.columnsAgain(c, b, form, problem)
	}
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return err
	}
	return s.showColumns(c, b, images, form)
}

func (s *Server) showColumns(c echo.Context, b *batch.Batch, images []*batch.Image, form columnsForm) error {
	v, err := s.columnsView(c.Request().Context(), b, images, form)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.ColumnsPage(v))
}

// startBatch keeps the columns and begins to read.
func (s *Server) startBatch(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	if b.Status == batch.Scheduled {
		if _, err := s.batches.Start(ctx, id); err != nil {
			return err
		}
		return s.steered(c, id)
	}
	if b.Status != batch.Draft {
		return s.steered(c, id) // pressed twice
	}
	form, err := columnsTyped(c)
	if err != nil {
		return err
	}
	if form.choice != "" {
		form.edit()
		err = form.save(ctx, s, b)
	}
	switch {
	case err != nil:
	case c.FormValue("when") == "later":
		err = s.startLater(c, id)
	default:
		_, err = s.batches.Start(ctx, id)
	}
	switch {
	case errs.Is(err, errs.Invalid) && form.choice != "":
		return s.columnsAgain(c, b, form, err)
	case err != nil:
		return err
	}
	return c.Redirect(http.StatusSeeOther, batchURL(id))
}

// columnsAgain shows the step as typed, with what is wrong.
func (s *Server) columnsAgain(c echo.Context, b *batch.Batch, form columnsForm, problem error) error {
	ctx := c.Request().Context()
	images, err := s.batches.Images(ctx, b.ID)
	if err != nil {
		return err
	}
	v, err := s.columnsView(ctx, b, images, form)
	if err != nil {
		return err
	}
	v.Problem, v.At = told(ctx, problem), c.FormValue("at")
	for i, column := range v.Columns {
		t := table.Table{Columns: form.table().Columns}
		if v.Choice == ownColumns && i < len(t.Columns) {
			t.Columns = t.Columns[i : i+1]
			v.Columns[i].Bad = t.Validate() != nil
		}
		v.Columns[i].Focus = column.Focus && v.Columns[i].Bad
	}
	return s.render(c, http.StatusUnprocessableEntity, views.ColumnsPage(v))
}

func (s *Server) columnsView(ctx context.Context, b *batch.Batch, images []*batch.Image, f columnsForm) (views.Columns, error) {
	v := views.Columns{
		Shell: s.shell("batches"), URL: batchURL(b.ID), Images: len(images), Noted: notedOf(images),
		Choice: f.choice, Single: f.single, Columns: f.columns, Dates: f.dates, Engine: f.engine, Engines: s.enginesOffered(),
		AtOnce: f.atOnce, Retries: f.retries, Offline: f.offline, Reuses: s.cfg.Reuses, Fresh: f.before == readAfresh, Reader: s.reader(ctx, f.engine),
		Batch: string(b.ID), Shots: presentShots(ctx, images[:min(triable, len(images))]), Said: f.said, Undo: f.undo, SavedOpen: f.saved,
	}
	saved, err := s.batches.Templates(ctx)
	if err != nil {
		return v, err
	}
	for _, t := range saved {
		v.Saved = append(v.Saved, views.Saved{ID: t.ID, Name: oneLine(t.Name), Columns: len(t.Table.Columns)})
	}
	for _, preset := range table.Presets() {
		v.Choices = append(v.Choices, preset.Name)
	}
	v.Choices = append(v.Choices, ownColumns)
	if len(v.Shots) > 0 {
		v.Example = v.Shots[0]
	}
	return v, nil
}

// enginesOffered is whichever is ready and each engine by name, or nothing where only one can work.
func (s *Server) enginesOffered() []string {
	offered := []string{""}
	for _, name := range []string{"gemini", "tesseract"} {
		if _, _, err := s.readers.Choose(name); err != nil {
			return nil
		}
		offered = append(offered, name)
	}
	return offered
}
