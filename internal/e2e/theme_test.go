package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestAPageIsDrawnInTheColoursThatWereChosen(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=gemini", "GEMINI_API_KEY_1=x")
	b := browser(t)
	b.do(chromedp.Navigate(p.url + "/"))
	b.click("#theme")
	b.click("#theme")
	b.until("document.documentElement.dataset.theme == 'dark'")
	b.do(chromedp.Navigate(p.url + "/figures"))
	b.until("getComputedStyle(document.documentElement).colorScheme == 'dark'")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for cookie, want := range map[string]string{"dark": ` data-theme="dark"`, "light": ` data-theme="light"`, `dark"><script>`: "", "system": ""} {
		req.Header.Set("Cookie", "theme="+cookie)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		root, _, _ := strings.Cut(string(page), "<head>")
		if err != nil || strings.Contains(root, "data-theme") != (want != "") || !strings.Contains(root, want) {
			t.Errorf("with the cookie %q a page begins with %q: %v", cookie, root, err)
		}
	}
	b.click("#theme")
	b.until("!document.documentElement.hasAttribute('data-theme') && !document.cookie.includes('theme=dark')")
}
