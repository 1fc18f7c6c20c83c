package setup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"sheetlift/internal/config"
	"sheetlift/internal/engine/reader"
	"sheetlift/internal/engine/tesseract"
)

// Offline is the offline engine with its readers of words.
type Offline struct {
	Engine  *tesseract.Engine // nil if no reader works; Err says why
	Witness *tesseract.Engine // the engine at low priority; nil with Engine
	Neural  string            // the neural reader with its version; "" if it does not read
	Why     error             // why it does not; nil if it does or is switched off
	Err     error

	clients []*reader.Client
}

// Close ends the programs of the neural reader.
func (o Offline) Close() {
	for _, c := range o.clients {
		c.Close()
	}
}

// Broken reports whether the neural reader is installed and does not work.
func (o Offline) Broken() bool { return o.Why != nil && !errors.Is(o.Why, reader.ErrMissing) }

// State is the state of the neural reader here: "reads", "broken" if it is installed and does not work, or "" if it is not there.
func (o Offline) State() string {
	switch {
	case o.Neural != "":
		return "reads"
	case o.Broken():
		return "broken"
	}
	return ""
}

// readerNice lets pages be answered while pictures are read.
const readerNice = 5

// NewOffline starts the offline engine. The neural reader is used if it works; Tesseract alone otherwise.
func NewOffline(ctx context.Context, c *config.Config, log *slog.Logger) Offline {
	var o Offline
	opt := tesseract.Options{Path: c.Tesseract, Log: log}
	var behind tesseract.WordReader
	if c.Reader != config.Off {
		path := c.Reader
		if path == config.Auto {
			path = ""
		}
		client, err := reader.New(ctx, reader.Options{Path: path, Cache: readerCache(c), Nice: readerNice})
		if err != nil {
			if o.Why = err; o.Broken() {
				log.Warn("the neural reader does not work here; Tesseract reads", "err", err)
			}
		} else {
			second := client.Background()
			o.clients, o.Neural = []*reader.Client{client, second}, client.Name()
			opt.Reader, behind = client, second
		}
	}
	if o.Engine, o.Err = tesseract.New(opt); o.Err != nil {
		return o
	}
	if o.Engine.Version() != "" {
		behind = nil // Tesseract tells fewer rows as lost that are not (ADR 65)
	}
	o.Witness = o.Engine.Background(behind)
	return o
}

// readerCache is the folder below which the reader unpacks its library: that of the user for such files, which several data
// folders share, or the data folder where the user has none.
func readerCache(c *config.Config) string {
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "sheetlift", "reader")
	}
	if c.Data != config.Memory {
		return filepath.Join(c.Data, "reader")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("sheetlift-reader-%d", os.Getuid()))
}

// Says names the reader of offline pictures here and why, in sentences for the technician.
func (o Offline) Says() string {
	switch {
	case o.Engine == nil:
		return ""
	case o.Neural != "" && o.Engine.Version() == "":
		return fmt.Sprintf("The neural reader (%s) can read offline. Tesseract is not installed, so nothing reads the pictures that it stops over.", o.Neural)
	case o.Neural != "":
		return fmt.Sprintf("The neural reader (%s) can read offline; Tesseract %s reads the pictures that it stops over.", o.Neural, o.Engine.Version())
	case o.Why != nil:
		return fmt.Sprintf("Tesseract %s can read offline. The neural reader cannot be used on this machine (%s/%s): %v.", o.Engine.Version(), runtime.GOOS, runtime.GOARCH, o.Why)
	}
	return fmt.Sprintf("Tesseract %s can read offline. The neural reader is switched off (SHEETLIFT_READER).", o.Engine.Version())
}
