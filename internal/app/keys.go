package app

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"sheetlift/internal/config"
	"sheetlift/internal/keypool"
	"sheetlift/internal/web"
)

// lookAtKeys is how often the keys file is looked at: a new key is used within seconds of being written.
const lookAtKeys = 2 * time.Second

// parseKeys makes keys of what was given.
func parseKeys(given []config.KeyText) ([]keypool.Key, error) {
	keys := make([]keypool.Key, 0, len(given))
	for i, k := range given {
		key, err := keypool.ParseKey(k.Text, i+1)
		if err != nil {
			e := &config.Error{Setting: k.Source, Reason: "cannot be used as a key", Remedy: "Write the key alone, or label@project:KEY."}
			if errors.Is(err, keypool.ErrCharacter) {
				e.Reason, e.Remedy = "has a character that no key has", "Copy the key again, and save the file as plain text in UTF-8."
			}
			return nil, e
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Reload reads the keys anew, as on SIGHUP. It returns at once; the log says what came of it.
func (a *App) Reload() {
	select {
	case a.reload <- struct{}{}:
	default: // one is on its way
	}
}

// keepKeys reads the keys anew when it is asked to or when their file changes. Bad ones change nothing.
func (a *App) keepKeys(ctx context.Context) error {
	look := time.NewTicker(lookAtKeys)
	defer look.Stop()
	var last mark // none: the file may have changed since the settings were read, so it is read once more
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.reload:
		case <-look.C:
			now := fingerprint(a.cfg.KeysFile)
			if now == last {
				continue
			}
			last = now
		}
		a.keys.Lock()
		a.readKeys()
		a.keys.Unlock()
	}
}

// readKeys makes the pool's keys what the settings and the keys file hold now. The caller has a.keys: what was read before
// a key was written must not count after it.
func (a *App) readKeys() {
	given, err := a.cfg.Reread()
	var keys []keypool.Key
	if err == nil {
		keys, err = parseKeys(given)
	}
	if err != nil {
		a.log.Error("the keys were not read anew; those in use stay", "err", err)
		a.tellKeysProblem(Explain(err))
		return
	}
	a.tellKeysProblem("")
	a.pool.Replace(keys)
	a.log.Info("the keys were read anew", "keys", len(keys))
}

// tellKeysProblem has the page of keys say why they were not read anew; "" when they were.
func (a *App) tellKeysProblem(why string) {
	if why == a.whyOldKeys() {
		return
	}
	a.oldKeys.Store(&why)
	a.touch("", web.KeysTopics()...)
}

// whyOldKeys is why the keys were not read anew; "" when they were.
func (a *App) whyOldKeys() string {
	if why := a.oldKeys.Load(); why != nil {
		return *why
	}
	return ""
}

// addKey takes a key in at once, and writes it to the keys file where there is one.
func (a *App) addKey(ctx context.Context, k keypool.Key) web.Added {
	a.keys.Lock()
	defer a.keys.Unlock()
	file := a.cfg.KeysFile
	if file != "" {
		a.readKeys() // what stands in the file was there first, and has its label first
	}
	label, fresh := a.pool.Add(k)
	if !fresh && (file == "" || !a.untilRestart(label)) {
		return web.Added{Label: label, Here: true}
	}
	added := web.Added{Label: label}
	if file == "" {
		return added
	}
	k.Label = label
	if err := config.AppendKey(ctx, file, k); err != nil {
		a.log.Warn("an added key could not be written to the keys file: it is forgotten at the next restart", "file", file, "key", label, "err", err)
		added.Why = err
		return added
	}
	added.Kept = true
	a.readKeys()
	return added
}

// untilRestart reports whether the key with this label was added and is in no settings.
func (a *App) untilRestart(label string) bool {
	return slices.ContainsFunc(a.pool.Status(time.Now()).Keys, func(k keypool.KeyStatus) bool { return k.Label == label && k.Added })
}

// tellKeyPages marks on the feed when something about the keys changes: by what happens to them, and by time, when a rest
// is over or the look back moves on. The first page says who reads, and how many keys are ready.
func (a *App) tellKeyPages(ctx context.Context) error {
	topics := web.KeysTopics()
	for {
		moves := time.NewTimer(time.Until(nextByTime(a.pool.Status(time.Now()), time.Now())))
		select {
		case <-ctx.Done():
			moves.Stop()
			return nil
		case <-a.pool.Changes():
		case <-moves.C:
		}
		moves.Stop()
		a.touch("", topics...)
		a.stir()
		rest(ctx, tellEvery)
	}
}

// nextByTime is when time alone changes what the page of keys shows.
func nextByTime(st keypool.Status, now time.Time) time.Time {
	next := now.Truncate(keypool.TallyEvery).Add(keypool.TallyEvery)
	for _, k := range st.Keys {
		if k.Until.After(now) && k.Until.Before(next) {
			next = k.Until
		}
	}
	return next
}

// mark tells one state of a file from another.
type mark struct {
	size     int64
	modified time.Time
}

func fingerprint(file string) mark {
	if file == "" {
		return mark{}
	}
	info, err := os.Stat(file)
	if err != nil {
		return mark{size: -1}
	}
	return mark{info.Size(), info.ModTime()}
}
