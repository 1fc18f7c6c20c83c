package keypooltest_test

import (
	"testing"
	"time"

	"sheetlift/internal/keypool/keypooltest"
)

func TestTheFaultsOfAScenarioAreAsManyAsItsRowSays(t *testing.T) {
	t.Parallel()
	for _, s := range keypooltest.Scenarios() {
		if want := int(float64(s.Images)/(1-s.Busy-s.Other) + 0.5); s.Calls() != want {
			t.Errorf("%s: %d calls, want %d", s.Name, s.Calls(), want)
		}
	}
}

func TestTheBoundIsWhatNoSchedulerCanBeat(t *testing.T) {
	t.Parallel()
	healthy := keypooltest.Scenario{Images: 100, AtOnce: 5, Call: time.Second}
	for name, c := range map[string]struct {
		change func(*keypooltest.Scenario)
		want   time.Duration
	}{
		"all slots are busy":                         {func(*keypooltest.Scenario) {}, 20 * time.Second},
		"a slow key gets one call":                   {func(s *keypooltest.Scenario) { s.Slow = 6 * time.Second }, 21 * time.Second},
		"a slow call that would be the last is none": {func(s *keypooltest.Scenario) { s.Slow = time.Minute }, 20 * time.Second},
		"a slow key that is known gets none":         {func(s *keypooltest.Scenario) { s.Slow, s.Remembered = 6*time.Second, true }, 20 * time.Second},
		"an outage is waited out": {func(s *keypooltest.Scenario) {
			s.Down, s.DownFor = 5*time.Second, 11*time.Second
		}, 30 * time.Second},
		"an outage after the end is none": {func(s *keypooltest.Scenario) { s.Down, s.DownFor = time.Minute, time.Minute }, 20 * time.Second},
		"limits":                          {func(s *keypooltest.Scenario) { s.PerMinute = 10 }, 68 * time.Second},
	} {
		s := healthy
		c.change(&s)
		if got := s.Bound(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
