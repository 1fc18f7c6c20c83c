package app

import (
	"context"
	"slices"
	"time"

	"sheetlift/internal/config"
	"sheetlift/internal/keypool"
	"sheetlift/internal/setup"
	"sheetlift/internal/web"
)

// checkKeysEvery is the interval of the checks of the keys file: a new key is used within seconds of being written.
const checkKeysEvery = 2 * time.Second

// Reload reads the keys and the certificate again, as on SIGHUP. It returns at once; the outcome is logged.
func (a *App) Reload() {
	if a.tls != nil {
		a.tls.reload()
	}
	select {
	case a.reload <- struct{}{}:
	default: // one is on its way
	}
}

// keepKeys reads the keys again on Reload and when their file changes, until ctx ends. Keys with an error change nothing.
func (a *App) keepKeys(ctx context.Context) error {
	look := time.NewTicker(checkKeysEvery)
	defer look.Stop()
	var last mark // none: the file may have changed since the settings were read, so it is read once more
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.reload:
		case <-look.C:
			now := a.fingerprint()
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

// readKeys replaces the keys of the pool with those that the settings and the keys file hold now. The caller holds a.keys:
// keys that were read before a new key was written to the file must not replace the pool's keys after it.
func (a *App) readKeys() {
	given, err := a.cfg.Reread()
	var keys []keypool.Key
	if err == nil {
		keys, err = setup.Keys(given)
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

// tellKeysProblem sets the reason, shown on the page of keys, why the keys could not be read again; "" when they were.
func (a *App) tellKeysProblem(why string) {
	if why == a.whyOldKeys() {
		return
	}
	a.oldKeys.Store(&why)
	a.touch("", web.KeysTopics()...)
}

// whyOldKeys returns the reason why the keys could not be read again; "" when they were.
func (a *App) whyOldKeys() string {
	if why := a.oldKeys.Load(); why != nil {
		return *why
	}
	return ""
}

// addKey adds a key to the pool at once, and writes it to the keys file where there is one.
func (a *App) addKey(ctx context.Context, k keypool.Key) web.Added {
	a.keys.Lock()
	defer a.keys.Unlock()
	file := a.cfg.KeysFile
	if file != "" {
		a.readKeys() // the keys in the file were there first, and get their labels first
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

// untilRestart reports whether the key with this label was added on a page and is not in the settings.
func (a *App) untilRestart(label string) bool {
	return slices.ContainsFunc(a.pool.Status(time.Now()).Keys, func(k keypool.KeyStatus) bool { return k.Label == label && k.Added })
}

// notifyKeyPages marks on the feed each change of the keys: after an event of a key, and with time alone, when a cooldown ends
// or the period of the statistics moves on. It also marks the first page, which shows the engine and the number of ready keys.
func (a *App) notifyKeyPages(ctx context.Context) error {
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
		a.wake()
		sleep(ctx, notifyEvery)
	}
}

// nextByTime returns the next time at which the page of keys changes without an event of a key.
func nextByTime(st keypool.Status, now time.Time) time.Time {
	next := now.Truncate(keypool.TallyEvery).Add(keypool.TallyEvery)
	for _, k := range st.Keys {
		if k.Until.After(now) && k.Until.Before(next) {
			next = k.Until
		}
	}
	return next
}

// mark identifies the state of a file by its size and modification time.
type mark struct {
	size     int64
	modified time.Time
}

func (a *App) fingerprint() mark {
	if a.cfg.KeysFile == "" {
		return mark{}
	}
	info, err := a.cfg.StatKeys()
	if err != nil {
		return mark{size: -1}
	}
	return mark{info.Size(), info.ModTime()}
}
