package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// editImage edits the rows of an image. The response is the changed part of the page with the current rows; after a conflict it
// also contains the typed text.
func (s *Server) editImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	form, err := c.FormParams()
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "The form could not be read. Reload the page and try again.")
	}
	said, err := s.carryOut(c, id, n, form)
	conflict, _ := errors.AsType[*edit.Conflict](err)
	if err != nil && conflict == nil && !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
		return err
	}
	if !isFragment(c) && err == nil {
		return c.Redirect(http.StatusSeeOther, imageURL(id, n))
	}
	v, loadErr := s.imageView(c, id, n)
	if loadErr != nil {
		return loadErr
	}
	status := http.StatusOK
	if err != nil {
		status, v.Problem = s.classify(ctx, err)
		if conflict != nil {
			v.EditConflict = presentClash(conflict, v.Problem)
			v.Problem = ""
		}
	}
	v.Said = said
	if isFragment(c) {
		return s.render(c, status, views.ImageRows(v))
	}
	if row, err := strconv.Atoi(form.Get("row")); err == nil && form.Get("do") == "row" {
		v.Form = typedLine(v, row, form)
	}
	return s.render(c, status, views.ImagePage(v))
}

// carryOut turns a form into edit requests, applies them, and describes the result in a sentence.
func (s *Server) carryOut(c echo.Context, id batch.ID, n int, form url.Values) (string, error) {
	ctx := c.Request().Context()
	number := func(name string) int { v, _ := strconv.Atoi(form.Get(name)); return v }
	do := form.Get("do")
	if do == string(batch.EditUndo) {
		_, e, err := s.edit.Undo(ctx, id, n, number("edit"), s.author(c))
		if err != nil {
			return "", err
		}
		return views.T(ctx, "check.said.undo."+string(e.Kind)), nil
	}
	ask := edit.Request{
		Do: batch.EditKind(do), By: s.author(c), Token: form.Get("token"), Generation: number("reading"),
		Row: number("row"), Column: number("column"), Text: form.Get("text"), Seen: form.Get("seen"), To: number("to"),
	}
	if len(ask.Token) > 64 {
		return "", errs.New(errs.Invalid, "The form could not be read. Reload the page and try again.")
	}
	asks := []edit.Request{ask}
	switch do {
	case "row":
		asks = rowAsks(ask, form)
	case "up", "down":
		asks[0].Do = batch.EditMove
		asks[0].To = ask.To - 2
		if do == "down" {
			asks[0].To = ask.To
		}
	case string(batch.EditAdd):
		if !form.Has("to") {
			asks[0].To = 1 << 30 // at the end
		}
	case string(batch.EditDelete):
		if sum := form.Get("sum"); sum != "" {
			asks[0].Seen = sum
		}
	}
	if _, err := s.edit.Edit(ctx, id, n, asks...); err != nil {
		return "", err
	}
	return views.T(ctx, "check.said."+do), nil
}

// rowAsks returns an edit for each changed cell in the form of a row.
func rowAsks(ask edit.Request, form url.Values) []edit.Request {
	var asks []edit.Request
	for j := 0; form.Has("text-" + strconv.Itoa(j)); j++ {
		text, seen := form.Get("text-"+strconv.Itoa(j)), form.Get("seen-"+strconv.Itoa(j))
		if text != seen {
			one := ask
			one.Do, one.Column, one.Text, one.Seen = batch.EditCell, j, text, seen
			asks = append(asks, one)
		}
	}
	return asks
}

// typedLine returns the form of a row as submitted.
func typedLine(v views.Image, row int, form url.Values) *views.Line {
	for _, l := range v.Lines {
		if l.ID != row {
			continue
		}
		for j := range l.Cells {
			if key := "text-" + strconv.Itoa(j); form.Has(key) {
				l.Cells[j].Seen, l.Cells[j].Text = l.Cells[j].Text, oneLine(form.Get(key))
			}
		}
		return &l
	}
	return nil
}

// imagePage shows one picture beside its rows. Before the batch is started it shows the naming step.
func (s *Server) imagePage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	if b.Status == batch.Draft {
		return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=names")
	}
	v, err := s.imageView(c, id, n)
	if err != nil {
		return err
	}
	if row, err := strconv.Atoi(c.QueryParam("row")); err == nil && v.Row.Status == string(batch.Completed) {
		for _, l := range v.Lines {
			if l.ID == row {
				for j := range l.Cells {
					l.Cells[j].Seen = l.Cells[j].Text
				}
				v.Form = &l
			}
		}
	}
	return s.render(c, http.StatusOK, views.ImagePage(v))
}

// typeImage lets a person type the rows of a picture that was not read, and shows it with a blank row.
func (s *Server) typeImage(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	n, err := imageNumber(c)
	if err != nil {
		return err
	}
	_, err = s.edit.TypeIn(ctx, id, n, s.author(c), strings.Split(c.FormValue("headings"), "\n"))
	if err == nil {
		return c.Redirect(http.StatusSeeOther, imageURL(id, n))
	}
	if !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
		return err
	}
	v, loadErr := s.imageView(c, id, n)
	if loadErr != nil {
		return loadErr
	}
	var status int
	status, v.Problem = s.classify(ctx, err)
	if v.Headings != nil && c.FormValue("headings") != "" {
		v.Headings = strings.Split(c.FormValue("headings"), "\n")
	}
	return s.render(c, status, views.ImagePage(v))
}

// commonHeadings returns the headings that most read images of an open table have; none if none was read.
func commonHeadings(images []*batch.Image) []string {
	most, best := 0, []string{}
	seen := map[string]int{}
	for _, m := range images {
		if m.Status != batch.Completed || len(m.Columns) == 0 {
			continue
		}
		key := strings.Join(m.Columns, "\n")
		if seen[key]++; seen[key] > most {
			most, best = seen[key], m.Columns
		}
	}
	return best
}

// imageView returns the page of an image with the stored state.
func (s *Server) imageView(c echo.Context, id batch.ID, n int) (views.Image, error) {
	ctx := c.Request().Context()
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return views.Image{}, err
	}
	m, err := s.batches.Image(ctx, id, n)
	if err != nil {
		return views.Image{}, err
	}
	if b.Order != nil && placeOf(b, n) == 0 {
		return views.Image{}, errs.New(errs.NotFound, "This picture is not part of the batch. Go back to the batch to see those that are.")
	}
	if b, err = s.edit.Mark(ctx, b, m); err != nil {
		return views.Image{}, err
	}
	v := presentImage(ctx, b, m)
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return views.Image{}, err
	}
	if name, ok := batch.NamesApart(images)[n]; ok {
		v.Row.Name = oneLine(name)
	}
	v.Shell, v.Me, v.Now = s.shell("batches"), s.author(c), time.Now()
	v.Checks, v.Controls = true, s.presentControls(b)
	v.CanUndo = m.Undoable(v.Me) != nil
	if b.Table.Open && (m.Status == batch.Failed || m.Status == batch.Canceled) {
		v.Headings = commonHeadings(images)
	}
	if o, err := s.progress.Overview(ctx, id); err == nil {
		v.CheckedImages = o.Counts.Checked
	}
	return v, nil
}

const (
	whoCookie = "sheetlift-who"
	whoLife   = 365 * 24 * time.Hour
	maxWho    = 60
)

// author returns the author name for a person's edits: the name stored in the browser, or a generated one.
func (s *Server) author(c echo.Context) string {
	if name, ok := c.Get(whoCookie).(string); ok {
		return name
	}
	name := ""
	if cookie, err := c.Cookie(whoCookie); err == nil {
		if plain, err := url.QueryUnescape(cookie.Value); err == nil {
			name = authorName(plain)
		}
	}
	if name == "" {
		name = views.T(c.Request().Context(), "check.person", rand.Text()[:4])
		s.remember(c, name)
	}
	c.Set(whoCookie, name)
	return name
}

func (s *Server) remember(c echo.Context, name string) {
	c.SetCookie(&http.Cookie{
		Name: whoCookie, Value: url.QueryEscape(name), Path: "/", MaxAge: int(whoLife.Seconds()),
		HttpOnly: true, Secure: secure(c.Request()), SameSite: http.SameSiteStrictMode,
	})
}

// authorName normalizes an author name.
func authorName(name string) string {
	name = strings.Join(strings.Fields(strings.ToValidUTF8(name, "")), " ")
	if runes := []rune(name); len(runes) > maxWho {
		name = string(runes[:maxWho])
	}
	return name
}

// nameMe stores the author name that a person chose.
func (s *Server) nameMe(c echo.Context) error {
	name := authorName(c.FormValue("name"))
	if name == "" {
		return errs.New(errs.Invalid, "Type a name, so that others know who changed what.")
	}
	s.remember(c, name)
	return c.Redirect(http.StatusSeeOther, ownPath(c.FormValue("back")))
}
