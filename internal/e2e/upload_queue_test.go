package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// doorman is a proxy between a browser and the program. It counts the uploads by file name, and lets a test hold them back
// or lose their answers.
type doorman struct {
	url   string
	visit visit

	mu     sync.Mutex
	sent   map[string]int
	inside int
	most   int // files on their way at one time
}

// visit is asked about each file, by its name, and about the question which files there are, which has none. next passes
// it on; false loses the answer, as a proxy does whose server is gone.
type visit func(filename string, try int, next func()) bool

func guard(t *testing.T, p *process, visit visit) *doorman {
	t.Helper()
	to, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	d := &doorman{visit: visit, sent: map[string]int{}}
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("filename")
		switch {
		case r.Method == http.MethodPut:
			defer d.leave()
		case !strings.HasSuffix(r.URL.Path, "/uploads"):
			proxy.ServeHTTP(w, r)
			return
		}
		passed := httptest.NewRecorder()
		if !d.visit(name, d.enter(name), func() { proxy.ServeHTTP(passed, r) }) {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		for key, values := range passed.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(passed.Code)
		_, _ = w.Write(passed.Body.Bytes())
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

func (d *doorman) enter(name string) (try int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name != "" {
		d.inside++
		d.most = max(d.most, d.inside)
	}
	d.sent[name]++
	return d.sent[name]
}

func (d *doorman) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside--
}

// count is how often files were sent, and how many different ones.
func (d *doorman) count() (requests, files int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, n := range d.sent {
		if name != "" {
			requests += n
			files++
		}
	}
	return requests, files
}

func TestAFailedUploadIsTriedAgainByItselfAndNoneIsSentTwice(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	lost := make(chan struct{})
	d := guard(t, p, func(filename string, try int, next func()) bool {
		switch {
		case filename == "sheet-003.jpg" && try == 1:
			return false // it never arrived
		case filename == "sheet-005.jpg" && try == 1:
			next() // it arrived, and only the answer is lost
			close(lost)
			return false
		case filename == "" && try == 1:
			next() // which files there are is answered late: by then one more is
			<-lost
			return true
		}
		next()
		return true
	})
	b := browser(t)
	b.do(chromedp.Navigate(d.url))
	files := sheetFiles(t, 12)
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), files))
	b.until("document.querySelectorAll('#cards img').length == 12")
	b.until("document.querySelector('#onwards a').href.endsWith('?step=names')")
	if got := b.drafted(p); len(got) != 12 || b.is("document.querySelector('#refused li')") {
		t.Errorf("%d pictures came of 12; refused: %s", len(got), b.text("#refused"))
	}
	for name, n := range d.sent {
		if want := map[bool]int{true: 2, false: 1}[name == "sheet-003.jpg"]; name != "" && n != want {
			t.Errorf("%s was sent %d times, want %d", name, n, want)
		}
	}
	if d.most > 4 {
		t.Errorf("%d files were on their way at one time", d.most)
	}

	// The same files again: nothing is sent.
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), files))
	b.until("document.querySelector('[data-note]').textContent.includes('12 were here already')")
	if requests, _ := d.count(); requests != 13 {
		t.Errorf("after the same files once more %d were sent, want 13", requests)
	}
	b.forgive("502 (Bad Gateway)")
}

func TestPausedUploadingBeginsNothingAndGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	gate := make(chan struct{})
	d := guard(t, p, func(_ string, _ int, next func()) bool {
		<-gate
		next()
		return true
	})
	open := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	b := browser(t)
	b.do(chromedp.Navigate(d.url))
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), sheetFiles(t, 12)))
	b.until("[...document.querySelectorAll('#cards .under span')].filter((s) => s.textContent == 'being prepared').length == 4")
	b.click("[data-pause]")
	b.until("document.querySelector('[data-note]').textContent.startsWith('Pausing')")
	open()
	b.until("document.querySelector('[data-note]').textContent.startsWith('Paused')")
	if requests, _ := d.count(); requests != 4 || b.is("document.querySelector('#onwards a').hasAttribute('href')") {
		t.Errorf("paused after %d files, want 4; the way on is open: %v", requests, strings.TrimSpace(b.text("#onwards")))
	}
	b.shot("2-paused")
	b.click("[data-pause]")
	b.until("document.querySelectorAll('#cards img').length == 12")
	if requests, files := d.count(); requests != 12 || files != 12 {
		t.Errorf("%d files in %d requests, want 12 in 12", files, requests)
	}
	if got := b.drafted(p); len(got) != 12 {
		t.Errorf("%d pictures came of 12", len(got))
	}
}

func TestAFileThatChangedSinceItWasChosenIsNotTriedForEver(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	files := sheetFiles(t, 2)
	// The first is held where the browser sends it, and changes meanwhile.
	b.script(`window.put = 0; { const send = XMLHttpRequest.prototype.send; XMLHttpRequest.prototype.send = function (body) { window.put++; if (window.put === 1) window.held = () => send.call(this, body); else send.call(this, body); }; }`)
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), files))
	b.until("window.held && document.querySelectorAll('#cards img').length == 1")
	if err := os.Chtimes(files[0], time.Time{}, time.Now().Add(time.Hour)); err != nil { // browsers detect a changed file by its modification time, in seconds
		t.Fatal(err)
	}
	b.script("window.held()")
	b.until("document.querySelector('#refused').textContent.includes('sheet-001.jpg') && document.querySelector('#refused').textContent.includes('was changed')")
	if !b.is("window.put == 2") {
		t.Error("a file that cannot be sent any more was tried again")
	}
	b.forgive("ERR_UPLOAD_FILE_CHANGED")
}

// TestADraftThatWasLeftInMidUploadSaysWhatIsMissing closes the page before all files are sent. Without a message, the workbook
// would lack those sheets unnoticed.
func TestADraftThatWasLeftInMidUploadSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	files := sheetFiles(t, 3)
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	// The third file is held back.
	b.script("let n = 0; const send = XMLHttpRequest.prototype.send; XMLHttpRequest.prototype.send = function (body) { if (++n < 3) send.call(this, body); else window.held = () => send.call(this, body); }")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), files))
	b.until("document.querySelectorAll('#cards img').length == 2 && location.search == '?step=pictures'")
	if !b.is("document.querySelector('#missing') == null || document.querySelector('#missing').hidden") {
		t.Error("a file on its way is called missing on the page that sends it")
	}
	draft, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.pathname"))
	if err != nil {
		t.Fatal(err)
	}
	back := newTab(t, b.ctx)
	for _, step := range []string{"", "?step=columns", "?step=pictures"} {
		back.do(chromedp.Navigate(p.url + draft + step))
		back.until("document.querySelector('#missing')?.checkVisibility() && document.querySelector('#missing').textContent.includes('Not here: 1 of')")
	}
	back.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), files))
	back.until("document.querySelectorAll('#cards img').length == 3 && document.querySelector('#missing').hidden")
	back.do(chromedp.Navigate(p.url + draft + "?step=names"))
	back.until("document.querySelectorAll('#names input[name^=name-]').length == 3 && document.querySelector('#missing').hidden")

	// The first page comes to an end, too, and nothing is there twice.
	b.script("window.held()")
	b.until("document.querySelectorAll('#cards img').length == 3 && document.querySelector('#onwards a').href.endsWith('?step=names')")
	back.do(chromedp.Reload())
	back.until("document.querySelectorAll('#names input[name^=name-]').length == 3")
}
