package web_test

import (
	"net/http"
	"net/url"
	"testing"
)

func TestAStartTimeThatIsRefusedStaysOpen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	start := "/batches/" + string(d.draft("a").ID) + "/start"
	form := url.Values{"preset": {"inventory"}, "at_once": {"2"}, "retries": {"3"}, "when": {"later"}, "at": {"2001-01-01T06:00"}, "zone": {"0"}}
	d.post(start, form).has(t, http.StatusUnprocessableEntity, `<details class="menu up" open>`, `value="2001-01-01T06:00" autofocus`)
	form.Set("at_once", "many")
	form.Del("when")
	d.post(start, form).has(t, http.StatusUnprocessableEntity, `<details class="menu up">`)
}
