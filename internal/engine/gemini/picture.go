package gemini

import (
	"bytes"
	"container/list"
	"encoding/base64"
	"hash/maphash"
	"sync"
)

// pictures encodes each picture once however often it is sent. An encoded picture is kept between the tries of its
// image, up to budget bytes for all that are waiting; those in use are always kept.
type pictures struct {
	budget int64
	seed   maphash.Seed

	mu      sync.Mutex
	all     map[uint64]*encoded
	idle    list.List // of *encoded, longest idle first
	idling  int64     // bytes of the idle ones
	encodes int       // how often one was encoded, for tests
}

// encoded is one picture in base64. raw tells it from another of the same hash.
type encoded struct {
	hash uint64
	raw  []byte
	text []byte
	once sync.Once
	uses int
	wait *list.Element // in idle; nil while in use
}

func newPictures(budget int64) *pictures {
	return &pictures{budget: budget, seed: maphash.MakeSeed(), all: map[uint64]*encoded{}}
}

// take returns the picture in base64. The caller must call done once, saying whether another try may follow; until
// then the text stays. The picture itself must not be changed meanwhile.
func (ps *pictures) take(raw []byte) (text []byte, done func(again bool)) {
	hash := maphash.Bytes(ps.seed, raw)
	ps.mu.Lock()
	e := ps.all[hash]
	if e != nil && !bytes.Equal(e.raw, raw) { // two pictures of one hash: the newcomer goes without the store
		e = &encoded{hash: hash, raw: raw}
	} else if e == nil {
		e = &encoded{hash: hash, raw: raw}
		ps.all[hash] = e
	}
	e.uses++
	if e.wait != nil {
		ps.idle.Remove(e.wait)
		ps.idling -= int64(len(e.text))
		e.wait = nil
	}
	ps.mu.Unlock()
	e.once.Do(func() {
		e.text = make([]byte, base64.StdEncoding.EncodedLen(len(raw)))
		base64.StdEncoding.Encode(e.text, raw)
		ps.mu.Lock()
		ps.encodes++
		ps.mu.Unlock()
	})
	var given sync.Once
	return e.text, func(again bool) { given.Do(func() { ps.give(e, again) }) }
}

// give puts a picture back, to wait for another try or to go.
func (ps *pictures) give(e *encoded, again bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	e.uses--
	if e.uses > 0 || ps.all[e.hash] != e {
		return
	}
	if !again {
		delete(ps.all, e.hash)
		return
	}
	e.wait = ps.idle.PushBack(e)
	ps.idling += int64(len(e.text))
	for ps.idling > ps.budget && ps.idle.Len() > 0 {
		oldest := ps.idle.Remove(ps.idle.Front()).(*encoded)
		ps.idling -= int64(len(oldest.text))
		oldest.wait = nil
		delete(ps.all, oldest.hash)
	}
}
