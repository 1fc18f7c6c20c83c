package keypool

import (
	"slices"
	"time"
)

// Status is the pool at one moment, for people: no value of a key is in it.
type Status struct {
	Keys    []KeyStatus
	Waiting int       // those who wait for a key
	Ready   int       // keys that could be lent now, if they are not busy
	Next    time.Time // when a key is ready again, while none is; zero: nobody knows
	Down    bool      // the service itself is down, and tried one call at a time
	Calls   int       // made so far
	Events  []Event   // the newest last
}

// KeyStatus is one key at one moment.
type KeyStatus struct {
	Label       string
	Project     string   // given or found out; "" is its own
	SharesQuota []string // labels of the other keys of its project
	State       State
	Class       Class
	Reason      string    // a sentence, or ""
	Until       time.Time // when it is tried again; zero: not by itself, or it is active
	Due         bool      // Until is over: the next call that is due tries it
	Running     int
	AtOnce      int
	Share       float64       // of the work of the last five minutes, 0 to 1
	Calls       int           // begun
	Ended       int           // of them, without those given up here and those that the picture or the model was to blame for
	Good        int           // of those, with an answer of use
	Success     float64       // 0 to 1, fading; below 0 before the first call
	Latency     time.Duration // of a good call; 0 unknown
	PerMinute   int           // the limit it was found to have; 0 unknown
	LastMinute  int           // calls started in the last minute
	PerDay      int           // the limit; 0 unknown
	Today       int           // calls today
	Failures    []Failure     // by class, the newest last
	Lately      []Tally       // TallySlots of them, the oldest first; nil when there was no call
	Added       bool          // while the pool works: it is in no settings, so it is gone at the end
}

// Status returns the pool as it is at now.
func (p *Pool) Status(now time.Time) Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status(now)
}

func (p *Pool) status(now time.Time) Status {
	p.recent = keepLate(p.recent, now)
	s := Status{Waiting: len(p.waiting), Calls: int(p.count), Events: slices.Clone(p.events)}
	for _, m := range p.models {
		s.Down = s.Down || m.open && m.class != Region
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
	k.starts = keepLate(k.starts, now)
	s := KeyStatus{
		Label: k.Label, Project: k.Project, SharesQuota: p.sharers(k), State: k.state, Class: k.class, Reason: k.reason, Until: k.until,
		Running: k.inflight, AtOnce: int(k.conc), Calls: k.calls, Ended: k.ended, Good: k.good, Success: -1,
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
	if l, _ := k.spent(now); l != nil && k.state == Active {
		s.State, s.Class, s.Reason, s.Until = Cooling, l.class, l.reason, l.until
		if l.parked {
			s.State = Parked
		}
	}
	s.Due = s.State != Active && !s.Until.IsZero() && !s.Until.After(now)
	return s
}

// Ready is how many keys could be lent now, busy or not.
func (p *Pool) Ready() int { return p.Status(time.Now()).Ready }
