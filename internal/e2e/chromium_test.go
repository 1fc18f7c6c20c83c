package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// tab is one page of a real browser, on which the console and the policy must stay silent.
type tab struct {
	t   testing.TB
	ctx context.Context
	end func() // closes the tab before the test ends: an open page follows the live feed and uses CPU

	mu       sync.Mutex
	messages []string
	forgiven []string
}

// errNoChromium says that there is no browser to test with.
var errNoChromium = errors.New("no Chromium is installed here; make test installs it")

// launch starts a Chromium. Its context is that of its first page, which stays blank.
func launch() (ctx context.Context, end func(), err error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, nil, errNoChromium
	}
	tmp, err := os.MkdirTemp("", "sl") // short: its sockets' paths have to fit
	if err != nil {
		return nil, nil, err
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), chromedp.Env("TMPDIR="+tmp),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true), chromedp.Flag("disable-renderer-backgrounding", true))
	ctx, closed := chromedp.NewContext(allocator)
	end = func() {
		closed()
		stop()
		_ = os.RemoveAll(tmp) // a browser that is ended leaves files there
	}
	if err := chromedp.Do(ctx); err != nil {
		end()
		return nil, nil, fmt.Errorf("starting Chromium: %w", err)
	}
	return ctx, end, nil
}

// chromium is the one browser of all tests of this package: to start one took longer than most tests need it.
var chromium = sync.OnceValues(func() (context.Context, error) {
	ctx, end, err := launch()
	if err == nil {
		endChromium.Store(&end)
	}
	return ctx, err
})

// endChromium ends the browser of all tests; nil while it was not started. TestMain calls it.
var endChromium atomic.Pointer[func()]

// browser opens a tab for one test alone: it shares no cookies, storage or cache with the tabs of other tests. It ends with
// the test.
func browser(t testing.TB) *tab {
	t.Helper()
	ctx, err := chromium()
	return alone(t, ctx, err)
}

// newBrowser is browser in a Chromium that was just started, for benchmarks that measure this too.
func newBrowser(t testing.TB) *tab {
	t.Helper()
	ctx, end, err := launch()
	if err == nil {
		t.Cleanup(end)
	}
	b := alone(t, ctx, err)
	b.end = end
	return b
}

// alone opens a tab with a browser context of its own.
func alone(t testing.TB, ctx context.Context, err error) *tab {
	t.Helper()
	if errors.Is(err, errNoChromium) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return open(t, ctx, chromedp.WithNewBrowserContext())
}

// newTab opens one more tab beside another, with the same cookies and storage.
func newTab(t testing.TB, beside context.Context) *tab {
	t.Helper()
	return open(t, beside)
}

func open(t testing.TB, parent context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	b := &tab{t: t, ctx: ctx, end: cancel}
	messages := chromedp.Console(ctx)
	b.do(chromedp.EmulateViewport(1440, 1000))
	// One window has the focus of the whole browser. Every page is to behave as if it were that window.
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.messages = append(b.messages, fmt.Sprintf("%+v", m))
			b.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		cancel()
		reading.Wait()
		for _, m := range b.messages {
			if strings.Contains(m, "Blocked attempt to show a 'beforeunload'") {
				continue // the browser did not ask whether to leave, since no person had touched the page
			}
			if !slices.ContainsFunc(b.forgiven, func(part string) bool { return strings.Contains(m, part) }) {
				t.Errorf("the console says: %s", m)
			}
		}
	})
	return b
}

// context is the browser context of the tab: permissions and downloads are set for it.
func (b *tab) context() cdp.BrowserContextID { return chromedp.FromContext(b.ctx).BrowserContextID }

// forgive drops messages of the console that the test itself brings about, also those that come late.
func (b *tab) forgive(parts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgiven = append(b.forgiven, parts...)
}
