package views_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/a-h/templ"

	"sheetlift/views"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.Local)

var statuses = []string{"pending", "processing", "retrying", "completed", "failed", "canceled"}

// everyPage returns each page and fragment in each state, with text in every place for words of people or engines.
func everyPage(text string) map[string]templ.Component {
	shell := views.Shell{Nav: "batches", Keys: views.Ready{Now: 1, Total: 2}, SignedIn: true}
	shots := []views.Shot{{N: 1, Place: 1, Name: text, Filename: text, Thumb: "/t", Picture: "/p", Notes: []string{text}}, {N: 4, Place: 2, Name: text, Filename: text, Thumb: "/t", Picture: "/p"}}
	reader := views.Reader{Engine: "gemini", Model: text, Keys: shell.Keys}
	progress := views.Progress{Status: "processing", Total: 12, Completed: 3, Failed: 2, Retrying: 1, Canceled: 1, Processing: 2, Pending: 3, Rows: 1400, Issues: 5, Calls: 9, Tokens: 12345, USD: 0.4, PerMinute: 12.4, Left: 3 * time.Minute, AtOnce: 5}
	live := views.Live{Shell: shell, URL: "/batches/x", Name: text, Progress: progress, Engine: "gemini", Model: text, Columns: "own"}
	tries := []views.Try{{Status: "retrying", Text: text, Key: text}, {Status: "canceled"}, {Status: "failed", Text: text, Engine: "tesseract"}, {Status: "processing", Key: text}, {Status: "completed", Took: time.Second}}
	for i, s := range statuses {
		live.Rows = append(live.Rows, views.Row{URL: "/batches/x/images/1", Batch: "/batches/x", N: i + 1, Place: i + 1, Name: text, Filename: text, Status: s, Tries: tries, Note: text, Key: text, Took: time.Minute, Rows: 3, Issues: i, Again: now})
	}
	ended := live
	ended.Progress.Status, ended.Progress.Took = "completed", time.Hour
	columns := views.Columns{Shell: shell, URL: "/batches/x", Images: 2, Choice: "own", Choices: []string{"inventory", "receipt", "any", "own"}, Single: true, Columns: []views.Column{{Name: text, Type: "choice", Description: text, Choices: text, Required: true, Bad: true}, {Name: text, Type: "text", Focus: true}}, Engines: []string{"", "gemini", "tesseract"}, AtOnce: text, Retries: text, Reader: reader, Example: shots[0], Problem: text}
	preset := columns
	preset.Choice, preset.Engines, preset.Problem = "inventory", nil, ""
	image := views.Image{Shell: shell, Batch: "/batches/x", BatchName: text, Row: live.Rows[3], Picture: "/p", Width: 10, Height: 20, Notes: []string{text}, Total: 3, Previous: "/a", Heads: []views.Head{{Name: text}, {Name: text, Numeric: true}},
		Lines: []views.Line{{ID: 1, Key: "r-1-1", N: 1, Sum: "s", Box: "1 2 3 4", Cells: []views.Cell{{Text: text, ID: "c-1-1-1"}, {Text: text, State: "guessed", Why: text, ID: "c-1-1-2", Box: "1 2 3 4"}}},
			{ID: 2, Key: "r-1-2", N: 2, Cells: []views.Cell{{State: "unreadable", ID: "c-1-2-1"}, {State: "blank", ID: "c-1-2-2"}}}, {ID: 3, Key: "r-1-3", N: 3, Cells: []views.Cell{{Text: text, State: "edited", ID: "c-1-3-1"}, {Text: text, State: "rule", ID: "c-1-3-2"}}}, {ID: 4, Key: "r-1-4", N: 4, Cells: []views.Cell{{Text: text, State: "accepted", ID: "c-1-4-1"}, {}}}},
		Doubts: []views.Doubt{{Row: 1, Column: text, Message: text, Target: "c-1-1-2", RowID: 1, At: 1, Seen: text}, {Row: 1, Message: text, Settles: text}, {Message: text, Settles: text}}, Text: text,
		Me: text, CanUndo: true, CheckedImages: 2, Outdated: 2, Now: now, Problem: text, Said: text}
	for _, kind := range []string{"cell", "accept", "add", "delete", "move", "check", "uncheck", "undo"} {
		image.History = append(image.History, views.Edit{Kind: kind, Row: 1, Column: text, Was: text, By: text, At: now, Undone: kind == "add", Old: kind == "move"}, views.Edit{Kind: kind, By: text, At: now})
	}
	form := image.Lines[0]
	image.Form, image.EditConflict = &form, &views.EditConflict{Message: text, Cell: true, Now: text, By: text, Mine: text}
	checked := image
	checked.CheckedBy, checked.EditConflict, checked.Form, checked.History = text, &views.EditConflict{Message: text, Mine: text}, nil, nil
	for i := range image.Lines {
		image.Lines[i].Image, image.Lines[i].URL = text, "/i"
	}
	rows := views.Rows{Shell: shell, Batch: "/batches/x", URL: "/batches/x/rows", Name: text, Images: 3, Checked: 1, All: 400, Doubtful: 2, Found: 300, Query: text, Image: 1, Tab: views.TabDoubts, Sort: "-1", Page: 1, Pages: 3, Heads: image.Heads, Lines: image.Lines,
		Pictures: shots, Find: views.Find{Text: text, With: text, Column: text, Counted: true, Cells: 2, Images: 1, Examples: []views.Edit{{Was: text, Now: text}, {Was: text}}}, Said: text, Group: "g", Me: text, Unclear: views.Unclear{Cells: 2, Example: text, Day: text, Month: text + "."}}
	rows.Marks = []views.UnclearMark{{Column: text, Cells: 2, Example: text, Point: text, Comma: text}, {Column: text, Cells: 2, Example: text, Point: text, Comma: text, Said: "comma"}, {Column: text, Cells: 2, Example: text, Point: text, Comma: text, Said: "point", Disproved: true}}
	none := rows
	none.Lines, none.Page = nil, 0
	failed := image
	failed.Row, failed.Lines = live.Rows[4], nil
	waiting := image
	waiting.Row, waiting.Lines = live.Rows[1], nil
	keys := views.Keys{Shell: shell, Reader: reader, Now: now, Next: now.Add(time.Minute), Waiting: 3, Down: true, Wire: true, Keeps: true, Events: []views.Event{{At: now, Key: text, Class: text, Text: text}}}
	lately := make([]views.Tally, 60)
	lately[3], lately[59] = views.Tally{Good: 4, Bad: 1}, views.Tally{Good: 1}
	errs := []views.Failure{{Class: "rpm", Text: text, Count: 3, First: now.Add(-48 * time.Hour), Last: now}, {Class: text, Text: text, Count: 1, First: now, Last: now}, {Class: "new", Count: 1}}
	for _, s := range []string{"ready", "due", "resting", "spent", "refused", "off"} {
		keys.Keys = append(keys.Keys, views.Key{Lately: lately, Failures: errs, Added: s == "ready", Label: text, Project: text, Shares: []string{text, text}, State: s, Class: "key_fixable", Reason: text, Back: now.Add(time.Minute), Share: 0.2, Calls: 3, Ended: 3, Good: 2, Latency: time.Second, PerMinute: 15, PerDay: 250, LastMinute: 2, Today: 9})
	}
	uploader := views.Uploader{Next: 1, MaxImages: 1000, MaxBytes: 25 << 20}
	more := views.Uploader{Batch: "/batches/x", Images: shots, Next: 5, MaxImages: 1000, MaxBytes: 25 << 20}
	recent := []views.Recent{{URL: "/b1", Name: text, Progress: progress, Created: now}, {URL: "/b2", Name: text, Draft: true, Progress: views.Progress{Status: "draft", Total: 2}, Created: now}, {URL: "/b3", Name: text, Progress: ended.Progress, Created: now}}
	return map[string]templ.Component{
		"start":          views.StartPage(views.Start{Shell: shell, Uploader: uploader, Reader: reader, Recent: recent, More: 3, Now: now}),
		"start, first":   views.StartPage(views.Start{Uploader: uploader, Reader: views.Reader{Engine: "tesseract"}, Now: now}),
		"start, nothing": views.StartPage(views.Start{Uploader: uploader, Reader: views.Reader{Problem: text}, Now: now}),
		"pictures":       views.PicturesPage(views.Pictures{Shell: shell, URL: "/batches/x", Name: text, Uploader: more, Reader: reader}),
		"names":          views.NamesPage(views.Names{Shell: shell, URL: "/batches/x", Name: text, Images: shots, Problem: text}),
		"columns":        views.ColumnsPage(columns),
		"columns, ready": views.ColumnsPage(preset),
		"columns, part":  views.ColumnsChanged(columns),
		"live":           views.LivePage(live),
		"live, ended":    views.LivePage(ended),
		"live, head":     views.LiveHead(live),
		"live, row":      views.LiveRow(live.Rows[4]),
		"live, rows":     views.LiveRows(live.Rows...),
		"names, out":     views.NamesPage(views.Names{Shell: shell, URL: "/batches/x", Name: text, Show: "out", Out: shots, Column: text}),
		"columns, trial": views.PreviewResult(views.Preview{N: 1, Image: image, Engine: "gemini", Model: text, Took: time.Second}),
		"image":          views.ImagePage(image),
		"image, failed":  views.ImagePage(failed),
		"image, checked": views.ImagePage(checked),
		"rows":           views.RowsPage(rows),
		"rows, none":     views.RowsPage(none),
		"image, waiting": views.ImagePage(waiting),
		"keys":           views.KeysPage(keys),
		"keys, now":      views.KeysNow(keys),
		"keys, none":     views.KeysPage(views.Keys{Reader: views.Reader{Engine: "tesseract"}}),
		"login":          views.Login(views.SignIn{Next: "/" + text, Problem: text}),
		"error":          views.ErrorPage(views.Problem{Status: 404, Title: text, Detail: text, RequestID: text}),
		"note":           views.ErrorNote(views.Problem{Detail: text}),
	}
}

func html(t *testing.T, page templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
