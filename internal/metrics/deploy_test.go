package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
)

// suffixes are added to the name of a histogram by Prometheus.
var suffixes = []string{"_bucket", "_sum", "_count"}

func exported(metric string) bool {
	for _, s := range suffixes {
		metric = strings.TrimSuffix(metric, s)
	}
	_, known := families[name(metric)]
	return known || name(metric) == httpRequests || name(metric) == httpSeconds
}

func TestTheDashboardAndTheAlertsNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`\bsheetlift_[a-z_]+\b`)
	for file, least := range map[string]int{"grafana.json": 15, "alerts.yml": 8} {
		data, err := os.ReadFile("../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, metric := range named.FindAllString(string(data), -1) {
			found[metric] = true
			if !exported(metric) {
				t.Errorf("%s names %s, which is not exported", file, metric)
			}
		}
		if len(found) < least {
			t.Errorf("%s names only %d metrics", file, len(found))
		}
	}
}

func TestTheDashboardAndTheAlertsAskForResultsThatExist(t *testing.T) {
	t.Parallel()
	results := map[name][]string{
		images:  {batch.EndRead, batch.EndFromCache, batch.EndTyped, batch.EndFailed, batch.EndCanceled},
		uploads: {draft.UploadAccepted, draft.UploadRefused, draft.UploadFailed},
	}
	asked := regexp.MustCompile(`\b(sheetlift_[a-z_]+)\{[^}]*\bresult=~?\\?"([a-z_|]+)\\?"`)
	for file, least := range map[string]int{"grafana.json": 2, "alerts.yml": 2} {
		data, err := os.ReadFile("../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := asked.FindAllStringSubmatch(string(data), -1)
		if len(found) < least {
			t.Errorf("%s asks for results %d times", file, len(found))
		}
		for _, m := range found {
			for _, result := range strings.Split(m[2], "|") {
				if known := results[name(m[1])]; !slices.Contains(known, result) {
					t.Errorf("%s asks for the result %q of %s, which has %v", file, result, m[1], known)
				}
			}
		}
	}
}

func TestEveryPanelOfTheDashboardHasAPlaceOfItsOwn(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../deploy/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || len(p.Targets) == 0 || p.Targets[0].Expr == "" {
			t.Errorf("panel %d (%q) has no number, title or query of its own", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
