package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
)

// press is one button of a page that controls a batch, with its expected effect.
type press struct {
	name   string
	path   string // relative to the address of the batch
	form   url.Values
	before func(d *desk, b *batch.Batch)
	to     string                             // redirect without JavaScript; relative to the address of the batch unless it begins with "="
	quiet  int                                // status for htmx
	shows  string                             // a part of that response
	done   func(d *desk, b *batch.Batch) bool // reports whether the action took effect
}

func presses() []press {
	status := func(want batch.Status) func(*desk, *batch.Batch) bool {
		return func(d *desk, b *batch.Batch) bool { return d.stored(b.ID).Status == want }
	}
	pause := func(d *desk, b *batch.Batch) {
		if _, err := d.service.Run.Pause(d.t.Context(), b.ID, batch.PausedByUser); err != nil {
			d.t.Fatal(err)
		}
	}
	rest := func(d *desk, b *batch.Batch) {
		if err := d.service.Run.PauseForCooldown(d.t.Context(), b.ID, batch.Cooldown{Why: "rpd"}); err != nil {
			d.t.Fatal(err)
		}
	}
	image := func(n int, f func(*batch.Image) bool) func(*desk, *batch.Batch) bool {
		return func(d *desk, b *batch.Batch) bool { return f(d.image(b.ID, n)) }
	}
	return []press{
		{name: "pause", path: "/pause", quiet: 200, shows: "Go on", done: status(batch.Paused)},
		{name: "go on", path: "/resume", before: pause, quiet: 200, shows: "Pause", done: status(batch.Processing)},
		{name: "read what waits for a key offline", path: "/offline", before: rest, quiet: 200, done: func(d *desk, b *batch.Batch) bool {
			return d.stored(b.ID).Options.Fallback == batch.FallbackAlways
		}},
		{name: "cancel", path: "/cancel", quiet: 200, shows: "Download Excel file", done: status(batch.Canceled)},
		{name: "delete", path: "/delete", to: "=/", quiet: 204, done: func(d *desk, b *batch.Batch) bool {
			stored, err := d.world.Batch(d.t.Context(), b.ID)
			return err == nil && !stored.Deleted.IsZero()
		}},
		{name: "priority", path: "/settings", form: url.Values{"priority": {"high"}}, quiet: 200, done: func(d *desk, b *batch.Batch) bool {
			return d.stored(b.ID).Priority == batch.High
		}},
		{name: "images at once", path: "/settings", form: url.Values{"at_once": {"40"}}, quiet: 200, shows: "<b>40</b>", done: func(d *desk, b *batch.Batch) bool {
			return d.stored(b.ID).Options.AtOnce == 40
		}},
		{name: "keep", path: "/settings", form: url.Values{"keep": {"168h"}}, quiet: 200, done: func(d *desk, b *batch.Batch) bool {
			return d.stored(b.ID).Options.Keep == 168*time.Hour
		}},
		{name: "retry one", path: "/images/4/retry", quiet: 200, shows: `id="row-4"`, done: image(4, func(m *batch.Image) bool { return m.Status == batch.Retrying && m.Generation == 2 })},
		{name: "retry one with another engine", path: "/images/4/retry", form: url.Values{"engine": {"tesseract"}}, quiet: 200, done: image(4, func(m *batch.Image) bool { return m.Engine == "tesseract" && m.Generation == 2 })},
		{name: "retry with another model", path: "/retry", form: url.Values{"model": {"gemini-9"}}, quiet: 200, shows: "2 retrying, 0 failed", done: image(4, func(m *batch.Image) bool { return m.Model == "gemini-9" && m.Generation == 2 })},
		{name: "retry with another model that thinks much", path: "/retry", form: url.Values{"model": {"gemini-9 high"}}, quiet: 200, done: image(4, func(m *batch.Image) bool { return m.Model == "gemini-9" && m.Thinking == "high" && m.Generation == 2 })},
		{name: "read the rest with another model", path: "/model", form: url.Values{"model": {"gemini-9 low"}}, quiet: 200, done: func(d *desk, b *batch.Batch) bool {
			return d.stored(b.ID).Model == "gemini-9" && d.stored(b.ID).Thinking == "low"
		}},
		{name: "read afresh with another model that thinks much", path: "/images/3/retry", form: url.Values{"fresh": {"yes"}, "back": {"image"}, "model": {"gemini-9 high"}}, to: "/images/3", quiet: 200, done: image(3, func(m *batch.Image) bool { return m.Rereading && m.Model == "gemini-9" && m.Thinking == "high" })},
		{name: "retry all failed", path: "/retry", quiet: 200, shows: "2 retrying, 0 failed", done: image(4, func(m *batch.Image) bool { return m.Status == batch.Retrying && m.Generation == 2 })},
		{name: "read afresh", path: "/images/3/retry", form: url.Values{"fresh": {"yes"}, "back": {"image"}}, to: "/images/3", quiet: 200, done: image(3, func(m *batch.Image) bool { return m.Rereading && len(m.Rows) == 2 && m.Generation == 2 })},
		{name: "cancel one", path: "/images/1/cancel", quiet: 200, shows: "is-canceled", done: image(1, func(m *batch.Image) bool { return m.Status == batch.Canceled })},
		{name: "read next", path: "/images/1/priority", form: url.Values{"priority": {"high"}}, quiet: 200, shows: "Is read next", done: image(1, func(m *batch.Image) bool { return m.Priority == batch.High })},
		{name: "read last", path: "/images/1/priority", form: url.Values{"priority": {"low"}, "back": {"image"}}, to: "/images/1", quiet: 200, shows: "Is read last", done: image(1, func(m *batch.Image) bool { return m.Priority == batch.Low })},
		{name: "bring back", path: "/undelete", quiet: 200, before: func(d *desk, b *batch.Batch) {
			if err := d.service.Retention.Delete(d.t.Context(), b.ID); err != nil {
				d.t.Fatal(err)
			}
		}, done: status(batch.Processing)},
	}
}

func TestEveryButtonThatSteersWorksWithAndWithoutJavaScriptAndTwice(t *testing.T) {
	t.Parallel()
	for _, p := range presses() {
		for _, scripted := range []bool{false, true} {
			d := newDesk(t, "gemini", "tesseract")
			b := d.started()
			if p.before != nil {
				p.before(d, b)
			}
			here := "/batches/" + string(b.ID)
			for range 2 { // the second press changes nothing and is not an error
				if scripted {
					d.htmx(here+p.path, p.form).has(t, p.quiet, p.shows)
					continue
				}
				to := here + p.to
				if p.to == "=/" {
					to = "/"
				}
				d.post(here+p.path, p.form).goesTo(t, to)
			}
			if !p.done(d, b) {
				t.Errorf("%s was pressed (with JavaScript: %t), and it shows nowhere", p.name, scripted)
			}
		}
	}
}

func TestABatchThatWaitsForItsTimeMayStartNowOrNotByItself(t *testing.T) {
	t.Parallel()
	for _, scripted := range []bool{false, true} {
		for path, want := range map[string]batch.Status{"/start": batch.Processing, "/unschedule": batch.Draft} {
			d := newDesk(t, "tesseract")
			b := d.draft("a")
			if _, err := d.service.Run.Schedule(t.Context(), b.ID, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			here := "/batches/" + string(b.ID)
			d.get(here).has(t, 200, "Start now", "Do not start by itself", `class="countdown"`)
			for range 2 {
				if scripted {
					d.htmx(here+path, nil)
				} else if got := d.post(here+path, nil); got.status != 303 {
					t.Errorf("%s answered %d", path, got.status)
				}
			}
			if got := d.stored(b.ID).Status; got != want {
				t.Errorf("%s (with JavaScript: %t) leaves the batch %s", path, scripted, got)
			}
		}
	}
}

func TestWhatCannotBeSteeredSaysWhy(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.started()
	here := "/batches/" + string(b.ID)
	d.htmx(here+"/images/1/priority", url.Values{"priority": {"urgent"}}).has(t, 422, "There is no priority")
	d.htmx(here+"/images/9/priority", url.Values{"priority": {"high"}}).has(t, 404)
	d.htmx(here+"/settings", url.Values{"at_once": {"many"}}).has(t, 422, "1 to 64")
	d.htmx(here+"/retry", url.Values{"engine": {"abacus"}}).has(t, 422, "cannot read here")
	draft := d.draft("a")
	d.post("/batches/"+string(draft.ID)+"/pause", nil).has(t, 409, "was not started yet")
	d.post("/batches/"+string(draft.ID)+"/offline", nil).has(t, 409, "Nothing of this batch waits")
	alone := newDesk(t, "gemini")
	if got := alone.post("/batches/"+string(alone.started().ID)+"/offline", nil); got.status < 400 || got.status > 499 {
		t.Errorf("without an offline engine its press is answered %d", got.status)
	}
}

func TestWhatWaitsForAKeyMayBeReadOfflineUnlessThatIsSettledOrCannotBe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fallback batch.Fallback
		engines  []string
		offered  bool
	}{
		{"", []string{"gemini", "tesseract"}, true},
		{batch.FallbackAsk, []string{"gemini", "tesseract"}, true},
		{batch.FallbackAsk, []string{"gemini"}, false},
		{batch.FallbackOff, []string{"gemini", "tesseract"}, false},
		{batch.FallbackAlways, []string{"gemini", "tesseract"}, false},
	} {
		d := newDesk(t, c.engines...)
		b := d.started()
		if _, err := d.service.Settings.SetFallback(t.Context(), b.ID, c.fallback); err != nil {
			t.Fatal(err)
		}
		if err := d.service.Run.PauseForCooldown(t.Context(), b.ID, batch.Cooldown{Why: "rpd"}); err != nil {
			t.Fatal(err)
		}
		page := d.get("/batches/" + string(b.ID))
		page.has(t, 200, "Paused: the calls of all keys for today are used up.")
		if got := strings.Contains(page.body, "Read the rest offline"); got != c.offered {
			t.Errorf("fallback %q with %v: offered %v", c.fallback, c.engines, got)
		}
	}
}

func TestThePageOfABatchSaysThatLessIsReadAtOnceAfterADeathOverAPicture(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	path := "/batches/" + string(b.ID)
	const said = "reads half as many at once"
	if page := d.get(path); strings.Contains(page.body, said) {
		t.Error("it says so though nothing happened")
	}
	d.slow = time.Now().Add(5 * time.Minute)
	d.get(path).has(t, 200, "The program stopped while it opened a picture. Until "+d.slow.Format("15:04"))
	if _, err := d.service.Run.Pause(t.Context(), b.ID, batch.PausedByUser); err != nil {
		t.Fatal(err)
	}
	if page := d.get(path); strings.Contains(page.body, said) {
		t.Error("it says so of a batch that is paused")
	}
}

func TestEveryDoorShowsThatTheDiskIsFullAlsoWhenTheStoreCannotKeepIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.started()
	here := "/batches/" + string(b.ID)
	d.progress.SetFull(true)
	for path, says := range map[string]string{
		here: "The disk is full. It goes on by itself", here + "/head": "The disk is full. It goes on by itself", "/": "Paused",
		"/api/v1" + here: `"paused_by":"disk"`, "/api/v1/batches": `"paused_by":"disk"`, "/batch-status/" + string(b.ID): `"status":"paused"`,
	} {
		d.get(path).has(t, 200, says)
	}
	d.progress.SetFull(false)
	d.get(here).lacks(t, "The disk is full")
}

func TestBatchAndImagesAreRenamedAfterTheStartAndTheFilesFollow(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	here := "/batches/" + string(b.ID)
	d.post(here+"/settings", url.Values{"name": {"Building B"}}).goesTo(t, here)
	d.post(here+"/images/3/name", url.Values{"name": {"  Room 12 "}}).goesTo(t, here+"/images/3")
	d.get(here).has(t, 200, "Building B", "Room 12")
	d.get(here+"/images/3").has(t, 200, `value="Room 12"`)
	d.get(here+"/rows").has(t, 200, "Building B", "Room 12")
	if r, csv := d.file(here + "/rows.csv"); !strings.Contains(csv, "Room 12") || !strings.Contains(r.Header.Get("Content-Disposition"), "Building") {
		t.Errorf("the file is called %q and has %q", r.Header.Get("Content-Disposition"), csv)
	}
	d.post(here+"/images/3/name", url.Values{"name": {" "}}).goesTo(t, here+"/images/3")
	if name := d.image(b.ID, 3).Name; name != "completed" {
		t.Errorf("with a blank name it is called %q, want the name of its file", name)
	}
}
