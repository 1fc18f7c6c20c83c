// Package setup turns the settings of the program into those of its parts, for the program and for the commands.
package setup

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sheetlift/internal/config"
	"sheetlift/internal/engine/gemini"
	"sheetlift/internal/keypool"
	"sheetlift/internal/store"
)

// Keys parses the keys of the settings and of the keys file. An error is a *config.Error that names the source.
func Keys(given []config.KeyText) ([]keypool.Key, error) {
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

// Gemini returns the settings of the engine, with the models that a file adds. An error is a *config.Error.
func Gemini(c *config.Config) (gemini.Options, error) {
	o := gemini.Options{
		BaseURL: c.BaseURL, Model: c.Model, Models: gemini.BuiltIn(),
		NoStore: c.Store == "never" || c.Store == "auto" && c.BaseURL == gemini.DefaultBaseURL,
	}
	if c.Models == "" {
		return o, nil
	}
	if err := o.Models.Extend(c.ModelsData); err != nil {
		return o, &config.Error{Setting: "SHEETLIFT_MODELS", Reason: fmt.Sprintf("(%s) cannot be used: %v", c.Models, err), Remedy: "Mend the line as docs/models.md shows, or leave the setting out."}
	}
	return o, nil
}

// orphanAge is the minimum age of an orphan on a cluster: another process may still be about to refer to a younger object.
const orphanAge = time.Hour

// OrphansBefore returns the time of storing before which an object that nothing refers to is an orphan, at now.
func OrphansBefore(c *config.Config, now time.Time) time.Time {
	if c.Cluster.URL != "" {
		return now.Add(-orphanAge)
	}
	return now
}

// Store returns the configuration of the store.
func Store(c *config.Config, log *slog.Logger) store.Config {
	sc := store.Config{Dir: c.Data, Cluster: store.Cluster(c.Cluster), Mark: secretMark(c), Log: log}
	if c.Data == config.Memory {
		sc.Dir, sc.Memory = "", c.Cluster.URL == ""
	}
	return sc
}

// OpenStore opens the store for a command: a data folder exclusively, a cluster together with the processes that use it.
func OpenStore(ctx context.Context, c *config.Config, log *slog.Logger) (*store.Store, error) {
	sc := Store(c, log)
	if c.Cluster.URL != "" {
		sc.Dir = ""
	}
	return store.Open(ctx, sc)
}

// secretMark tells whether two processes on a cluster were given the same secret, and nothing of the secret.
func secretMark(c *config.Config) string {
	if c.Cluster.URL == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(c.Secret))
	mac.Write([]byte("sheetlift: all processes on this cluster share one secret"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
