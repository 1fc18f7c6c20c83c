package e2e_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// timed records, for each press of Enter in the queue, the time until the next question was painted.
const timed = `(() => {
	window.took = [];
	addEventListener("keydown", (event) => {
		if (event.key !== "Enter") return;
		const from = event.timeStamp, was = document.querySelector("#count b").textContent;
		const painted = () => requestAnimationFrame(() => {
			const channel = new MessageChannel();
			channel.port1.onmessage = () => {
				if (document.querySelector("#count b").textContent === was || !document.querySelector("#crop canvas")) painted();
				else window.took.push(performance.now() - from);
			};
			channel.port2.postMessage(0);
		});
		painted();
	}, true);
})()`

// BenchmarkQueue measures the time from a key to the next question on the screen, with its crop, over 500 doubts on 50 pictures that
// are answered one after the other, ten in a second at most.
func BenchmarkQueue(b *testing.B) {
	if b.N > 1 {
		b.Skip("once is enough")
	}
	const pictures, doubts = 50, 10
	_, environ := fake(b, 4, 10*time.Millisecond)
	p := run(b, environ...)
	id := p.asked(b, pictures, doubts, 0)
	w := browser(b)
	w.do(chromedp.EmulateViewport(1440, 900))
	w.onQueue(p, id)
	w.script(timed)
	ready := "document.querySelector('#right').ariaDisabled == 'false' && window.took.length == %d"
	for i := range pictures*doubts - 1 {
		w.until(fmt.Sprintf(ready, i))
		w.press("Enter", 13, 0)
		time.Sleep(75 * time.Millisecond) // a fast clerk
	}
	w.until(fmt.Sprintf("window.took.length == %d", pictures*doubts-1))
	all, err := chromedp.Run(w.ctx, chromedp.Evaluate[[]float64]("window.took"))
	if err != nil {
		b.Fatal(err)
	}
	slices.Sort(all)
	at := func(share float64) float64 { return all[min(len(all)-1, int(share*float64(len(all))))] }
	b.ReportMetric(at(0.5), "ms/median")
	b.ReportMetric(at(0.99), "ms/p99")
	b.ReportMetric(all[len(all)-1], "ms/max")
	b.Logf("%d doubts on %d pictures: from a key to the next question on the screen %.0f ms (median), %.0f ms (99th percentile), %.0f ms (longest)", len(all)+1, pictures, at(0.5), at(0.99), all[len(all)-1])
}
