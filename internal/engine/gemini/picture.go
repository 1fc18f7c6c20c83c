package gemini

import (
	"bytes"
	"container/list"
	"encoding/base64"
	"hash/maphash"
	"sync"
)

// pictures encodes each picture once, however often it is sent. An encoded picture is kept between the attempts of
// its image, up to budget bytes for all that are idle; those in use are always kept.
type pictures struct {
	budget int64
	seed   maphash.Seed

	mu        sync.Mutex
	all       map[uint64]*encoded
	idle      list.List // of *encoded, longest idle first
	idleBytes int64     // bytes of the idle ones
	encodes   int       // number of encodings, for tests
}

// encoded is a picture in base64. raw distinguishes pictures with the same hash.
type encoded struct {
	hash uint64
	raw  []byte
	text []byte
	once sync.Once
	uses int
	idle *list.Element // in idle; nil while in use
}

func newPictures(budget int64) *pictures {
	return &pictures{budget: budget, seed: maphash.MakeSeed(), all: map[uint64]*encoded{}}
}

// acquire returns the picture in base64. The caller must call release once, saying whether another attempt may
// follow; until then the text stays valid. The picture must not be changed meanwhile.
func (ps *pictures) acquire(raw []byte) (text []byte, done func(again bool)) {
	hash := maphash.Bytes(ps.seed, raw)
	ps.mu.Lock()
	e := ps.all[hash]
	if e != nil && !bytes.Equal(e.raw, raw) { // a hash collision: the second picture is not cached
		e = &encoded{hash: hash, raw: raw}
	} else if e == nil {
		e = &encoded{hash: hash, raw: raw}
		ps.all[hash] = e
	}
	e.uses++
	if e.idle != nil {
		ps.idle.Remove(e.idle)
		ps.idleBytes -= int64(len(e.text))
		e.idle = nil
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
	return e.text, func(again bool) { given.Do(func() { ps.release(e, again) }) }
}

// release returns a picture: it becomes idle for another attempt, or is dropped.
func (ps *pictures) release(e *encoded, again bool) {
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
	e.idle = ps.idle.PushBack(e)
	ps.idleBytes += int64(len(e.text))
	for ps.idleBytes > ps.budget && ps.idle.Len() > 0 {
		oldest := ps.idle.Remove(ps.idle.Front()).(*encoded)
		ps.idleBytes -= int64(len(oldest.text))
		oldest.idle = nil
		delete(ps.all, oldest.hash)
	}
}
