package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestTheMenuOfOtherFormatsStaysOpenWhileTheBatchIsRead(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 1, 100*time.Millisecond)
	p := run(t, environ...)
	_, started := p.post(t, "?max_concurrent=1", sheets(12))
	id := started["job_id"].(string)
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/batches/" + id))
	b.until("document.querySelectorAll('#rows tr.is-completed').length >= 1")
	b.click("#formats > summary")
	b.until("document.querySelector('#formats').open")
	b.until("document.querySelectorAll('#rows tr.is-completed').length >= 8")
	if !b.is("document.querySelector('#formats').open") {
		t.Error("the menu was closed by what came in")
	}
	b.until("document.querySelectorAll('#rows tr.is-completed').length == 12")
	b.until("document.querySelector('#formats a[href$=\"/rows.csv\"]')?.checkVisibility()")
	b.shot("formats")
	p.ended(t, id, time.Minute) // a moment after its last image; until then the name says how many were read
	status, body, header := p.fetch(t, "/batches/"+id+"/rows.csv")
	if lines := strings.Count(string(body), "\r\n"); status != 200 || lines != len(wantRows(12))+1 || strings.Contains(header.Get("Content-Disposition"), "(") {
		t.Errorf("the file has %d lines: %d, %s", lines, status, header.Get("Content-Disposition"))
	}
}
