package web_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
	"sheetlift/internal/web"
)

func TestFirstPageSaysWhoReadsAndWhy(t *testing.T) {
	t.Parallel()
	offline := newDesk(t, "tesseract").get("/")
	offline.has(t, 200, "Tesseract, on this machine", "GEMINI_API_KEY_1=…", "Pictures stay on this machine", "No batch yet", "Reads offline")
	keyed := newDeskWith(t, pool(t, "one", "two"), "gemini", "tesseract").get("/")
	keyed.has(t, 200, "Google Gemini through 2 keys", "2 of 2 keys ready", "sent to Google Gemini")
	newDesk(t).get("/").has(t, 200, "Nothing can read pictures here yet", "cannot read here. Choose another one.")
	neural := newDeskOf(t, web.Config{Neural: "reads"}, nil, "tesseract").get("/")
	neural.has(t, 200, "The neural reader, on this machine", "GEMINI_API_KEY_1=…")
	neural.lacks(t, "Tesseract, on this machine")
	broken := newDeskOf(t, web.Config{Neural: "broken"}, nil, "tesseract").get("/")
	broken.has(t, 200, "Tesseract, on this machine", "The neural reader does not work on this machine; the log says why.")
}

func TestKeysPageShowsLabelsAndNeverValues(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, pool(t, "front office", "<b>bold</b>"), "gemini")
	page := d.get("/keys")
	page.has(t, 200, "front office", "&lt;b&gt;bold&lt;/b&gt;", "Ready", "No call was made yet.")
	page.lacks(t, "canary", "<b>bold</b>")
	newDesk(t, "tesseract").get("/keys").has(t, 200, "No Gemini key is set", "How to add keys", "GEMINI_API_KEY_1=…")
}

func TestFirstPageListsBatchesWithTheirState(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a", "b")
	d.get("/").has(t, 200, "November", "Not started", "2 pictures", "/batches/"+string(b.ID))
}

func TestNamesAreKeptOneByOneAndAllAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a", "b", "c")
	url0 := "/batches/" + string(b.ID)
	d.get(url0).has(t, 200, "Name your 3 pictures", `name="name-1"`, `value="a"`, "b.jpg")
	d.htmx(url0+"/names", url.Values{"name-2": {"Second"}}).has(t, 204)
	if got := d.image(b.ID, 2).Name; got != "Second" {
		t.Errorf("the name is %q", got)
	}
	d.post(url0+"/names", url.Values{"name-1": {"First"}, "name-2": {"Second"}, "name-3": {""}, "name-9": {"gone"}, "batch": {"December"}}).goesTo(t, url0+"?step=columns")
	if got := d.image(b.ID, 1).Name + d.image(b.ID, 3).Name + d.stored(b.ID).Name; got != "FirstcDecember" {
		t.Errorf("the names are %q", got)
	}
}

func TestNamesStayTypedAfterAnError(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a", "b")
	got := d.post("/batches/"+string(b.ID)+"/names", url.Values{"name-1": {`Hall "A"`}, "batch": {"   "}})
	got.has(t, 422, `value="Hall &#34;A&#34;"`, "A batch needs a name", `value="b"`)
}

func TestLeavingAPictureOutKeepsTheNamesTypedBesideIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a", "b", "c")
	url0 := "/batches/" + string(b.ID)
	page := d.post(url0+"/images/2/out", url.Values{"name-1": {"First"}, "name-2": {"Second"}})
	page.has(t, 200, "Name your 2 pictures", `name="name-3"`, "1 is left out")
	page.lacks(t, `name="name-2"`)
	if got := d.image(b.ID, 1).Name; got != "First" {
		t.Errorf("the name is %q", got)
	}
	d.get(url0+"?step=names&show=out").has(t, 200, "Second", "Take in again")
	d.htmx(url0+"/images/2/out", url.Values{}).has(t, 200, "1 is left out") // pressed twice
	d.post(url0+"/images/2/in", url.Values{}).has(t, 200, "Name your 3 pictures", `name="name-2"`)
}

func TestManyNamesAreGivenAtOnceAndTakenBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a", "b", "c")
	url0 := "/batches/" + string(b.ID)
	d.post(url0+"/names/pattern", url.Values{"pattern": {"Room-{n:03}"}, "from": {"9"}, "name-1": {"typed"}}).
		has(t, 200, `value="Room-009"`, `value="Room-011"`, "3 names were changed", `name="was-1" value="typed"`)
	d.post(url0+"/names/pattern", url.Values{"pattern": {"{room}"}}).has(t, 422, "{room} means nothing", `value="{room}"`, `value="Room-009"`)
	d.post(url0+"/names/undo", url.Values{"was-1": {"typed"}, "was-9": {"gone"}}).has(t, 200, `value="typed"`)
	d.post(url0+"/names/replace", url.Values{"find": {"room-0"}, "with": {"Hall "}}).has(t, 200, `value="Hall 10"`, `value="typed"`)
	d.post(url0+"/names/paste", url.Values{"column": {"one\r\n\r\nthree\r\n"}}).has(t, 200, `value="one"`, `value="Hall 10"`, `value="three"`)
	d.post(url0+"/order", url.Values{"sort": {"name"}}).has(t, 200)
	d.post(url0+"/images/3/move?before=2", url.Values{}).has(t, 200)
	images, err := d.service.Batches.Images(t.Context(), b.ID)
	if err != nil || len(images) != 3 || images[0].N != 3 || images[1].N != 2 || images[2].N != 1 {
		t.Errorf("the order is not that of a person: %v", err)
	}
}

func TestADraftWithoutPicturesAsksForThem(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft()
	d.get("/batches/"+string(b.ID)+"?step=columns").has(t, 200, "Drop your pictures here", `data-next="1"`)
	full := d.draft("a", "b")
	d.get("/batches/"+string(full.ID)+"?step=pictures").has(t, 200, "Drop more pictures here", `data-next="3"`, `data-here="2"`)
}

func TestColumnsArePutTogetherWithoutScriptsAndWith(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini", "tesseract")
	b := d.draft("a")
	path := "/batches/" + string(b.ID) + "/columns"
	a, c := [4]string{"Shelf", "text", "", ""}, [4]string{"State", "choice", "how it is", "new, , old"}
	for _, send := range []func(string, url.Values) answer{d.post, d.htmx} {
		for _, step := range []struct {
			do   string
			want []string
		}{
			{"add", []string{"Shelf", "State", ""}}, {"up-1", []string{"State", "Shelf"}}, {"down-0", []string{"State", "Shelf"}},
			{"remove-0", []string{"State"}}, {"up-0", []string{"Shelf", "State"}}, {"down-7", []string{"Shelf", "State"}}, {"remove--1", []string{"Shelf", "State"}},
		} {
			got := send(path, own(step.do, a, c))
			got.has(t, 200, `id="columns"`)
			if !slices.Equal(named(got), step.want) {
				t.Errorf("%s gives %q, want %q", step.do, named(got), step.want)
			}
		}
	}
	d.htmx(path, own("", a, c)).has(t, 200, `hx-target="#estimate"`)
	want := table.Table{Columns: []table.Column{{Name: "Shelf", Type: table.Text, Required: true}, {Name: "State", Type: table.Choice, Description: "how it is", Choices: []string{"new", "old"}}}}
	if got := d.stored(b.ID).Table; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the draft has %v, want %v", got, want)
	}
	d.get("/batches/"+string(b.ID)+"?step=columns").has(t, 200, `value="new, old"`, `id="preset-own" value="own" checked`, "Whichever is ready")
}

func TestReadyMadeColumnsAreChangedInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a")
	form := url.Values{"preset": {"receipt"}, "from": {"receipt"}, "do": {"own"}, "at_once": {"5"}, "retries": {"3"}, "engine": {""}}
	d.ask("POST", "/batches/"+string(b.ID)+"/columns", form, "Accept-Language", "fr", "HX-Request", "true").has(t, 200, `value="company"`, `value="Le nom de la société`)
}

func TestChoosingOtherColumnsShowsThem(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a")
	path := "/batches/" + string(b.ID) + "/columns"
	form := func(from, to, do string) url.Values {
		return url.Values{"from": {from}, "preset": {to}, "do": {do}, "at_once": {"5"}, "retries": {"3"}}
	}
	got := d.htmx(path, form("inventory", "receipt", ""))
	got.has(t, 200, "company", "total", `value="receipt" checked`)
	if d.stored(b.ID).Table.Preset != "receipt" {
		t.Error("the choice was not kept")
	}
	got = d.htmx(path, form("receipt", "receipt", "own"))
	got.has(t, 200, `value="own" checked`, `name="single"`)
	if !slices.Equal(named(got), []string{"company", "date", "address", "total"}) {
		t.Errorf("the receipt's columns became %q", named(got))
	}
	if kept := d.stored(b.ID).Table; kept.Preset != "" || !kept.Single || len(kept.Columns) != 4 {
		t.Errorf("the draft has %+v", kept)
	}
	got = d.htmx(path, form("any", "own", ""))
	if !slices.Equal(named(got), []string{""}) {
		t.Errorf("own columns begin with %q", named(got))
	}
	d.get("/batches/"+string(b.ID)+"?step=columns").lacks(t, "Whichever is ready") // with one engine there is no choice
}

func TestAPersonSaysOnceWhatDatesInNumbersMean(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a")
	path := "/batches/" + string(b.ID) + "/columns"
	d.get("/batches/"+string(b.ID)+"?step=columns").lacks(t, "03/04/2026") // no date column
	form := url.Values{"from": {"inventory"}, "preset": {"receipt"}, "at_once": {"5"}, "retries": {"3"}}
	d.htmx(path, form).has(t, 200, "A date such as 03/04/2026", `<option value="" selected>`)
	form.Set("from", "receipt")
	form.Set("dates", "day")
	d.htmx(path, form).lacks(t, `id="columns"`) // only what the page shows of its time
	orders := func() (all []table.DateOrder) {
		for _, c := range d.stored(b.ID).Table.Columns {
			all = append(all, c.Dates)
		}
		return all
	}
	if got := orders(); !slices.Equal(got, []table.DateOrder{"", table.DayFirst, "", ""}) {
		t.Errorf("the draft has %q", got)
	}
	d.get("/batches/"+string(b.ID)+"?step=columns").has(t, 200, `value="receipt" checked`, `<option value="day" selected>`)
	each := own("", [4]string{"from", "date", "", ""}, [4]string{"to", "date", "", ""})
	each["order"], each["dates"] = []string{"day", "month"}, []string{"each"}
	d.htmx(path, each).has(t, 200)
	if got := orders(); !slices.Equal(got, []table.DateOrder{table.DayFirst, table.MonthFirst}) {
		t.Errorf("two orders became %q", got)
	}
	d.get("/batches/"+string(b.ID)+"?step=columns").has(t, 200, `<option value="each" selected>`, `name="order" value="month"`)
	form.Set("do", "own") // edited presets keep the chosen order of dates
	d.htmx(path, form).has(t, 200, `<option value="day" selected>`)
	if got := orders(); !slices.Equal(got, []table.DateOrder{"", table.DayFirst, "", ""}) {
		t.Errorf("own columns have %q", got)
	}
}

func TestColumnsStayTypedAfterAnError(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a")
	path := "/batches/" + string(b.ID)
	got := d.post(path+"/start", own("", [4]string{"Shelf <1>", "number", "count", ""}, [4]string{"", "text", "", ""}))
	got.has(t, 422, "Column 2 has no name", `value="Shelf &lt;1&gt;"`, `value="count"`, `aria-invalid="true"`)
	form := own("", [4]string{"Shelf", "text", "", ""})
	form.Set("at_once", "many")
	d.post(path+"/start", form).has(t, 422, "Pictures at once", `value="many"`, `value="Shelf"`)
	form.Set("at_once", "65")
	d.post(path+"/start", form).has(t, 422, "choose a number from 1 to 64", `value="65"`)
	form.Set("at_once", "4")
	form.Set("engine", "gemini")
	d.post(path+"/start", form).has(t, 422, "cannot read here", `value="Shelf"`)
	if d.stored(b.ID).Status != batch.Draft {
		t.Error("a batch with a wrong form was started")
	}
	form.Set("engine", "tesseract")
	d.post(path+"/start", form).goesTo(t, path)
	if now := d.stored(b.ID); now.Status != batch.Processing || now.Options.AtOnce != 4 || now.Engine != "tesseract" {
		t.Errorf("started as %+v", now)
	}
	d.post(path+"/start", form).goesTo(t, path) // pressed twice
}

func TestAChosenModelStaysUnlessTheFormChoosesAnother(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, pool(t, "key 1"), "gemini", "tesseract")
	b := d.draft("a")
	path := "/batches/" + string(b.ID) + "/columns"
	if _, err := d.service.Settings.SetModel(t.Context(), b.ID, "gemini-9", "high"); err != nil {
		t.Fatal(err)
	}
	keeps := func(what, model, thinking string, atOnce int) {
		t.Helper()
		if now := d.stored(b.ID); now.Model != model || now.Thinking != thinking || now.Options.AtOnce != atOnce {
			t.Errorf("%s: model %q, thinking %q, %d at once", what, now.Model, now.Thinking, now.Options.AtOnce)
		}
	}
	form := own("add", [4]string{"Shelf", "text", "", ""}, [4]string{"Count", "number", "", ""})
	form.Set("do", "remove-1")
	form.Set("at_once", "6")
	const field, chosen = `<select name="model"`, `<option value="gemini-9 high" selected>`
	d.post(path, form).lacks(t, field)
	keeps("no model can be chosen", "gemini-9", "high", 6)

	d.offers = []web.Offer{{ID: "gemini-9", Thinking: []string{"low", "high"}}}
	form.Set("engine", "tesseract")
	form.Set("model", "gemini-9 high")
	d.post(path, form).lacks(t, field)
	form.Del("model") // as the page has it now
	form.Set("engine", "gemini")
	d.post(path, form).has(t, 200, field, chosen)
	keeps("offline and back", "gemini-9", "high", 6)

	form.Set("model", "gemini-10")
	form.Set("at_once", "65")
	d.htmx(path, form)
	keeps("a wrong number beside another model", "gemini-9", "high", 6)
	form.Set("model", "not a/model")
	form.Set("at_once", "7")
	d.htmx(path, form)
	keeps("a wrong model beside another number", "gemini-9", "high", 6)

	form.Set("model", "")
	d.htmx(path, form)
	keeps("that of the settings", "", "", 7)
}

func TestLivePageShowsEveryImageAsItStands(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	page := d.get("/batches/" + string(b.ID))
	page.has(t, 200, "<b>1</b> of 4 read", "1 needs you", `data-connect="/batches/`+string(b.ID)+`/events"`, `http-equiv="refresh"`,
		"25 % · November", "The picture shows no table.", "The answer was cut off.", "18 s", "Excel so far", "Retry the failed one", "Try 1 by key 2: The answer was cut off.",
		`id="row-1"`, `id="row-3"`, `id="row-4"`, `id="row-5"`, "1 completed, 1 retrying, 1 failed, 0 canceled, 0 processing, 1 pending", "line break event: x")
	page.lacks(t, `id="row-2"`, "\r")
	if n := strings.Count(page.body, `role="status"`); n != 1 {
		t.Errorf("%d live regions, want 1", n)
	}
}

func TestDeltaRendersOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	source := d.server.LiveSource(b.ID)
	rows, head, err := source.Delta(t.Context(), []string{"", "3", "4", "2", "99", "x"})
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(rows)); !slices.Equal(got, []string{"3", "4"}) {
		t.Fatalf("rows %q, want those of images 3 and 4", got)
	}
	row := string(rows["4"])
	for _, want := range []string{"\n" + `<tr id="row-4"`, `class="is-failed flash"`, "/images/4/retry", `<td class="c-n num">3</td>`} {
		if !strings.Contains(row, want) {
			t.Errorf("the row lacks %q: %s", want, row)
		}
	}
	for _, want := range []string{`hx-target="#progress"`, `hx-target="#filters"`, `hx-target="#retry-all"`, `hx-target="#actions"`, "<b>1</b> of 4 read"} {
		if strings.Count(string(head), want) != 1 {
			t.Errorf("the head has %q %d times, want once", want, strings.Count(string(head), want))
		}
	}
	if strings.Contains(string(head)+row+string(rows["3"]), "\r") {
		t.Error("a carriage return reached the stream")
	}
}

func TestSnapshotIsAllRowsAndTheHead(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	all, err := d.server.LiveSource(b.ID).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n" + `<tr id="row-1"`, "\n" + `<tr id="row-3"`, "\n" + `<tr id="row-4"`, "\n" + `<tr id="row-5"`, `hx-target="#progress"`} {
		if strings.Count(string(all), want) != 1 {
			t.Errorf("%q stands %d times, want once", want, strings.Count(string(all), want))
		}
	}
	if strings.Contains(string(all), "\r") || strings.Contains(string(all), "flash") {
		t.Error("a snapshot flashes, or has a carriage return")
	}
	gone, err := d.server.LiveSource("nothing").Snapshot(t.Context())
	if err != nil || !strings.Contains(string(gone), "This batch was deleted.") {
		t.Errorf("a batch that is not there any more gives %q, %v", gone, err)
	}
}

func TestRetryAnswersWithTheRowOrThePage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	path := "/batches/" + string(b.ID)
	d.htmx(path+"/images/4/retry", url.Values{}).has(t, 200, `hx-target="#row-4"`, "is-retrying")
	d.post(path+"/images/4/retry", url.Values{"back": {"image"}}).goesTo(t, path+"/images/4")
	d.post(path+"/images/4/retry", url.Values{}).goesTo(t, path)
	d.change(b.ID, 4, func(m *batch.Image) { m.Status, m.Failure = batch.Failed, "Again not." })
	d.htmx(path+"/retry", url.Values{}).has(t, 200, `hx-target="#progress"`, "2 retrying, 0 failed")
	d.get(path+"/head").has(t, 200, `hx-target="#progress"`, "2 retrying, 0 failed")
	d.post(path+"/retry", url.Values{}).goesTo(t, path)
	d.htmx(path+"/images/x/retry", url.Values{}).has(t, 404, "banner")
}

func TestImagePageMarksWhatIsDoubtful(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	path := "/batches/" + string(b.ID)
	page := d.get(path + "/images/3")
	page.has(t, 200, "Item_Description", `<td class="cell guessed doubtful" id="c-3-1-3" tabindex="-1" data-column="2" data-text="0O123" data-why="The print is smudged." data-tip="The print is smudged." dir="auto">0O123`, `class="cell rule num doubtful" id="c-3-1-2"`,
		`class="cell unreadable"`, `<a href="#c-3-1-3" data-cell="c-3-1-3">Row 1, Serial_Number</a>`, "A row is missing.", "Nowhere.", "2 of 4", `href="`+path+`/images/1"`, `href="`+path+`/images/4"`, "Chair\nx", "Chair\n12")
	page.lacks(t, "\r", "every 2s")
	d.get(path+"/images/5").has(t, 200, `hx-trigger="every 2s"`, "The answer was cut off.", "Next try at")
	d.change(b.ID, 5, func(m *batch.Image) { m.NotBefore = time.Now().Add(-time.Minute) })
	d.get(path+"/images/5").has(t, 200, "The answer was cut off. Waits for its turn.")
	d.get(path+"/images/5").lacks(t, "Next try at")
	d.get(path+"/images/4").has(t, 200, "The picture shows no table.", path+"/images/4/retry")
	for _, gone := range []string{"/images/2", "/images/99", "/images/0", "/images/x"} {
		d.get(path+gone).has(t, 404, "For your technician")
	}
	draft := d.draft("a")
	d.get("/batches/"+string(draft.ID)+"/images/1").goesTo(t, "/batches/"+string(draft.ID)+"?step=names")
}

func TestABatchThatIsNotThereIsAPageThatHelps(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	d.get("/batches/nothing").has(t, 404, "To your batches", "it was deleted, or the address is wrong")
	d.htmx("/batches/nothing/names", url.Values{"name-1": {"x"}}).has(t, 404, "banner")
}
