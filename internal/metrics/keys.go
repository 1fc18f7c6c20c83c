package metrics

import (
	"math"
	"time"

	"sheetlift/internal/keypool"
)

// states maps the pool's states to numbers.
var states = map[keypool.State]float64{
	keypool.Active: 0, keypool.Cooling: 1, keypool.Parked: 2, keypool.Quarantined: 3, keypool.Disabled: 4,
}

// outcomes maps the classes to values of the label outcome.
var outcomes = map[keypool.Class]string{
	keypool.OK: "ok", keypool.BadAnswer: "badjson", keypool.Empty: "empty", keypool.MaxTokens: "cutoff",
	keypool.Recitation: "recitation", keypool.Blocked: "blocked", keypool.ImageFault: "badimage", keypool.Region: "region",
	keypool.Canceled: "canceled", keypool.RPM: "rpm", keypool.TPM: "tpm", keypool.RPD: "rpd", keypool.TPD: "tpd",
	keypool.Bare429: "bare429", keypool.Billing: "billing", keypool.ModelUnavailable: "nomodel", keypool.KeyDead: "dead",
	keypool.KeyFixable: "fixable", keypool.ModelOverloaded: "5xx", keypool.Transport: "network", keypool.Foreign: "foreign", keypool.Spend: "spend",
	keypool.Request: "request", keypool.TooLarge: "toolarge",
}

// late is the outcome of a call that timed out.
const late = "timeout"

// reasons lists the reasons to call again for an image; see keypool.Want.
var reasons = []string{"busy", "unreachable", "bad_answer", "recited", "crashed", "halted", "other"}

func outcome(c keypool.Call) string {
	if c.Late {
		return late
	}
	return outcomes[c.Class]
}

func (t scrape) pool(f keypool.Figures) {
	t.set(poolQueue, float64(f.Waiting))
	t.set(poolEligible, float64(f.Ready))
	t.histogram(poolWait, f.Waits)
	for _, r := range reasons {
		t.set(retries, float64(f.Retries[r]), r)
	}
	t.set(doubles, float64(f.Won), "won")
	t.set(doubles, float64(f.Lost), "lost")
	for _, m := range f.Models {
		breaker := 0.0
		switch {
		case m.Probing:
			breaker = 1
		case m.Down:
			breaker = 2
		}
		t.set(modelBreaker, breaker, m.Model)
		t.set(poolNext, seconds(m.Next), m.Model)
		t.set(retryBudget, m.Budget, m.Model)
	}
}

func (t scrape) key(k keypool.KeyFigures) {
	t.set(keyInflight, float64(k.Running), k.Label)
	t.set(keyAtOnce, float64(k.AtOnce), k.Label)
	t.set(keyShare, k.Share, k.Label)
	if k.Success >= 0 {
		t.set(keySuccess, k.Success, k.Label)
	}
	t.histogram(keyLatency, k.Took, k.Label)
	t.set(tokens, float64(k.Prompt), k.Label, "prompt")
	t.set(tokens, float64(k.Output), k.Label, "output")
	for call, n := range k.Outcomes {
		t.set(keyRequests, float64(n), k.Label, call.Model, outcome(call))
	}
	for _, q := range k.Quotas {
		if k.Outcomes[keypool.Call{Model: q.Model, Class: keypool.OK}] == 0 {
			t.set(keyRequests, 0, k.Label, q.Model, outcomes[keypool.OK])
		}
		t.set(keyState, states[q.State], k.Label, q.Model)
		t.set(keyMinute, q.PerMinute, k.Label, q.Model)
		t.set(keyMinuteUsed, q.Used, k.Label, q.Model)
		t.set(keyTokens, float64(q.Tokens), k.Label, q.Model)
		t.set(keyTokensUsed, q.TokensUsed, k.Label, q.Model)
		t.set(keyDay, float64(q.PerDay), k.Label, q.Model)
		t.set(keyDayUsed, float64(q.Today), k.Label, q.Model)
		t.set(keyCooldown, seconds(q.Cooldown), k.Label, q.Model)
		t.set(keyNext, seconds(q.Next), k.Label, q.Model)
	}
}

// seconds converts d; a negative duration has no end and becomes +Inf.
func seconds(d time.Duration) float64 {
	if d < 0 {
		return math.Inf(1)
	}
	return d.Seconds()
}
