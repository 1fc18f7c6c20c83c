package keypool

import "time"

const (
	// TallyEvery is the length of a slot of the call history.
	TallyEvery = 10 * time.Second
	// TallySlots is the number of slots: ten minutes.
	TallySlots = 60
)

// Tally counts the calls that ended within one slot.
type Tally struct {
	Good int // usable answers
	Bad  int // all others, without those canceled by this process and those that the picture or the model is to blame for
}

// tally is a ring of the last slots. Each slot holds its number since 1970; one with an older number is empty.
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

// lately returns the slots up to now's, the oldest first; nil where all are empty.
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
