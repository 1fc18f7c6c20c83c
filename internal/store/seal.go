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

// sealName is the file that says what was stored when the program last stopped in good order. The server leaves out what
// it finds damaged when it starts, without an error; against the seal that shows.
const sealName = "seal"

// sealed is what the seal says of one stream.
type sealed struct {
	Last  uint64 `json:"last"`  // the newest sequence number
	Count uint64 `json:"count"` // messages
}

// streams returns the state of every stream.
func (s *Store) streams(ctx context.Context) (map[string]sealed, error) {
	all := map[string]sealed{}
	list := s.js.ListStreams(ctx)
	for info := range list.Info() {
		all[info.Config.Name] = sealed{Last: info.State.LastSeq, Count: info.State.Msgs}
	}
	return all, list.Err()
}

// seal writes down what is stored. The server must be asked before it is stopped, and the file be written after.
func (s *Store) seal() (write func()) {
	if s.server == nil || s.cfg.Memory || s.changes == nil { // what did not open is not sealed
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
			err = os.WriteFile(filepath.Join(s.cfg.Dir, sealName), data, 0o600)
		}
		if err != nil {
			s.log.Warn("store: not sealed", "error", err)
		}
	}
}

// unseal compares what is stored with the seal and breaks it. Without one the last process was killed, and the newest
// write of each stream may rightly be missing.
func (s *Store) unseal(ctx context.Context) error {
	if s.server == nil || s.cfg.Memory {
		return nil
	}
	file := filepath.Join(s.cfg.Dir, sealName)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	was := map[string]sealed{}
	if err != nil || json.Unmarshal(text, &was) != nil {
		return s.hurt(file, []string{"the file " + sealName})
	}
	for _, b := range append(slices.Clone(s.apart), s.batches) { // the server finds some damage only when it reads
		if _, err := b.load(ctx, ">"); errors.Is(err, errDamaged) {
			return s.hurt(file, []string{b.name})
		} else if err != nil {
			return err
		}
	}
	is, err := s.streams(ctx)
	if err != nil {
		return err
	}
	var hurt []string
	for name, w := range was {
		i, there := is[name]
		if name == readingStream {
			// It can be made again, at the cost of a call each; what of it is damaged and still there shows when it is asked for.
			continue
		}
		// Fewer messages are rightly there when some have expired; then the server has nothing to say about the stream.
		if !there || i.Last < w.Last || i.Count < w.Count && s.server.complained(name) {
			hurt = append(hurt, fmt.Sprintf("%s (%d of %d entries)", strings.TrimPrefix(name, "KV_"), i.Count, w.Count))
		}
	}
	if len(hurt) > 0 {
		slices.Sort(hurt)
		return s.hurt(file, hurt)
	}
	return os.Remove(file)
}

func (s *Store) hurt(file string, what []string) error {
	return errs.New(errs.Unavailable, "What is stored in the data folder %s is damaged: %s. Put the newest backup in its place with "+
		"sheetlift restore %s. To go on with what is left instead, remove the file %s.",
		s.cfg.Dir, strings.Join(what, ", "), filepath.Join(s.cfg.Dir, "backups"), file)
}

// ofStream finds the stream that a word of the server is about.
var ofStream = regexp.MustCompile(`Filestore \[([A-Za-z0-9_]+)\]`)

// complained reports whether the server warned of a stream's content since it started.
func (e *server) complained(stream string) bool {
	e.warned.Lock()
	defer e.warned.Unlock()
	return e.complaints[stream]
}

func (e *server) complain(word string) {
	if m := ofStream.FindStringSubmatch(word); m != nil && !strings.Contains(word, "TTL state") {
		e.warned.Lock()
		defer e.warned.Unlock()
		e.complaints[m[1]] = true
	}
}
