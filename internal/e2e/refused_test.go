package e2e_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

// TestThePageOfABatchThatNoKeyCanReadSaysNothingElse checks the page while every key is refused: it names no keys as ready,
// and no time of a next try that is past.
func TestThePageOfABatchThatNoKeyCanReadSaysNothingElse(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyRefused, allKeysRefused)
	gemini, environ := fake(t, 2, time.Millisecond)
	dead := simulator.PayloadAnswer("400-api-key-invalid")
	for _, n := range []string{"1", "2"} {
		gemini.SetKey(simulator.Key{Value: canary + "-" + n, Label: "key " + n, Always: &dead})
	}
	p := run(t, environ...)
	b := picked(t, p, 3)
	b.click(".actions button.primary")
	b.until("document.querySelectorAll('#rows tr').length == 3")
	b.do(chromedp.Evaluate[chromedp.Void]("window.sameDocument = true"))
	b.until("document.querySelector('#progress').textContent.includes('Google refuses every key')")
	b.until("document.querySelector('#ready').textContent.includes('0 of 2 keys ready')")
	b.until("[...document.querySelectorAll('#rows tr')].every((r) => r.textContent.includes('Waits for its turn.') && !r.textContent.includes('Next try'))")
	if !b.is("window.sameDocument") {
		t.Error("the page was loaded anew")
	}
}
