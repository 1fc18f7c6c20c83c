package e2e_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sheetlift/internal/engine/gemini/simulator"
)

// TestKeysAndTheRestAreAccessibleInLightAndDark checks the pages of keys and figures, the demonstration, the login and the
// pages of errors.
func TestKeysAndTheRestAreAccessibleInLightAndDark(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyRefused, outage) // the demonstration simulates a service that is overloaded for a while
	b := browser(t)
	plain := run(t)
	for _, c := range []struct{ name, path, there string }{
		{"keys, none", "/keys", "#keys"}, {"figures, none", "/figures", "main"}, {"start, without keys", "/", ".invite"},
		{"the API", "/api-docs", ".op"}, {"webhooks", "/webhooks", "main"},
		{"nothing here", "/nothing-here", ".error"}, {"no such batch", "/batches/none", ".error"},
	} {
		b.opens(plain.url+c.path, c.there)
		b.accessible(c.name)
	}
	b.opens(plain.url, ".invite")
	b.click(".invite button")
	b.until("document.querySelector('.simulated') && document.querySelector('#rows tr.is-completed')")
	b.accessible("the demonstration")
	b.opens(plain.url+"/keys", ".key")
	b.accessibleAtDesk("the demonstration's keys")
	b.opens(plain.url, ".simulated")
	b.accessible("the demonstration's first page")
	plain.stop()

	// Keys of every kind, and a batch that waits for them.
	gemini, environ := fake(t, 4, 10*time.Millisecond)
	dead, limited := simulator.PayloadAnswer("403-leaked"), simulator.RefusedAnswer(7, 40*time.Second)
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Always: &dead})
	gemini.SetKey(simulator.Key{Value: canary + "-2", Label: "key 2", Always: &limited})
	p := run(t, environ...)
	_, started := p.post(t, "", sheets(6))
	p.ended(t, started["job_id"].(string), time.Minute)
	p.act(t, "/keys/disable", url.Values{"label": {"key 3"}})
	b.opens(p.url+"/keys", "#key-0 .status.bad")
	b.script("document.querySelectorAll('#keys details').forEach((d) => { d.open = true; })")
	b.accessible("keys of every kind")
	b.click("#key-0 form[action$='/test'] button")
	b.until("document.querySelector('#note .banner')")
	b.accessibleAtDesk("keys, one tested")
	b.opens(p.url+"/figures", ".days")
	b.accessible("figures")
	b.opens(p.url+"/batches/"+started["job_id"].(string)+"/append", "form[enctype]")
	b.accessible("rows under a workbook")
	p.stop()
	gemini, environ = fake(t, 1, 0)
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Always: &dead})
	p = run(t, environ...)
	_, started = p.post(t, "", sheets(2))
	b.opens(p.url+"/batches/"+started["job_id"].(string), "#progress .banner")
	b.accessible("live, all keys rest")

	// Errors that fill a whole page: too much at once, a request that cannot be read, the store gone, the server gone.
	b.opens(p.url+"/keys", ".key")
	b.script("const f = document.querySelector('form[action=\"/keys\"]'); f.noValidate = true; f.requestSubmit()")
	b.until("document.querySelector('.error') || document.querySelector('#note .banner.bad')")
	b.accessible("a key that is none")
	line := p.line(t)
	b.opens(line.url+"/batches/"+started["job_id"].(string), "#rows")
	b.until("document.querySelector('#feed')._htmx?.sse")
	line.sever(true)
	b.until("document.querySelector('#lost')")
	b.accessible("live, connection lost")
	locked := run(t, "SHEETLIFT_PASSWORD=a-long-enough-password", "SHEETLIFT_ENGINE=auto")
	b.opens(locked.url, "form.login")
	b.accessible("sign in")
	b.do(chromedp.SendKeys(chromedp.CSS("[name=password]"), "wrong"))
	b.click("form.login .primary")
	b.until("document.querySelector('#note .banner')")
	b.accessible("sign in, wrong")
	b.forgive(append(forgiven, "401", "404", "422", "429")...)
}
