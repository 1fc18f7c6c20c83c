package web_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"sheetlift/internal/web/api"
	"sheetlift/internal/web/api/apitest"
)

// contract is the OpenAPI document that every answer of these tests is held to.
var contract = sync.OnceValue(func() *apitest.Contract {
	d, err := api.NewDocument("test")
	if err != nil {
		panic(err)
	}
	data, err := d.JSON()
	if err != nil {
		panic(err)
	}
	c, err := apitest.New(data)
	if err != nil {
		panic(err)
	}
	return c
})

func TestTheDocumentHasEveryAddressForProgramsAndNoOther(t *testing.T) {
	t.Parallel()
	there := slices.DeleteFunc(newDeskWith(t, pool(t, "one"), "gemini").server.Routes(), func(r string) bool {
		return !strings.Contains(r, " /api/") && !strings.Contains(r, " /batch-") || strings.HasPrefix(r, "echo_")
	})
	var written []string
	ids := map[string]bool{}
	for _, op := range api.Operations() {
		written = append(written, op.Method+" "+op.Path)
		if ids[op.ID] || op.ID == "" || !strings.HasSuffix(op.Summary, ".") {
			t.Errorf("%s %s: id %q, %q", op.Method, op.Path, op.ID, op.Summary)
		}
		ids[op.ID] = true
	}
	slices.Sort(there)
	slices.Sort(written)
	if !slices.Equal(there, written) {
		t.Errorf("the document has\n%s\nthere is\n%s", strings.Join(written, "\n"), strings.Join(there, "\n"))
	}
}

func TestTheDocumentIsServedAndItsReferencesLeadSomewhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	res := d.serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/api/openapi.json", nil))
	data, _ := io.ReadAll(res.Body)
	var doc struct {
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(data, &doc); err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", res.StatusCode, err)
	}
	refs := regexp.MustCompile(`"#/components/schemas/(\w+)"`).FindAllSubmatch(data, -1)
	if len(refs) < 30 {
		t.Errorf("only %d references", len(refs))
	}
	for _, ref := range refs {
		if doc.Components.Schemas[string(ref[1])] == nil {
			t.Errorf("there is no %s", ref[1])
		}
	}
	for _, word := range []string{"secret", "weighed"} {
		if bytes.Contains(bytes.ToLower(data), []byte(word)) {
			t.Errorf("the document has %q", word)
		}
	}
}

func TestAnAnswerThatIsNotInTheDocumentIsFound(t *testing.T) {
	t.Parallel()
	kind := http.Header{"Content-Type": {"application/json"}}
	for name, body := range map[string]string{
		"a field of no meaning": `{"batches": [], "more": 1}`, "no list": `{}`, "no JSON": `{`, "a batch without fields": `{"batches": [{}]}`,
	} {
		if err := contract().Check("GET", "/api/v1/batches", 200, kind, []byte(body)); err == nil {
			t.Errorf("%s is taken for an answer", name)
		}
	}
	if err := contract().Check("GET", "/api/v1/batches", 200, kind, []byte(`{"batches": []}`)); err != nil {
		t.Error(err)
	}
	if err := contract().Check("GET", "/api/v1/batches", 202, kind, nil); err == nil {
		t.Error("another status is taken for an answer")
	}
}

func TestThePageForProgramsShowsEveryOperation(t *testing.T) {
	t.Parallel()
	page := newDesk(t, "tesseract").get("/api-docs")
	if page.status != http.StatusOK {
		t.Fatal(page.status)
	}
	for _, op := range api.Operations() {
		if !strings.Contains(page.body, op.Summary) {
			t.Errorf("%s %s is missing", op.Method, op.Path)
		}
	}
	for _, field := range []string{"retry_delay_ms", "images_per_minute", "Idempotency-Key", "separator", "comma | semicolon | tab"} {
		if !strings.Contains(page.body, field) {
			t.Errorf("the field %s is missing", field)
		}
	}
}
