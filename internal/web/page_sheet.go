package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// The page of all rows holds only the rows in sight. Its script knows which rows there are, in their order, and asks for the
// lines that it shows; changes of many cells come as one group.

// linesMost is how many lines the script may ask for at once.
const linesMost = 400

// sheetOrder tells the script of the page which rows match its filters, in their order.
type sheetOrder struct {
	Rows    []int  `json:"rows"`     // pairs of an image and a row ID; 0: an image that was not read
	Found   string `json:"said"`     // how many there are, a sentence
	All     string `json:"all"`      // the numbers of the tabs, formatted
	Doubts  string `json:"in_doubt"` // doubts
	Edited  string `json:"edited"`
	Missing string `json:"missing"`
}

// rowsOrder returns the rows that match the filters of the request, without their content.
func (s *Server) rowsOrder(c echo.Context) error {
	v, found, _, _, err := s.rowsFound(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	o := sheetOrder{Rows: make([]int, 0, 2*len(found)), Found: views.FoundRows(ctx, v)}
	o.All, o.Doubts, o.Edited, o.Missing = views.TabCounts(ctx, v)
	for _, f := range found {
		o.Rows = append(o.Rows, f.image.N, f.id())
	}
	return c.JSON(http.StatusOK, o)
}

// rowsLines returns the lines of the rows in the request; those that do not exist are left out.
func (s *Server) rowsLines(c echo.Context) error {
	asked := strings.Split(c.QueryParam("rows"), " ")
	if len(asked) > linesMost {
		return errs.New(errs.Invalid, "That is more than %d rows. Ask for fewer at a time.", linesMost)
	}
	v, found, _, _, err := s.rowsFound(c)
	if err != nil {
		return err
	}
	at := make(map[string]int, len(found))
	for i, f := range found {
		at[fmt.Sprint(f.image.N, ".", f.id())] = i
	}
	picked := make([]foundRow, 0, len(asked))
	for _, key := range asked {
		if i, ok := at[key]; ok {
			picked = append(picked, found[i])
		}
	}
	v.Lines = presentFound(c.Request().Context(), picked, len(v.Heads))
	return s.render(c, http.StatusOK, views.SheetLines(v))
}

// sheetEdits are changes that the script of the page sends: as JSON, since they may be thousands.
type sheetEdits struct {
	Group string      `json:"group"`
	Undo  bool        `json:"undo,omitempty"` // takes the group back
	Edits []sheetEdit `json:"edits,omitempty"`
}

// sheetEdit is one of them: edit.Request of image N.
type sheetEdit struct {
	N       int    `json:"n"`
	Do      string `json:"do"` // "cell", "accept", "add" or "delete"
	Reading int    `json:"reading"`
	Row     int    `json:"row"`
	Column  int    `json:"column"`
	Text    string `json:"text,omitempty"`
	Seen    string `json:"seen,omitempty"`
	To      int    `json:"to,omitempty"`
}

// sheetDone is the answer to sheetEdits.
type sheetDone struct {
	Done    int    `json:"done"`
	Refused []int  `json:"refused,omitempty"` // by index
	Problem string `json:"problem,omitempty"` // why the first of them was refused, a sentence
	Said    string `json:"said"`
}

// maxSheetEdits is the limit for the size of a request with changes.
const maxSheetEdits = 8 << 20

// rowsEdit carries out a group of changes, or takes it back.
func (s *Server) rowsEdit(c echo.Context) error {
	ctx, id := c.Request().Context(), batch.ID(c.Param("id"))
	var in sheetEdits
	if err := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, maxSheetEdits)).Decode(&in); err != nil {
		return errs.Wrap(err, errs.Invalid, "The change could not be read. Reload the page and try again.")
	}
	if in.Undo {
		undone, kept, err := s.edit.UndoGroup(ctx, id, in.Group, s.author(c))
		if err != nil {
			return err
		}
		out := sheetDone{Done: undone, Said: views.T(ctx, "sheet.undone")}
		if kept > 0 {
			out.Problem = views.T(ctx, "sheet.undone.kept", kept)
		}
		return c.JSON(http.StatusOK, out)
	}
	edits := make([]edit.ImageRequest, len(in.Edits))
	for i, e := range in.Edits {
		switch do := batch.EditKind(e.Do); do {
		case batch.EditCell, batch.EditAccept, batch.EditAdd, batch.EditDelete:
			edits[i] = edit.ImageRequest{N: e.N, Request: edit.Request{
				Do: do, By: s.author(c), Generation: e.Reading, Row: e.Row, Column: e.Column, Text: e.Text, Seen: e.Seen, To: e.To,
			}}
		default:
			return errs.New(errs.Invalid, "This cannot be done to a row. Reload the page and try again.")
		}
	}
	done, err := s.edit.EditGroup(ctx, id, in.Group, edits)
	if err != nil {
		return err
	}
	out := sheetDone{Done: done.Done, Said: views.T(ctx, "check.saved")}
	for i := range edits {
		if why, ok := done.Refused[i]; ok {
			if out.Refused = append(out.Refused, i); out.Problem == "" {
				_, out.Problem = s.classify(ctx, why)
			}
		}
	}
	if n := len(out.Refused); n > 1 {
		out.Problem = strconv.Itoa(n) + " × " + out.Problem
	}
	return c.JSON(http.StatusOK, out)
}
