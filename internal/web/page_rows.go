package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
	"sheetlift/views"
)

// pageRows is the number of rows per page: several screens, rendered in milliseconds.
const pageRows = 100

// rowsPage shows all rows of a batch in one grid, page by page.
func (s *Server) rowsPage(c echo.Context) error {
	v, err := s.rowsView(c)
	if err != nil {
		return err
	}
	if group := c.QueryParam("done"); group != "" {
		v.Group = group
		v.Said = views.T(c.Request().Context(), "rows.said.replaced", clampInt(c.QueryParam("cells")), clampInt(c.QueryParam("images")))
		if kept := clampInt(c.QueryParam("kept")); kept > 0 {
			v.Said += " " + views.T(c.Request().Context(), "rows.said.kept", kept)
		}
	} else if c.QueryParam("undone") != "" {
		v.Said = views.T(c.Request().Context(), "rows.said.undone", clampInt(c.QueryParam("undone")), clampInt(c.QueryParam("kept")))
	}
	return s.render(c, http.StatusOK, views.RowsPage(v))
}

func clampInt(s string) int {
	n, _ := strconv.Atoi(s)
	return max(n, 0)
}

// replaceRows counts the matches of a search, replaces them, or undoes a replacement.
func (s *Server) replaceRows(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	if c.FormValue("do") == "decimal" {
		if _, err := s.settings.SetDecimal(ctx, id, c.FormValue("column"), table.Mark(c.FormValue("decimal"))); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, batchURL(id)+"/rows#dates")
	}
	if c.FormValue("do") == "undo" {
		undone, kept, err := s.edit.UndoGroup(ctx, id, c.FormValue("group"), s.author(c))
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, batchURL(id)+"/rows?undone="+strconv.Itoa(undone)+"&kept="+strconv.Itoa(kept))
	}
	f := edit.Find{Text: c.FormValue("find"), With: c.FormValue("with"), Column: c.FormValue("column"), Whole: c.FormValue("whole") != "", Case: c.FormValue("case") != "", Dates: table.DateOrder(c.FormValue("dates"))}
	if c.FormValue("do") == "replace" {
		group := rand.Text()
		done, err := s.edit.Replace(ctx, id, f, s.author(c), group)
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, batchURL(id)+"/rows?done="+group+"&cells="+strconv.Itoa(done.Cells)+
			"&images="+strconv.Itoa(done.Images)+"&kept="+strconv.Itoa(done.Kept))
	}
	matches, err := s.edit.Matches(ctx, id, f)
	if err != nil {
		return err
	}
	v, err := s.rowsView(c)
	if err != nil {
		return err
	}
	v.Find = views.Find{Text: f.Text, With: f.With, Column: f.Column, Whole: f.Whole, Case: f.Case, Counted: true, Cells: len(matches)}
	last := 0
	for i, m := range matches {
		if m.N != last {
			v.Find.Images++
			last = m.N
		}
		if i < 8 {
			v.Find.Examples = append(v.Find.Examples, views.Edit{Was: oneLine(m.Was), Now: oneLine(m.Now)})
		}
	}
	return s.render(c, http.StatusOK, views.RowsPage(v))
}

// rowsView returns the requested rows, sorted and limited to one page.
func (s *Server) rowsView(c echo.Context) (views.Rows, error) {
	ctx := c.Request().Context()
	v, found, b, images, err := s.rowsFound(c)
	if err != nil {
		return v, err
	}
	v.Shell, v.Me = s.shell("batches"), s.author(c)
	v.Checks, v.Sheet, v.Kept = true, true, s.kept(b)
	v.Unclear, v.Marks = unclearDates(b, images), presentMarks(doubt.OpenMarks(b, images))
	v.Page = clampInt(c.QueryParam("page"))
	v.Pages = max((len(found)+pageRows-1)/pageRows, 1)
	v.Page = min(v.Page, v.Pages-1)
	found = found[v.Page*pageRows : min((v.Page+1)*pageRows, len(found))]
	v.Lines = presentFound(ctx, found, len(v.Heads))
	return v, nil
}

// rowsFound returns the rows that match the filters of the request, sorted, with their counts.
func (s *Server) rowsFound(c echo.Context) (v views.Rows, found []foundRow, b *batch.Batch, images []*batch.Image, err error) {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	if b, err = s.batches.Batch(ctx, id); err != nil {
		return v, nil, nil, nil, err
	}
	if b.Status == batch.Draft {
		return v, nil, nil, nil, errs.New(errs.NotFound, "This batch was not started yet, so it has no rows. Start it first.")
	}
	if images, err = s.batches.Images(ctx, id); err != nil {
		return v, nil, nil, nil, err
	}
	b = batch.Judged(b, images)
	doubt.MarkDuplicates(b, images)
	v = views.Rows{
		Batch: batchURL(id), URL: batchURL(id) + "/rows", Name: oneLine(b.Name), Images: len(images),
		Query: c.QueryParam("q"), Image: clampInt(c.QueryParam("image")), Tab: c.QueryParam("tab"), Sort: c.QueryParam("sort"),
	}
	if v.Tab == "" && c.QueryParam("doubts") != "" { // the address of older pages
		v.Tab = views.TabDoubts
	}
	found = sieve(b, images, &v)
	sortRows(b.Table, found, v.Sort)
	return v, found, b, images, nil
}

// foundRow is a row of an image, with its cells under the headings of the whole batch; or an image that was not read.
type foundRow struct {
	image  *batch.Image
	name   string // unique name of the image
	at     int    // row index in the image; -1: the image was not read
	places []int  // heading → cell index, -1 for none
}

func (f foundRow) cell(column int) table.Cell {
	if f.at < 0 || column >= len(f.places) || f.places[column] < 0 || f.places[column] >= len(f.image.Rows[f.at].Cells) {
		return table.Cell{}
	}
	return f.image.Rows[f.at].Cells[f.places[column]]
}

// id returns the row ID, 0 for an image that was not read.
func (f foundRow) id() int {
	if f.at < 0 {
		return 0
	}
	return f.image.RowID(f.at)
}

// sieve counts all rows into v and returns the matching ones.
func sieve(b *batch.Batch, images []*batch.Image, v *views.Rows) []foundRow {
	v.Heads = headsOf(b, images)
	words := table.Key(v.Query)
	var found []foundRow
	names := batch.NamesApart(images)
	for _, m := range images {
		name := names[m.N]
		v.Pictures = append(v.Pictures, views.Shot{N: m.N, Name: oneLine(name)})
		here := v.Image == 0 || m.N == v.Image
		if m.Status == batch.Failed {
			v.Unread++
			if here && (v.Tab == "" || v.Tab == views.TabMissing) && (words == "" || strings.Contains(table.Key(name), words)) {
				found = append(found, foundRow{image: m, name: name, at: -1})
			}
		}
		if m.Status != batch.Completed {
			continue
		}
		if m.IsChecked() {
			v.Checked++
		}
		v.Doubtful += m.DoubtCount()
		places := placesOf(b, m, v.Heads)
		v.All += len(m.Rows)
		doubtful := doubtfulRows(m)
		for i, row := range m.Rows {
			edited, missing := slices.ContainsFunc(row.Cells, byPerson), lacks(b.Table, row)
			if edited {
				v.Edited++
			}
			if missing {
				v.Missing++
			}
			if !here || !inTab(v.Tab, doubtful[i], edited, missing) || !holds(name, row, words) {
				continue
			}
			v.Found++
			found = append(found, foundRow{m, name, i, places})
		}
	}
	return found
}

// doubtfulRows returns the rows of an image with an issue, by index.
func doubtfulRows(m *batch.Image) map[int]bool {
	all := map[int]bool{}
	for _, i := range m.Issues {
		if i.Row >= 0 {
			all[i.Row] = true
		}
	}
	return all
}

func byPerson(c table.Cell) bool { return c.State == table.Edited }

// lacks reports whether a cell that must not be blank is blank.
func lacks(t table.Table, row table.Row) bool {
	for j, c := range t.Columns {
		if c.Required && (j >= len(row.Cells) || row.Cells[j].Text == "") {
			return true
		}
	}
	return false
}

func inTab(tab string, doubtful, edited, missing bool) bool {
	switch tab {
	case views.TabDoubts:
		return doubtful
	case views.TabEdited:
		return edited
	case views.TabMissing:
		return missing
	}
	return true
}

// unclearDates counts the ambiguous dates among the issues, for which a person can still choose the order. The example is a
// date with two possible days if there is one.
func unclearDates(b *batch.Batch, images []*batch.Image) (u views.Unclear) {
	for _, m := range images {
		if m.Status != batch.Completed {
			continue
		}
		for _, i := range m.Issues {
			if i.Kind != table.KindMeaning || i.Row < 0 || i.Row >= len(m.Rows) || i.Column < 0 || i.Column >= len(m.Rows[i.Row].Cells) {
				continue
			}
			cell := m.Rows[i.Row].Cells[i.Column]
			day, month, ok := b.Table.Column(i.Column).YearFirst(cell)
			if !ok {
				continue
			}
			if u.Cells++; u.Cells == 1 || u.Day == u.Month {
				u.Example, u.Day, u.Month = oneLine(cell.Text), day, month
			}
		}
	}
	return u
}

func holds(name string, row table.Row, words string) bool {
	if words == "" || strings.Contains(table.Key(name), words) {
		return true
	}
	return slices.ContainsFunc(row.Cells, func(c table.Cell) bool { return strings.Contains(table.Key(c.Text), words) })
}

// headsOf returns the headings over all rows: those of the table, or those of all sheets in order of appearance.
func headsOf(b *batch.Batch, images []*batch.Image) []views.Head {
	var heads []views.Head
	seen := map[string]bool{}
	for _, m := range images {
		if m.Status != batch.Completed && b.Table.Open {
			continue
		}
		for _, h := range presentHeads(b.Table, m) {
			if key := table.Key(h.Name); !seen[key] {
				seen[key] = true
				heads = append(heads, h)
			}
		}
		if !b.Table.Open {
			break
		}
	}
	return heads
}

// placesOf returns, for each heading, the index of the cell in an image's rows.
func placesOf(b *batch.Batch, m *batch.Image, heads []views.Head) []int {
	at := map[string]int{}
	for j, h := range presentHeads(b.Table, m) {
		at[table.Key(h.Name)] = j
	}
	places := make([]int, len(heads))
	for i, h := range heads {
		places[i] = -1
		if j, ok := at[table.Key(h.Name)]; ok {
			places[i] = j
		}
	}
	return places
}

// presentMarks returns the number columns for which a person can choose, or has chosen, the decimal mark.
func presentMarks(open []doubt.OpenMark) []views.UnclearMark {
	var all []views.UnclearMark
	for _, o := range open {
		all = append(all, views.UnclearMark{
			Column: o.Column, Cells: o.Cells, Example: oneLine(o.Example), Comma: o.Comma, Point: o.Point, Said: string(o.Said), Disproved: o.Disproved,
		})
	}
	return all
}

// sortRows sorts by a column, numbers and dates by value; blanks are last in both directions.
func sortRows(t table.Table, found []foundRow, by string) {
	digits, down := strings.CutPrefix(by, "-")
	column, err := strconv.Atoi(digits)
	if err != nil || column < 1 {
		return
	}
	column--
	cells := make([]table.Cell, len(found))
	for i, f := range found {
		cells[i] = f.cell(column)
	}
	type ranked struct {
		row  foundRow
		rank table.Rank
	}
	all := make([]ranked, len(found))
	for i, rank := range t.Column(column).Ranks(cells) {
		all[i] = ranked{found[i], rank}
	}
	slices.SortStableFunc(all, func(x, y ranked) int {
		a, b := x.row.cell(column).Text, y.row.cell(column).Text
		if a == "" || b == "" {
			return cmp.Compare(len(b), len(a)) // blanks last
		}
		order := x.rank.Compare(y.rank)
		if down {
			return -order
		}
		return order
	})
	for i := range all {
		found[i] = all[i].row
	}
}

// presentFound renders the rows of a page; the lines of each image are rendered once.
func presentFound(ctx context.Context, found []foundRow, width int) []views.Line {
	drawn := map[int][]views.Line{}
	all := make([]views.Line, 0, len(found))
	for _, f := range found {
		if f.at < 0 {
			all = append(all, presentUnread(f))
			continue
		}
		lines, ok := drawn[f.image.N]
		if !ok {
			lines = presentLines(ctx, f.image, f.name, 0)
			drawn[f.image.N] = lines
		}
		l := lines[f.at]
		l.Picture = fmt.Sprint(imageURL(f.image.Batch, f.image.N), "/picture", versionOf(f.image), " ", f.image.Picture.Width, " ", f.image.Picture.Height)
		cells := make([]views.Cell, width)
		for i, j := range f.places {
			if j >= 0 && j < len(l.Cells) {
				cells[i] = l.Cells[j]
				cells[i].Column = j
			} else {
				cells[i] = views.Cell{Column: -1, State: "blank", ID: cellID(f.image, l.ID, width+i)}
			}
		}
		l.Cells = cells
		all = append(all, l)
	}
	return all
}

// presentUnread returns the line of an image that was not read.
func presentUnread(f foundRow) views.Line {
	return views.Line{Key: fmt.Sprintf("r-%d-0", f.image.N), Image: oneLine(f.name), URL: imageURL(f.image.Batch, f.image.N), Unread: true, Batch: batchURL(f.image.Batch)}
}
