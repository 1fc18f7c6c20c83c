package layout

import (
	"strings"
	"testing"
)

func TestMarksAreToldFromDirt(t *testing.T) {
	t.Parallel()
	at := func(text string, conf float64, w, h int) Word { return Word{Box{0, 0, w, h}, text, conf} }
	words := []Word{
		at("Total", 90, 60, 20), at("—", 80, 22, 20), at("%", 80, 15, 20), at("*", 60, 8, 20), // kept
		at("|", 90, 2, 20), at("_", 70, 50, 3), at("—", 90, 400, 3), at("“", 60, 8, 8), at("Stain", 90, 90, 80), at("x", 2, 9, 20),
	}
	var kept []string
	for _, w := range Clean(words) {
		kept = append(kept, w.Text)
	}
	if got := strings.Join(kept, " "); got != "Total — % *" {
		t.Errorf("kept %q", got)
	}
}
