package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sheetlift/internal/errs"
)

// checkpointName is the file that records the stored data at the last orderly stop. The server silently skips
// damaged data at its start; a comparison with the checkpoint detects that.
const checkpointName = "seal"

// streamState is the checkpoint of one stream.
type streamState struct {
	Last  uint64 `json:"last"`  // the newest sequence number
	Count uint64 `json:"count"` // messages
}

// streams returns the state of every stream.
func (s *Store) streams(ctx context.Context) (map[string]streamState, error) {
	all := map[string]streamState{}
	list := s.js.ListStreams(ctx)
	for info := range list.Info() {
		all[info.Config.Name] = streamState{Last: info.State.LastSeq, Count: info.State.Msgs}
	}
	return all, list.Err()
}

// checkpoint records the state of all streams. It queries the server, which must still run; write stores the file
// and is called after the server stopped.
func (s *Store) checkpoint() (write func()) {
	if s.server == nil || s.cfg.Memory || s.changes == nil { // a store that failed to open has no checkpoint
		return func() {}
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	all, err := s.streams(ctx)
	if err != nil {
		return func() {}
	}
	return func() {
		data, err := json.Marshal(all)
		if err == nil {
			err = os.WriteFile(filepath.Join(s.cfg.Dir, checkpointName), data, 0o600)
		}
		if err != nil {
			s.log.Warn("store: writing the checkpoint failed", "err", err)
		}
	}
}

// verifyCheckpoint compares the stored data with the checkpoint and deletes it. Without one the last process was
// killed, and the newest write of each stream may be missing for good reason.
func (s *Store) verifyCheckpoint(ctx context.Context) error {
	if s.server == nil || s.cfg.Memory {
		return nil
	}
	file := filepath.Join(s.cfg.Dir, checkpointName)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	was := map[string]streamState{}
	if err != nil || json.Unmarshal(text, &was) != nil {
		return s.damagedError(file, []string{"the file " + checkpointName})
	}
	for _, b := range append(slices.Clone(s.documents), s.batches, s.access) { // the server detects some damage only when it reads
		if _, err := b.load(ctx, ">"); errors.Is(err, errDamaged) {
			return s.damagedError(file, []string{b.name})
		} else if err != nil {
			return err
		}
	}
	is, err := s.streams(ctx)
	if err != nil {
		return err
	}
	var damaged []string
	for name, w := range was {
		i, there := is[name]
		if name == readingStream {
			// It can be recomputed, at the cost of a call each; damaged entries are detected when they are read.
			continue
		}
		// Fewer messages are fine if some have expired; then the server has logged no damage of the stream.
		if !there || i.Last < w.Last || i.Count < w.Count && s.server.damageLogged(name) {
			damaged = append(damaged, fmt.Sprintf("%s (%d of %d entries)", strings.TrimPrefix(name, "KV_"), i.Count, w.Count))
		}
	}
	if len(damaged) > 0 {
		slices.Sort(damaged)
		return s.damagedError(file, damaged)
	}
	return os.Remove(file)
}

func (s *Store) damagedError(file string, what []string) error {
	return errs.New(errs.Unavailable, "What is stored in the data folder %s is damaged: %s. Put the newest backup in its place with "+
		"sheetlift restore %s. To go on with what is left instead, remove the file %s.",
		s.cfg.Dir, strings.Join(what, ", "), filepath.Join(s.cfg.Dir, "backups"), file)
}

// ofStream matches the name of the stream in a log line of the server.
var ofStream = regexp.MustCompile(`Filestore \[([A-Za-z0-9_]+)\]`)

// damageLogged reports whether the server has logged damage of a stream since it started.
func (e *server) damageLogged(stream string) bool {
	e.warned.Lock()
	defer e.warned.Unlock()
	return e.damaged[stream]
}

func (e *server) noteDamage(word string) {
	if m := ofStream.FindStringSubmatch(word); m != nil && !strings.Contains(word, "TTL state") {
		e.warned.Lock()
		defer e.warned.Unlock()
		e.damaged[m[1]] = true
	}
}
