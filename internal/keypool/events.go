package keypool

import "time"

const (
	maxEvents   = 50
	maxFailures = 6 // classes of failure kept per key
)

// Event is a change of a key that people are shown.
type Event struct {
	At    time.Time
	Key   string // label
	Class Class
	Text  string
}

// Failure counts the failures of one class of a key, with the first and the last time.
type Failure struct {
	Class Class
	Text  string // the service's last message, without secrets
	Count int
	First time.Time
	Last  time.Time
}

// addFailure adds an event for a failure of k and counts it.
func (p *Pool) addFailure(k *key, now time.Time, class Class, text string) {
	p.addEvent(k, now, class, text)
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
	if len(k.failures) > maxFailures {
		k.failures = k.failures[1:]
	}
}

// addEvent adds an event of k.
func (p *Pool) addEvent(k *key, now time.Time, class Class, text string) {
	p.events = append(p.events, Event{At: now, Key: k.Label, Class: class, Text: text})
	if len(p.events) > maxEvents {
		p.events = p.events[1:]
	}
}
