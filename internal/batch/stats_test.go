package batch

import (
	"testing"
	"time"
)

func TestTheEndOfAnImageSaysHowItWasRead(t *testing.T) {
	t.Parallel()
	now := time.Now()
	read := Attempt{Engine: "gemini", Started: now.Add(-time.Second), Ended: now}
	failed := Attempt{Engine: "gemini", Ended: now, Why: "bad_answer"}
	before := Attempt{Engine: "gemini", Ended: now.Add(-time.Hour)}
	for what, c := range map[string]struct {
		image Image
		want  End
	}{
		"read":                          {Image{Status: Completed, Ended: now, Attempts: []Attempt{failed, read}}, End{EndRead, "gemini"}},
		"a duplicate":                   {Image{Status: Completed, Ended: now, DuplicateOf: 1}, End{EndFromCache, ""}},
		"read for another batch":        {Image{Status: Completed, Ended: now, CachedFrom: &CachedFrom{}, Attempts: []Attempt{failed}}, End{EndFromCache, ""}},
		"afresh, and canceled before":   {Image{Status: Completed, Ended: now, Attempts: []Attempt{before}}, End{EndFromCache, ""}},
		"typed by a person":             {Image{Status: Completed, Ended: now, Typed: &Typed{At: now}, Attempts: []Attempt{failed}}, End{EndTyped, ""}},
		"failed":                        {Image{Status: Failed, Ended: now, Attempts: []Attempt{before, failed}}, End{EndFailed, "gemini"}},
		"failed before anybody read it": {Image{Status: Failed, Ended: now}, End{EndFailed, ""}},
		"canceled":                      {Image{Status: Canceled, Ended: now, Attempts: []Attempt{failed}}, End{EndCanceled, "gemini"}},
	} {
		s := NewBatches(Storage{})
		s.Stored(Processing, &c.image)
		s.Stored(c.image.Status, &c.image) // an edit does not count as an end
		s.Stored(Pending, &Image{Status: Processing})
		if got := s.Ended(); len(got) != 1 || got[c.want] != 1 {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}
