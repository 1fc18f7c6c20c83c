package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/keypool"
)

const model = "gemini-3.8-flash"

// sources are those of an idle program, with a pool of keys with these labels.
func sources(labels ...string) Sources {
	log := slog.New(slog.DiscardHandler)
	var keys []keypool.Key
	for _, label := range labels {
		keys = append(keys, keypool.Key{Label: label, Secret: keypool.NewSecret("value of " + label)})
	}
	services := usecases.New(usecases.Ports{}, usecases.Limits{})
	return Sources{
		Pool: keypool.New(keys, keypool.Options{Models: []string{model}}), Batches: services.Batches, Draft: services.Draft,
		Progress: progress.New(nil, log), Engines: []string{"gemini", "tesseract"}, InHand: func() int { return 0 },
		Queued: func(context.Context) (uint64, error) { return 0, nil },
		Disk:   func() (int64, int64, error) { return 1, 2, nil }, Streams: func() int { return 3 },
		Backup: func() (time.Time, error) { return time.Now().Add(-time.Hour), nil }, Version: "test", Log: log,
	}
}

// call makes one call with the outcome o.
func (s Sources) call(t *testing.T, model string, o keypool.Outcome) {
	t.Helper()
	l, err := s.Pool.Acquire(t.Context(), keypool.Want{Model: model})
	if err != nil {
		t.Fatal(err)
	}
	l.Release(o)
}

// classes yields the classes of package keypool.
func classes(t *testing.T) func(func(keypool.Class) bool) {
	t.Helper()
	source, err := os.ReadFile("../keypool/class.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Class = "(\w+)"`).FindAllSubmatch(source, -1)
	if len(found) < 20 {
		t.Fatalf("%d classes", len(found))
	}
	return func(yield func(keypool.Class) bool) {
		for _, f := range found {
			if class := keypool.Class(f[1]); class != keypool.Shared && !yield(class) { // Shared is no answer
				return
			}
		}
	}
}

func TestEveryClassAndStateHasAWordOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]keypool.Class{late: "late"}
	for class := range classes(t) {
		word := outcomes[class]
		if word == "" || seen[word] != "" {
			t.Errorf("class %q has the word %q, as has %q", class, word, seen[word])
		}
		seen[word] = class
	}
	for _, s := range []keypool.State{keypool.Active, keypool.Cooling, keypool.Parked, keypool.Quarantined, keypool.Disabled} {
		if _, known := states[s]; !known {
			t.Errorf("state %q has no number", s)
		}
	}
	for word := range seen {
		if slices.Contains([]string{"ok", "rpm", "tpm", "rpd", "bare429", "dead", "5xx", "timeout", "blocked", "badjson"}, word) {
			delete(seen, word)
		}
	}
	if len(seen) != len(outcomes)+1-10 {
		t.Error("a word of the specification is missing")
	}
}

func TestTheNamesAreAsPrometheusWantsThem(t *testing.T) {
	t.Parallel()
	all := prometheus.NewPedanticRegistry()
	all.MustRegister(newCollector(sources("Ann")))
	problems, err := testutil.GatherAndLint(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestEveryFigureIsTold(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	s := sources("Ann")
	s.call(t, model, keypool.Outcome{Class: keypool.OK, Took: time.Second})
	Handler(s).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	page, _ := io.ReadAll(w.Body)
	for n := range families {
		if !strings.Contains(string(page), "\n# TYPE "+string(n)+" ") && n != callsPerImage {
			t.Errorf("%s is not told", n)
		}
	}
}

func TestLabelsThatPeopleTypeDoNotBreakTheScrape(t *testing.T) {
	t.Parallel()
	all := prometheus.NewPedanticRegistry()
	all.MustRegister(newCollector(sources("a\xff", "a\xfe", "line\nbreak \"quoted\" \\", strings.Repeat("long", 1000))))
	told, err := all.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range told {
		if f.GetName() == string(keyInflight) && len(f.GetMetric()) != 4 {
			t.Errorf("%d of 4 keys are told", len(f.GetMetric()))
		}
	}
}

func TestModelsThatPeopleTypeDoNotGrowWhatIsTold(t *testing.T) {
	t.Parallel()
	s := sources("Ann")
	for i := range 100 {
		s.call(t, fmt.Sprintf("typed-%d", i), keypool.Outcome{Class: keypool.ModelUnavailable})
	}
	s.call(t, model, keypool.Outcome{Class: keypool.OK})
	f := s.Pool.Figures(time.Now())
	calls := uint64(0)
	for _, n := range f.Keys[0].Outcomes {
		calls += n
	}
	if len(f.Models) > 20 || calls != 101 || f.Keys[0].Outcomes[keypool.Call{Model: model, Class: keypool.OK}] != 1 {
		t.Errorf("%d models are told, with %v", len(f.Models), f.Keys[0].Outcomes)
	}
}
