package keypool

import "time"

const (
	// TallyEvery is how long calls are counted together for a look back.
	TallyEvery = 10 * time.Second
	// TallySlots is how many of those there are: ten minutes.
	TallySlots = 60
)

// Tally counts the calls that ended within one TallyEvery.
type Tally struct {
	Good int // answers that could be used
	Bad  int // everything else but what we gave up ourselves
}

// tally is a ring of the last slots, each with the number of its ten seconds since 1970: one that is older is empty.
type tally [TallySlots]struct {
	slot int64
	Tally
}

func tallySlot(at time.Time) int64 { return at.UnixNano() / int64(TallyEvery) }

func (t *tally) count(now time.Time, good bool) {
	slot := tallySlot(now)
	one := &t[slot%TallySlots]
	if one.slot != slot {
		one.slot, one.Tally = slot, Tally{}
	}
	if good {
		one.Good++
	} else {
		one.Bad++
	}
}

// lately is the slots up to now's, the oldest first; nil where all are empty.
func (t *tally) lately(now time.Time) []Tally {
	var all []Tally
	last := tallySlot(now)
	for i := range int64(TallySlots) {
		slot := last - TallySlots + 1 + i
		if one := t[slot%TallySlots]; one.slot == slot {
			if all == nil {
				all = make([]Tally, TallySlots)
			}
			all[i] = one.Tally
		}
	}
	return all
}
