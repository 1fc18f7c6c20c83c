package app

import (
	"context"
	"os"
	"time"

	"sheetlift/internal/config"
	"sheetlift/internal/keypool"
)

// lookAtKeys is how often the keys file is looked at: a new key is used within seconds of being written.
const lookAtKeys = 2 * time.Second

// parseKeys makes keys of what was given.
func parseKeys(given []config.KeyText) ([]keypool.Key, error) {
	keys := make([]keypool.Key, 0, len(given))
	for i, k := range given {
		key, err := keypool.ParseKey(k.Text, i+1)
		if err != nil {
			return nil, &config.Error{Setting: k.Source, Reason: "cannot be used as a key", Remedy: "Write the key alone, or label@project:KEY."}
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
		given, err := a.cfg.Reread()
		var keys []keypool.Key
		if err == nil {
			keys, err = parseKeys(given)
		}
		if err != nil {
			a.log.Error("the keys were not read anew; those in use stay", "err", err)
			continue
		}
		a.pool.Replace(keys)
		a.log.Info("the keys were read anew", "keys", len(keys))
	}
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
