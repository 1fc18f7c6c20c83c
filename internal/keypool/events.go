package keypool

import "time"

const (
	keptEvents   = 50
	keptFailures = 6 // kinds of them, of each key
)

// Event is something that happened to a key.
type Event struct {
	At    time.Time
	Key   string // label
	Class Class
	Text  string
}

// Failure is one kind of thing that went wrong with a key: how often, since when, and when last.
type Failure struct {
	Class Class
	Text  string // what the service said the last time, without secrets
	Count int
	First time.Time
	Last  time.Time
}

// note tells of what went wrong with k and counts it among its failures.
func (p *Pool) note(k *key, now time.Time, class Class, text string) {
	p.tell(k, now, class, text)
	f := Failure{Class: class, First: now}
	for i, have := range k.failures {
		if have.Class == class {
			f = have
			k.failures = append(k.failures[:i], k.failures[i+1:]...)
			break
		}
	}
	f.Text, f.Last = text, now
	f.Count++
	k.failures = append(k.failures, f)
	if len(k.failures) > keptFailures {
		k.failures = k.failures[1:]
	}
}

// tell tells of what happened to k.
func (p *Pool) tell(k *key, now time.Time, class Class, text string) {
	p.events = append(p.events, Event{At: now, Key: k.Label, Class: class, Text: text})
	if len(p.events) > keptEvents {
		p.events = p.events[1:]
	}
}
