// Package logs builds the log of the program: lines of text or JSON, with a level for each subsystem that may be changed while
// the program runs.
package logs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// The formats of a line.
const (
	Text = "text" // key=value
	JSON = "json" // one object
)

// attribute is the key under which a line names its subsystem.
const attribute = "part"

// Levels holds the level of each subsystem. It is safe for concurrent use.
type Levels struct {
	mu      sync.Mutex
	initial slog.Level
	parts   map[string]*slog.LevelVar
}

// NewLevels returns levels that are all initial until they are set.
func NewLevels(initial slog.Level) *Levels {
	return &Levels{initial: initial, parts: map[string]*slog.LevelVar{}}
}

func (l *Levels) of(part string) *slog.LevelVar {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.parts[part]
	if v == nil {
		v = &slog.LevelVar{}
		v.Set(l.initial)
		l.parts[part] = v
	}
	return v
}

// Part is a subsystem with its level.
type Part struct {
	Name  string // "" for lines of no subsystem
	Level slog.Level
}

// Parts returns all subsystems that have a logger, by name.
func (l *Levels) Parts() []Part {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Part, 0, len(l.parts))
	for name, v := range l.parts {
		all = append(all, Part{name, v.Level()})
	}
	slices.SortFunc(all, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Set changes the level of one subsystem. It returns an error for a subsystem that has no logger.
func (l *Levels) Set(part string, level slog.Level) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.parts[part]
	if v == nil {
		return fmt.Errorf("there is no subsystem %q", part)
	}
	v.Set(level)
	return nil
}

// Toggle sets all subsystems to debug, or back to the initial level (info, if that is debug) when all are at debug already. It
// returns the new level.
func (l *Levels) Toggle() slog.Level {
	l.mu.Lock()
	defer l.mu.Unlock()
	level := max(l.initial, slog.LevelInfo)
	for _, v := range l.parts {
		if v.Level() > slog.LevelDebug {
			level = slog.LevelDebug
		}
	}
	for _, v := range l.parts {
		v.Set(level)
	}
	return level
}

// New returns a logger that writes lines in the format to w, with the levels. For derives loggers of subsystems from it.
func New(w io.Writer, format string, levels *Levels) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelDebug} // the handler below decides
	var lines slog.Handler = slog.NewTextHandler(w, options)
	if format == JSON {
		lines = slog.NewJSONHandler(w, options)
	}
	return slog.New(handler{lines, levels, levels.of("")})
}

// For returns a logger whose lines name the subsystem and obey its level. A logger of another origin only names it.
func For(log *slog.Logger, part string) *slog.Logger {
	if h, ok := log.Handler().(handler); ok {
		h.level = h.levels.of(part)
		log = slog.New(h)
	}
	return log.With(attribute, part)
}

// LevelsOf returns the levels of a logger that New made, and nil for any other.
func LevelsOf(log *slog.Logger) *Levels {
	if h, ok := log.Handler().(handler); ok {
		return h.levels
	}
	return nil
}

type handler struct {
	slog.Handler
	levels *Levels
	level  *slog.LevelVar
}

// Enabled implements slog.Handler.
func (h handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
