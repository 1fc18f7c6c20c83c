package gemini

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/genai"
)

// Life is the service's statement about a model's life, as given with its answers.
type Life struct {
	Model   string    // the model that answered
	Stage   string    // the service's word, such as DEPRECATED
	Retires time.Time // zero: unknown
	Message string    // the service's message, or ""
	Seen    time.Time // time of the last statement
}

// servedFor is how long the last answer determines which model answers for a name.
const servedFor = 24 * time.Hour

// served records which models answered for the requested names.
type served struct {
	mu    sync.Mutex
	by    map[string]servedBy // by the requested name
	lives map[string]Life     // by the model that answered
	list  []*genai.Model      // the service's models; nil until listed
}

type servedBy struct {
	model string
	at    time.Time
}

func newServed() *served { return &served{by: map[string]servedBy{}, lives: map[string]Life{}} }

// note records one answer.
func (s *served) note(asked string, r *genai.GenerateContentResponse, now time.Time) {
	model := baseName(r.ModelVersion)
	s.mu.Lock()
	defer s.mu.Unlock()
	if model != "" {
		s.by[asked] = servedBy{model, now}
	}
	if st := r.ModelStatus; st != nil {
		stage := strings.TrimPrefix(string(st.ModelStage), "MODEL_STAGE_")
		if stage == "UNSPECIFIED" {
			stage = ""
		}
		model = cmp.Or(model, baseName(asked))
		s.lives[model] = Life{Model: model, Stage: stage, Retires: st.RetirementTime, Message: normalizeSpace(st.Message), Seen: now}
	}
}

// Served returns the model that answers for a name now; known is false without a recent answer.
func (e *Engine) Served(model string) (by string, known bool) {
	model = cmp.Or(model, e.opt.Model)
	e.served.mu.Lock()
	defer e.served.mu.Unlock()
	last, known := e.served.by[model]
	if !known || time.Since(last.at) > servedFor {
		return "", false
	}
	return last.model, true
}

// Ending returns the models that answered and are deprecated or will be shut down, the earliest first.
func (e *Engine) Ending() []Life {
	e.served.mu.Lock()
	defer e.served.mu.Unlock()
	var all []Life
	for _, l := range e.served.lives {
		if !l.Retires.IsZero() || slices.Contains([]string{"LEGACY", "DEPRECATED", "RETIRED"}, l.Stage) {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b Life) int { return cmp.Or(a.Retires.Compare(b.Retires), cmp.Compare(a.Model, b.Model)) })
	return all
}
