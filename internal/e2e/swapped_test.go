package e2e_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestAPartThatHasJustComeIsAlive(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/batches/" + p.draft(t, sheets(1)) + "?step=columns"))
	b.until("document.querySelector('#preset-inventory')?._htmx")
	// Another table is chosen, and the first one again in the moment in which the part of the page for the other is here.
	b.script(`(() => {
		window.came = [];
		new MutationObserver(() => {
			const chosen = document.querySelector("[name=preset]:checked").value;
			if (came.push(chosen) === 1) document.querySelector("#preset-inventory").click();
		}).observe(document.querySelector("#columns").parentElement, { childList: true });
		document.querySelector("#preset-receipt").click();
	})()`)
	b.until("came.length == 2 && document.querySelector('[name=from]').value == 'inventory'")
}
