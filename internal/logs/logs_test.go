package logs_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/logs"
)

func TestASubsystemLogsAtItsOwnLevelAndNamesItself(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	levels := logs.NewLevels(slog.LevelInfo)
	log := logs.New(&out, logs.Text, levels)
	store, pool := logs.For(log, "store"), logs.For(log, "keypool")
	store.Debug("not yet")
	if err := levels.Set("store", slog.LevelDebug); err != nil {
		t.Fatal(err)
	}
	store.With("batch", "b1").Debug("now")
	pool.Debug("still not")
	log.Info("whole program")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "msg=now part=store batch=b1") || strings.Contains(lines[1], "part=") {
		t.Errorf("the log is\n%s", out.String())
	}
	if err := levels.Set("kitchen", slog.LevelDebug); err == nil {
		t.Error("a subsystem that does not exist has a level")
	}
	want := []logs.Part{{"", slog.LevelInfo}, {"keypool", slog.LevelInfo}, {"store", slog.LevelDebug}}
	if got := levels.Parts(); !slices.Equal(got, want) {
		t.Errorf("the levels are %v, not %v", got, want)
	}
}

func TestToggleSwitchesAllToDebugAndBack(t *testing.T) {
	t.Parallel()
	for _, initial := range []slog.Level{slog.LevelInfo, slog.LevelWarn} {
		levels := logs.NewLevels(initial)
		log := logs.New(&bytes.Buffer{}, logs.Text, levels)
		store := logs.For(log, "store")
		for _, want := range []slog.Level{slog.LevelDebug, initial, slog.LevelDebug} {
			got := levels.Toggle()
			if got != want || store.Enabled(t.Context(), slog.LevelDebug) != (want == slog.LevelDebug) {
				t.Errorf("toggled to %v instead of %v", got, want)
			}
		}
	}
	levels := logs.NewLevels(slog.LevelDebug)
	logs.New(&bytes.Buffer{}, logs.Text, levels)
	if got := levels.Toggle(); got != slog.LevelInfo {
		t.Errorf("a program that was started at debug is toggled to %v", got)
	}
}

func TestLinesOfJSONCarryTheirFields(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := logs.New(&out, logs.JSON, logs.NewLevels(slog.LevelInfo))
	logs.For(log, "web").WithGroup("request").Warn("late", "id", "r1")
	var line struct {
		Level, Msg, Part string
		Request          struct{ ID string }
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Level != "WARN" || line.Msg != "late" || line.Part != "web" || line.Request.ID != "r1" {
		t.Errorf("%s: %v", out.String(), err)
	}
}

func TestALoggerOfAnotherOriginOnlyNamesTheSubsystem(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logs.For(slog.New(slog.NewTextHandler(&out, nil)), "web").Info("hello")
	if !strings.Contains(out.String(), "msg=hello part=web") {
		t.Error(out.String())
	}
}
