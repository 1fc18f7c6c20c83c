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

// everyPage is each page and fragment in each state, with text wherever people's or engines' words are shown.
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
		Cells:  [][]views.Cell{{{Text: text}, {Text: text, State: "guessed", Why: text, ID: "c-1-2"}}, {{State: "unreadable"}, {State: "blank"}}, {{Text: text, State: "edited"}, {Text: text, State: "rule"}}},
		Doubts: []views.Doubt{{Row: 1, Column: text, Message: text, Target: "c-1-2"}, {Row: 1, Message: text}, {Message: text}}, Text: text}
	failed := image
	failed.Row, failed.Cells = live.Rows[4], nil
	waiting := image
	waiting.Row, waiting.Cells = live.Rows[1], nil
	keys := views.Keys{Shell: shell, Reader: reader, Now: now, Next: now.Add(time.Minute), Waiting: 3, Down: true, Events: []views.Event{{At: now, Key: text, Class: text, Text: text}}}
	for _, s := range []string{"ready", "resting", "spent", "refused", "off"} {
		keys.Keys = append(keys.Keys, views.Key{Label: text, Project: text, Shares: []string{text, text}, State: s, Class: "key_fixable", Reason: text, Back: now.Add(time.Minute), Share: 0.2, Calls: 3, Success: 0.5, Latency: time.Second, PerMinute: 15, PerDay: 250, LastMinute: 2, Today: 9})
	}
	uploader := views.Uploader{Next: 1, MaxImages: 1000, MaxBytes: 25 << 20}
	more := views.Uploader{Batch: "/batches/x", Images: shots, Next: 5, MaxImages: 1000, MaxBytes: 25 << 20}
	recent := []views.Recent{{URL: "/b", Name: text, Progress: progress, Created: now}, {URL: "/b", Name: text, Draft: true, Progress: views.Progress{Status: "draft", Total: 2}, Created: now}, {URL: "/b", Name: text, Progress: ended.Progress, Created: now}}
	return map[string]templ.Component{
		"start":          views.StartPage(views.Start{Shell: shell, Uploader: uploader, Reader: reader, Recent: recent, More: 3, Now: now}),
		"start, first":   views.StartPage(views.Start{Uploader: uploader, Reader: views.Reader{Engine: "tesseract"}, Now: now}),
		"start, nothing": views.StartPage(views.Start{Uploader: uploader, Reader: views.Reader{Problem: text}, Now: now}),
		"pictures":       views.PicturesPage(views.Pictures{Shell: shell, URL: "/batches/x", Name: text, Uploader: more, Reader: reader}),
		"names":          views.NamesPage(views.Names{Shell: shell, URL: "/batches/x", Name: text, Images: shots, Problem: text}),
		"names, count":   views.NamesCount(3),
		"columns":        views.ColumnsPage(columns),
		"columns, ready": views.ColumnsPage(preset),
		"columns, part":  views.ColumnsChanged(columns),
		"live":           views.LivePage(live),
		"live, ended":    views.LivePage(ended),
		"live, head":     views.LiveHead(live),
		"live, row":      views.LiveRow(live.Rows[4]),
		"live, rows":     views.LiveRows(live.Rows),
		"image":          views.ImagePage(image),
		"image, failed":  views.ImagePage(failed),
		"image, waiting": views.ImagePage(waiting),
		"keys":           views.KeysPage(keys),
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
