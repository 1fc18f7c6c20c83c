package keypool

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

const (
	beatEvery = 10 * time.Second   // how often a process that uses keys announces itself
	beatDead  = 35 * time.Second   // silent for so long: it ended, or it does not use keys any more
	beatOld   = 24 * time.Hour     // age at which the document of a crashed process is removed
	beatID    = "process-"         // prefix of the document's id; hashes of keys have no such letter
	beatIdle  = beatEvery + window // used no key for so long: it needs no share of the limits
)

// heartbeat is the announcement of a process that uses keys. It names no key.
type heartbeat struct {
	At time.Time `json:"at"`
}

// announce writes this process's heartbeat when it is due, and counts the live processes.
func (p *Pool) announce(ctx context.Context) {
	p.mu.Lock()
	now := time.Now()
	p.countPeers(now)
	due := p.heartbeatDue(now)
	if due {
		p.lastBeat = now
	}
	p.mu.Unlock()
	if !due {
		return
	}
	doc, err := json.Marshal(heartbeat{now.UTC()})
	if err == nil {
		err = p.opt.Memory.Save(ctx, beatID+p.processID, doc)
	}
	if err != nil && ctx.Err() == nil {
		p.log.Warn("writing the heartbeat for other processes failed", "err", err)
	}
}

// heartbeatDue reports whether it is time to announce this process: at once when it begins to use keys, then every
// beatEvery.
func (p *Pool) heartbeatDue(now time.Time) bool {
	uses := len(p.recent) > 0 && now.Sub(p.recent[len(p.recent)-1]) < beatIdle
	return uses && now.Sub(p.lastBeat) >= beatEvery
}

// onHeartbeat applies a heartbeat of another process and reports whether the document was one.
func (p *Pool) onHeartbeat(id string, doc []byte, now time.Time) bool {
	node, is := strings.CutPrefix(id, beatID)
	var b heartbeat
	if !is || node == p.processID || json.Unmarshal(doc, &b) != nil {
		return is
	}
	p.peers[node] = b.At
	p.countPeers(now)
	return true
}

// countPeers counts the live processes: each of n paces itself at 1/n of every limit.
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
		p.log.Info("live processes sharing the keys changed", "count", live)
		p.share = live
	}
}

// removePeers deletes heartbeat documents: this process's own at its end, or stale ones.
func (p *Pool) removePeers(ctx context.Context, old []string) {
	for _, id := range old {
		if err := p.opt.Memory.Forget(ctx, id); err != nil && ctx.Err() == nil {
			p.log.Warn("removing the heartbeat of an ended process failed", "err", err)
		}
	}
}

// stalePeers returns the heartbeat documents of processes that ended long ago.
func stalePeers(docs map[string][]byte, now time.Time) []string {
	var old []string
	for id, doc := range docs {
		var b heartbeat
		if strings.HasPrefix(id, beatID) && (json.Unmarshal(doc, &b) != nil || now.Sub(b.At) > beatOld) {
			old = append(old, id)
		}
	}
	return old
}
