package web_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/web/api"
)

func TestTheDocumentationTellsWhatEachCodeOfAnErrorMeans(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "\n## Errors\n")
	part, _, _ = strings.Cut(part, "\n## ")
	var written []api.Code
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(part, -1) {
		written = append(written, api.Code(row[1]))
	}
	if !slices.Equal(written, api.Codes()) {
		t.Errorf("docs/api.md has %q, there are %q", written, api.Codes())
	}
}

func TestWhatAProgramAsksWronglyIsNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.started()
	draft := d.draft("a")
	here := "/batches/" + string(b.ID)
	for _, c := range []struct {
		method, path, body string
		code               int
		says               string
		kind, at           string
	}{
		{"POST", "/batches", `{"colour": "red"}`, 422, "colour", "unknown_field", "body.colour"},
		{"POST", "/batches", `{"at_once": "many"}`, 422, "at_once", "wrong_type", "body.at_once"},
		{"POST", "/batches", `{"at_once": 99}`, 422, "1 to 64", "invalid", "body.at_once"},
		{"POST", "/batches", `{"preset": "songs"}`, 422, "inventory, receipt or any", "invalid", "body.preset"},
		{"POST", "/batches", `{"preset": "any", "columns": [{"name": "x", "type": "text"}]}`, 422, "not both", "invalid", ""},
		{"POST", "/batches", `{"priority": "urgent"}`, 422, "high, normal or low", "invalid", "body.priority"},
		{"POST", "/batches", `{"engine": "abacus"}`, 422, "cannot read here", "invalid", "body.engine"},
		{"POST", "/batches", `{}{}`, 422, "more than one", "not_json", ""},
		{"POST", "/batches", `{`, 422, "JSON", "not_json", ""},
		{"POST", "/batches", strings.Repeat(" ", 2<<20), 413, "larger", "too_large", ""},
		{"POST", "/batches", `{"columns": [{"name": "A", "type": "text"}, {"name": "B", "type": "colour"}]}`, 422, "unknown type", "invalid", "body.columns[1].type"},
		{"POST", "/batches", `{"columns": [{"name": "A", "type": "text"}, {"name": "a", "type": "text"}]}`, 422, "same name", "invalid", "body.columns[1].name"},
		{"POST", "/batches", `{"retry_delay_ms": -1}`, 422, "retry delay", "invalid", "body.retry_delay_ms"},
		{"POST", "/batches", `{"model": "a b"}`, 422, "name of a model", "invalid", "body.model"},
		{"PATCH", here, `{"decimal": {"Quantity": "dot"}}`, 422, "", "invalid", "body.decimal"},
		{"PATCH", here, `{"name": " "}`, 422, "needs a name", "invalid", "body.name"},
		{"PUT", "/batches/" + string(draft.ID) + "/images/short", "x", 422, "8 to 64", "invalid", "path.upload"},
		{"PUT", "/batches/" + string(draft.ID) + "/images/upload-01?position=x", "x", 422, "position", "invalid", "query.position"},
		{"GET", here + "/rows.csv?separator=dot", "", 422, "semicolon", "invalid", "query.separator"},
		{"PUT", "/batches", "", 405, "kind of request", "method_not_allowed", ""},
		{"GET", "/batches/nothing", "", 404, "nothing here", "not_found", ""},
		{"PATCH", here, `{"keep": "an age"}`, 422, "an hour to ten years", "invalid", "body.keep"},
		{"PATCH", here + "/images/1", `{"priority": "now"}`, 422, "high, normal or low", "invalid", "body.priority"},
		{"PATCH", here + "/images/9", `{"priority": "high"}`, 404, "", "not_found", ""},
		{"GET", here + "/images/x", "", 404, "", "not_found", ""},
		{"POST", here + "/images/4/retry", `{"images": [4]}`, 422, "leave images out", "invalid", "body.images"},
		{"POST", here + "/unschedule", "", 409, "started already", "conflict", ""},
		{"POST", "/batches/" + string(draft.ID) + "/pause", "", 409, "not started yet", "conflict", ""},
		{"POST", "/batches/" + string(draft.ID) + "/start", `{"start_at": "soon"}`, 422, "start_at", "invalid", "body.start_at"},
		{"POST", "/batches/" + string(draft.ID) + "/start", `{"start_at": "2040-01-01T00:00:00Z"}`, 422, "year ahead", "invalid", "body.start_at"},
	} {
		code, answer := d.call(c.method, c.path, c.body)
		if detail, _ := answer["detail"].(string); code != c.code || !strings.Contains(detail, c.says) {
			t.Errorf("%s %s %.40s: %d %q, want %d with %q", c.method, c.path, c.body, code, detail, c.code, c.says)
		}
		if at, _ := answer["location"].(string); answer["code"] != c.kind || at != c.at {
			t.Errorf("%s %s %.40s: %v at %q, want %s at %q", c.method, c.path, c.body, answer["code"], at, c.kind, c.at)
		}
	}
}
