package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/table"
)

// pageThrough reads a list page by page and returns the name of each entry; between, if there is one, is called after each page
// with the names so far.
func (d *desk) pageThrough(path, list string, limit int, name func(map[string]any) string, between func(all []string)) (all []string) {
	d.t.Helper()
	cursor := ""
	for {
		got := d.talk("GET", fmt.Sprintf("%s?limit=%d%s", path, limit, cursor), "")
		entries, _ := got.told[list].([]any)
		if got.status != http.StatusOK || len(entries) > limit {
			d.t.Fatalf("%s: %d with %d entries", path, got.status, len(entries))
		}
		for _, one := range entries {
			all = append(all, name(one.(map[string]any)))
		}
		next, more := got.told["next"].(string)
		if !more {
			return all
		}
		if len(entries) < limit {
			d.t.Fatalf("%s: %d entries, and more to come", path, len(entries))
		}
		cursor = "&cursor=" + next
		if between != nil {
			between(all)
		}
	}
}

func (d *desk) whole(path, list string, name func(map[string]any) string) (all []string) {
	d.t.Helper()
	got := d.talk("GET", path, "")
	for _, one := range got.told[list].([]any) {
		all = append(all, name(one.(map[string]any)))
	}
	if _, more := got.told["next"]; more {
		d.t.Errorf("%s: without a limit there is more to come", path)
	}
	return all
}

func idTold(one map[string]any) string    { return fmt.Sprint(one["id"]) }
func imageTold(one map[string]any) string { return fmt.Sprint(one["n"]) }
func rowTold(one map[string]any) string   { return fmt.Sprint(one["image"], "/", one["row"]) }

// rowed completes image n of a batch with so many rows.
func (d *desk) rowed(id batch.ID, n, rows int) {
	d.t.Helper()
	d.change(id, n, func(m *batch.Image) {
		m.Status, m.Rows, m.Issues, m.Checks = batch.Completed, make([]table.Row, rows), nil, table.Checks
	})
}

func TestPagesOfAnySizeHoldTheWholeList(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	for range 4 {
		d.draft("a")
	}
	b := d.started()
	for n, rows := range map[int]int{1: 3, 3: 0, 4: 4, 5: 1} {
		d.rowed(b.ID, n, rows)
	}
	here := "/batches/" + string(b.ID)
	for _, c := range []struct {
		path, list string
		name       func(map[string]any) string
		want       int
	}{{"/batches", "batches", idTold, 5}, {here + "/images", "images", imageTold, 4}, {here + "/rows", "rows", rowTold, 8}} {
		whole := d.whole(c.path, c.list, c.name)
		if len(whole) != c.want {
			t.Errorf("%s: %q", c.path, whole)
		}
		for limit := 1; limit <= c.want+1; limit++ {
			if paged := d.pageThrough(c.path, c.list, limit, c.name, nil); !slices.Equal(paged, whole) {
				t.Errorf("%s in pages of %d: %q, want %q", c.path, limit, paged, whole)
			}
		}
	}
}

func TestWhatComesAndGoesMeanwhileRepeatsAndSkipsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	for range 6 {
		d.draft("a")
	}
	before := d.whole("/batches", "batches", idTold)
	paged := d.pageThrough("/batches", "batches", 2, idTold, func(all []string) {
		d.talk("DELETE", "/batches/"+all[len(all)-1], "")
		d.draft("b")
	})
	if !slices.Equal(paged, before) {
		t.Errorf("batches: %q, want %q", paged, before)
	}

	of := d.draft("a", "b", "c", "d", "e", "f")
	paged = d.pageThrough("/batches/"+string(of.ID)+"/images", "images", 2, imageTold, func(all []string) {
		if err := d.service.Draft.RemoveImage(t.Context(), of.ID, len(all)); err != nil {
			t.Error(err)
		}
		if _, err := d.service.Draft.AddImages(t.Context(), of.ID, upload(len(all))); err != nil {
			t.Error(err)
		}
	})
	if !slices.Equal(paged[:6], []string{"1", "2", "3", "4", "5", "6"}) || len(slices.Compact(slices.Sorted(slices.Values(paged)))) != len(paged) {
		t.Errorf("images: %q", paged)
	}

	b := d.started()
	d.rowed(b.ID, 1, 1)
	d.rowed(b.ID, 3, 4)
	paged = d.pageThrough("/batches/"+string(b.ID)+"/rows", "rows", 2, rowTold, func([]string) {
		d.rowed(b.ID, 1, 2) // before the page that was sent
		d.rowed(b.ID, 5, 4)
	})
	if want := []string{"1/1", "3/1", "3/2", "3/3", "3/4", "5/1", "5/2", "5/3", "5/4"}; !slices.Equal(paged, want) {
		t.Errorf("rows: %q", paged)
	}
}

func upload(n int) draft.Upload {
	return draft.Upload{ID: fmt.Sprintf("later-%03d", n), Filename: "later.jpg", Body: strings.NewReader(fmt.Sprint("later", n))}
}

func TestALimitOrCursorThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	d.draft("a")
	here := "/batches/" + string(d.started().ID)
	batches := d.talk("GET", "/batches?limit=1", "").told["next"].(string)
	images := d.talk("GET", here+"/images?limit=1", "").told["next"].(string)
	for query, at := range map[string]string{
		"/batches?limit=0": "query.limit", "/batches?limit=1001": "query.limit", here + "/images?limit=x": "query.limit", here + "/rows?limit=-1": "query.limit",
		"/batches?cursor=x": "query.cursor", "/batches?cursor=" + images: "query.cursor", here + "/images?cursor=" + batches: "query.cursor", here + "/rows?cursor=" + images: "query.cursor",
		here + "/images?cursor=" + "aW1hZ2VzLi0xLjA": "query.cursor", // images.-1.0
	} {
		if got := d.talk("GET", query, ""); got.status != http.StatusUnprocessableEntity || got.told["location"] != at || got.told["code"] != "invalid" {
			t.Errorf("%s: %d %v", query, got.status, got.told)
		}
	}
}
