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
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
	"sheetlift/views"
)

// ownColumns is the choice of custom columns instead of a preset.
const ownColumns = "own"

// columnsForm is the columns step as typed, valid or not.
type columnsForm struct {
	choice  string // the current choice
	from    string // the choice that the page showed
	do      string // the pressed button
	single  bool
	columns []views.Column
	dates   string // order of day and month, for all date columns
	decimal string // decimal mark, for all number columns
	engine  string
	atOnce  string
	model   *string // model and thinking level, separated by a space; "" is the default of the settings, nil if the form has no such field
	retries string
	offline string // value of batch.Fallback
	witness string // value of batch.Witness
	before  string // "use" or "afresh": whether earlier readings of the same pictures are used
	saveAs  string // name for a new template
	said    string // result of the button, a sentence
	saved   bool   // the button was about templates
	undo    string // deleted template as a file
}

// formOf returns the form for a draft as stored.
func formOf(b *batch.Batch) columnsForm {
	choice, model := choiceOf(b.Table), modelOf(b)
	return columnsForm{
		choice: choice, from: choice, single: b.Table.Single, columns: presentTable(b.Table), dates: datesOf(b.Table), decimal: decimalOf(b.Table), engine: b.Engine,
		model: &model, atOnce: strconv.Itoa(b.Options.AtOnce), retries: strconv.Itoa(b.Options.MaxRetries),
		offline: cmp.Or(string(b.Options.Fallback), string(batch.FallbackAsk)), before: map[bool]string{true: readAfresh}[b.Options.Fresh],
		witness: cmp.Or(string(b.Options.Witness), string(batch.WitnessOff)),
	}
}

// modelOf returns the model of a draft and its thinking level, as the form encodes them.
func modelOf(b *batch.Batch) string { return strings.TrimSpace(b.Model + " " + b.Thinking) }

// eachItsOwn is the choice to leave each date column its own order, or each number column its own decimal mark.
const eachItsOwn = "each"

// datesOf returns the order of dates in the date columns, eachItsOwn if they differ.
func datesOf(t table.Table) string {
	return sameOf(t, table.Date, func(c table.Column) string { return string(c.Dates) })
}

// decimalOf returns the decimal mark of the number columns, eachItsOwn if they differ.
func decimalOf(t table.Table) string {
	return sameOf(t, table.Number, func(c table.Column) string { return string(c.Decimal) })
}

func sameOf(t table.Table, kind table.Type, of func(table.Column) string) string {
	var all []string
	for _, c := range t.Columns {
		if c.Type == kind {
			all = append(all, of(c))
		}
	}
	switch slices.Sort(all); {
	case len(all) == 0:
		return ""
	case all[0] != all[len(all)-1]:
		return eachItsOwn
	default:
		return all[0]
	}
}

// readAfresh is the choice to read every picture, even if an earlier reading exists.
const readAfresh = "afresh"

func columnsTyped(c echo.Context) (columnsForm, error) {
	form, err := c.FormParams()
	if err != nil {
		return columnsForm{}, errs.Wrap(err, errs.Invalid, "The columns could not be read. Load the page again and choose once more.")
	}
	f := columnsForm{
		choice: form.Get("preset"), from: form.Get("from"), do: form.Get("do"), single: form.Get("single") != "",
		dates: form.Get("dates"), decimal: form.Get("decimal"), engine: form.Get("engine"), atOnce: strings.TrimSpace(form.Get("at_once")), retries: strings.TrimSpace(form.Get("retries")),
		offline: form.Get("offline"), witness: form.Get("witness"), before: form.Get("before"), saveAs: oneLine(form.Get("save_as")),
	}
	if form.Has("model") { // the field exists only if a model can read
		model := strings.TrimSpace(form.Get("model"))
		f.model = &model
	}
	if f.from == ownColumns {
		f.columns = ownTyped(form)
	} else if preset, ok := table.Preset(f.from); ok {
		f.columns, f.single = presentTable(preset), preset.Single
		for i := range f.columns { // a person that edits a preset does so in the language of the page
			f.columns[i].Description = views.LocalizeText(c.Request().Context(), f.columns[i].Description)
		}
	}
	return f, nil
}

// ownTyped returns the rows of the column editor: every field occurs once per row, checkboxes carry the index of their row.
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
			Dates: at("order", i), Decimal: at("mark", i), Pattern: strings.TrimSpace(at("pattern", i)), Example: strings.TrimSpace(at("example", i)),
		})
	}
	return columns
}

// edit applies the pressed button and the selected choice.
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

// table returns the table in the form, not yet validated.
func (f *columnsForm) table() table.Table {
	t, ready := table.Preset(f.choice)
	if !ready {
		t = f.own()
	}
	for i, c := range t.Columns {
		if c.Type == table.Date && f.dates != eachItsOwn {
			t.Columns[i].Dates = table.DateOrder(f.dates)
		}
		if c.Type == table.Number && f.decimal != eachItsOwn {
			t.Columns[i].Decimal = table.Mark(f.decimal)
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
		case table.Number:
			column.Decimal = table.Mark(c.Decimal)
		}
		t.Columns = append(t.Columns, column)
	}
	return t
}

// listed splits a list at commas and drops blank entries.
func listed(text string) []string {
	var values []string
	for _, v := range strings.Split(text, ",") {
		if v = strings.TrimSpace(v); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// options returns o with the numbers in the form.
func (f *columnsForm) options(o batch.Options) (batch.Options, error) {
	var err error
	if o.AtOnce, err = strconv.Atoi(f.atOnce); err != nil {
		return o, errs.New(errs.Invalid, "“Pictures at once” is %q; type a number from 1 to 64.", f.atOnce)
	}
	if o.MaxRetries, err = strconv.Atoi(f.retries); err != nil {
		return o, errs.New(errs.Invalid, "“Further tries” is %q; type a number from 0 to 20.", f.retries)
	}
	if f.offline != "" { // the field exists only if both engines do
		o.Fallback = batch.Fallback(f.offline)
	}
	if f.witness != "" {
		o.Witness = batch.Witness(f.witness)
	}
	if f.before != "" {
		o.Fresh = f.before == readAfresh
	}
	return o, nil
}

// save stores the form in its draft, or returns its first error.
func (f *columnsForm) save(ctx context.Context, s *Server, b *batch.Batch) error {
	t := f.table()
	if err := t.Validate(); err != nil {
		return err
	}
	options, err := f.options(b.Options)
	if err != nil {
		return err
	}
	images, err := s.batches.Images(ctx, b.ID)
	if err != nil {
		return err
	}
	expected := s.estimate(b, images, *f)
	set := settings.Settings{Estimate: &expected}
	if f.model != nil {
		model, thinking, _ := strings.Cut(*f.model, " ")
		set.Model, set.Thinking = &model, &thinking
	}
	_, err = s.draft.SetDraft(ctx, b.ID, t, options, f.engine, set)
	return err
}

// saveColumns stores the columns while they are edited. Invalid input stays on the page and is not stored.
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
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return err
	}
	if quiet && isFragment(c) {
		expected := s.estimate(b, images, form)
		return s.render(c, http.StatusOK, views.EstimateChanged(presentEstimate(ctx, &expected, s.reader(ctx, form.engine).Engine, s.keysReady())))
	}
	if isFragment(c) {
		v, err := s.columnsView(ctx, b, images, form)
		if err != nil {
			return err
		}
		return s.render(c, http.StatusOK, views.ColumnsChanged(v))
	}
	if problem != nil && form.do == "keep" {
		return s.columnsAgain(c, b, form, problem)
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

// startBatch stores the columns and starts the batch.
func (s *Server) startBatch(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	if b.Status == batch.Scheduled {
		if _, err := s.run.Start(ctx, id); err != nil {
			return err
		}
		return s.respond(c, id)
	}
	if b.Status != batch.Draft {
		return s.respond(c, id) // pressed twice
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
		_, err = s.run.Start(ctx, id)
	}
	switch {
	case errs.Is(err, errs.Invalid) && form.choice != "":
		return s.columnsAgain(c, b, form, err)
	case err != nil:
		return err
	}
	return c.Redirect(http.StatusSeeOther, batchURL(id))
}

// columnsAgain shows the step as typed, with an error message.
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
	v.Problem, v.At, v.Later = localize(ctx, problem), c.FormValue("at"), c.FormValue("when") == "later"
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
	model := modelOf(b)
	if f.model != nil {
		model = *f.model
	}
	v := views.Columns{
		Shell: s.shell("batches"), URL: batchURL(b.ID), Images: len(images), Noted: notedOf(images),
		Choice: f.choice, Single: f.single, Columns: f.columns, Dates: f.dates, Decimal: f.decimal, Engine: f.engine, Engines: s.enginesOffered(),
		Models: s.modelsOffered(), Model: model, AtOnce: f.atOnce, Retries: f.retries, Offline: f.offline, Witness: f.witness, Reuses: s.cfg.Reuses, Fresh: f.before == readAfresh, Reader: s.reader(ctx, f.engine),
		Batch: string(b.ID), Shots: presentShots(ctx, images[:min(triable, len(images))]), Said: f.said, Undo: f.undo, SavedOpen: f.saved,
	}
	saved, err := s.templates.Templates(ctx)
	if err != nil {
		return v, err
	}
	for _, t := range saved {
		v.Saved = append(v.Saved, views.Saved{ID: t.ID, Name: oneLine(t.Name), Columns: len(t.Table.Columns)})
	}
	expected := s.estimate(b, images, f)
	v.Estimate = presentEstimate(ctx, &expected, v.Reader.Engine, v.Reader.Keys)
	for _, preset := range table.Presets() {
		v.Choices = append(v.Choices, preset.Name)
	}
	v.Choices = append(v.Choices, ownColumns)
	if len(v.Shots) > 0 {
		v.Example = v.Shots[0]
	}
	return v, nil
}

// enginesOffered returns "" for automatic and each engine by name, or nil if only one can work.
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

// modelsOffered returns the models to choose from, with their prices.
func (s *Server) modelsOffered() []views.Offer {
	if s.offers == nil || s.pool == nil || s.pool.Len() == 0 {
		return nil
	}
	var all []views.Offer
	for _, o := range s.offers() {
		all = append(all, views.Offer{ID: oneLine(o.ID), Thinking: o.Thinking, Input: o.Input, Output: o.Output, Priced: o.Priced})
	}
	return all
}
