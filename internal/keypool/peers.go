package keypool

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

const (
	beatEvery = 10 * time.Second   // how often a process that uses keys says so
	beatDead  = 35 * time.Second   // silent for so long: it is gone, or does not use keys any more
	beatOld   = 24 * time.Hour     // what is left of a process that ended without a word is removed
	beatID    = "process-"         // of the document that says so; hashes of keys have no such letter
	beatIdle  = beatEvery + window // used no key for so long: it needs no share of the limits
)

// beat is what a process says of itself: no key, only that it uses them.
type beat struct {
	At time.Time `json:"at"`
}

// tellPeers says that this process uses keys, and counts those that do.
func (p *Pool) tellPeers(ctx context.Context) {
	p.mu.Lock()
	now := time.Now()
	p.countPeers(now)
	due := p.beatDue(now)
	if due {
		p.told = now
	}
	p.mu.Unlock()
	if !due {
		return
	}
	doc, err := json.Marshal(beat{now.UTC()})
	if err == nil {
		err = p.opt.Memory.Save(ctx, beatID+p.node, doc)
	}
	if err != nil && ctx.Err() == nil {
		p.log.Warn("other processes could not be told that this one uses the keys", "err", err)
	}
}

// beatDue reports whether it is time to say that this process uses keys: at once when it begins to, then now and then.
func (p *Pool) beatDue(now time.Time) bool {
	uses := len(p.recent) > 0 && now.Sub(p.recent[len(p.recent)-1]) < beatIdle
	return uses && now.Sub(p.told) >= beatEvery
}

// hearPeer takes in the word of another process and reports whether it was one.
func (p *Pool) hearPeer(id string, doc []byte, now time.Time) bool {
	node, is := strings.CutPrefix(id, beatID)
	var b beat
	if !is || node == p.node || json.Unmarshal(doc, &b) != nil {
		return is
	}
	p.peers[node] = b.At
	p.countPeers(now)
	return true
}

// countPeers makes the share what the live ones leave: n of them pace at 1/n of every limit each.
func (p *Pool) countPeers(now time.Time) {
	live := 1
	for node, at := range p.peers {
		switch silent := now.Sub(at); {
		case silent < beatDead:
			live++
		case silent > beatOld:
			delete(p.peers, node)
		}
	}
	if live != p.share {
		p.log.Info("processes that use the same keys", "count", live)
		p.share = live
	}
}

// leavePeers takes this process's word back, and that of those who ended long ago without doing so.
func (p *Pool) leavePeers(ctx context.Context, old []string) {
	for _, id := range old {
		if err := p.opt.Memory.Forget(ctx, id); err != nil && ctx.Err() == nil {
			p.log.Warn("the word of a process that ended could not be removed", "err", err)
		}
	}
}

// oldPeers are the documents of processes that ended long ago.
func oldPeers(docs map[string][]byte, now time.Time) []string {
	var old []string
	for id, doc := range docs {
		var b beat
		if strings.HasPrefix(id, beatID) && (json.Unmarshal(doc, &b) != nil || now.Sub(b.At) > beatOld) {
			old = append(old, id)
		}
	}
	return old
}
