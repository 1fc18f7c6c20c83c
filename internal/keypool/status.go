package keypool

import (
	"slices"
	"time"
)

// Status is a snapshot of the pool for people. It holds no key's value.
type Status struct {
	Keys    []KeyStatus
	Waiting int       // callers that wait for a key
	Ready   int       // keys that could be issued now, if they are not busy
	Next    time.Time // when the next key is ready, while none is; zero: unknown
	Down    bool      // the service itself is down and probed with one call at a time
	Calls   int       // made so far
	Events  []Event   // the newest last
}

// KeyStatus is the state of one key.
type KeyStatus struct {
	Label       string
	Project     string   // configured or found out; "": its own
	SharesQuota []string // labels of the other keys of its project
	State       State
	Class       Class
	Reason      string    // a sentence, or ""
	Until       time.Time // time of the next probe; zero: none, or it is active
	Due         bool      // Until is over: the next call probes it
	Running     int
	AtOnce      int
	Share       float64       // of the calls of the last five minutes, 0 to 1
	Calls       int           // started
	Ended       int           // of them, without those canceled here and those that the picture or the model was to blame for
	Good        int           // of Ended, with a usable answer
	Success     float64       // 0 to 1, decaying; below 0 before the first call
	Latency     time.Duration // of a good call; 0: unknown
	PerMinute   int           // the limit as found out; 0: unknown
	LastMinute  int           // calls started in the last minute
	PerDay      int           // the limit; 0: unknown
	Today       int           // calls today
	Failures    []Failure     // by class, the newest last
	Lately      []Tally       // TallySlots of them, the oldest first; nil when there was no call
	Added       bool          // at run time: it is in no settings, so it is gone after a restart
}

// Status returns the state of the pool at now.
func (p *Pool) Status(now time.Time) Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status(now)
}

func (p *Pool) status(now time.Time) Status {
	p.recent = keepRecent(p.recent, now)
	s := Status{Waiting: len(p.waiting), Calls: int(p.count), Events: slices.Clone(p.events)}
	for _, m := range p.models {
		s.Down = s.Down || m.open && m.class == ""
	}
	for _, k := range p.keys {
		ks := p.statusOf(k, now)
		if ks.State == Active || ks.Due {
			s.Ready++
		} else if !ks.Until.IsZero() && (s.Next.IsZero() || ks.Until.Before(s.Next)) {
			s.Next = ks.Until
		}
		s.Keys = append(s.Keys, ks)
	}
	if s.Ready > 0 {
		s.Next = time.Time{}
	}
	return s
}

func (p *Pool) statusOf(k *key, now time.Time) KeyStatus {
	k.starts = keepRecent(k.starts, now)
	s := KeyStatus{
		Label: k.Label, Project: k.Project, SharesQuota: p.sharers(k), State: k.state, Class: k.class, Reason: k.reason, Until: k.until,
		Running: k.inflight, AtOnce: p.allowed(k), Calls: k.calls, Ended: k.ended, Good: k.good, Success: -1,
		Latency: time.Duration(k.latency * float64(time.Second)), Failures: slices.Clone(k.failures),
		Lately: k.tally.lately(now), Added: k.added,
	}
	if s.Project == "" {
		s.Project = k.quota.name
	}
	if k.ok+k.bad > 0 {
		s.Success = k.ok / (k.ok + k.bad)
	}
	if n := len(p.recent); n > 0 {
		s.Share = float64(len(k.starts)) / float64(n)
	}
	for _, l := range k.quota.models {
		l.trim(now)
		if l.rpm > 0 {
			s.PerMinute = max(s.PerMinute, int(l.rpm))
		}
		s.PerDay = max(s.PerDay, int(l.rpd))
		s.LastMinute += l.lately(now)
		s.Today += int(l.used)
	}
	if l, _ := k.longestLimit(now); l != nil && k.state == Active {
		s.State, s.Class, s.Reason, s.Until = Cooling, l.class, l.reason, l.until
		if l.parked {
			s.State = Parked
		}
	}
	if s.State == Active && k.quota.spentUntil.After(now) {
		s.State, s.Class, s.Reason, s.Until = Cooling, Spend, k.quota.reason, k.quota.spentUntil
	}
	s.Due = s.State != Active && !s.Until.IsZero() && !s.Until.After(now)
	return s
}

// Ready returns the number of keys that could be issued now, busy or not.
func (p *Pool) Ready() int { return p.Status(time.Now()).Ready }
