package e2e_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// logBuffer collects the log of a server.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// watchedLog is the log of one server of the test. When the test is over, and the server has ended, it fails for every warning
// and every error in it that neither expectWarnings announced nor slowness alone explains. Call it before the server's end
// is registered with t.Cleanup.
func watchedLog(t testing.TB) *logBuffer {
	log := &logBuffer{}
	t.Cleanup(func() {
		expected := expectedBy(t.Name())
		for _, line := range faults(log.String(), expected) {
			t.Errorf("the log has a line that the test does not expect: %s", line)
		}
	})
	return log
}

// expectations are the warnings that a running test announced, by its name.
var expectations sync.Map

// expectWarnings announces that the test breaks something on purpose: its servers, and those of its subtests, may log
// these warnings and errors from now on. Call it before the server starts.
func expectWarnings(t testing.TB, warnings ...warning) {
	t.Helper()
	name := t.Name()
	before, _ := expectations.Load(name)
	already, _ := before.([]warning)
	expectations.Store(name, slices.Concat(already, warnings))
	t.Cleanup(func() { expectations.Delete(name) }) // runs after those of servers that start later
}

// expectedBy returns the warnings that the test with this name and its parent tests announced.
func expectedBy(name string) (all []warning) {
	for more := true; more; {
		if announced, there := expectations.Load(name); there {
			all = append(all, announced.([]warning)...)
		}
		at := strings.LastIndexByte(name, '/')
		if more = at >= 0; more {
			name = name[:at]
		}
	}
	return all
}

// faults are the warnings and errors of a log that are not expected.
func faults(log string, expected []warning) (lines []string) {
	for line := range strings.Lines(log) {
		bad := strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR")
		if bad && !of(line, slowness) && !of(line, absence) && !of(line, expected) {
			lines = append(lines, line)
		}
	}
	return lines
}

// of reports whether the line is one of these warnings.
func of(line string, warnings []warning) bool {
	return slices.ContainsFunc(warnings, func(w warning) bool {
		level := "WARN"
		if w.isError {
			level = "ERROR"
		}
		begins, _ := strings.CutPrefix(line[strings.Index(line, " level=")+1:], "level="+level+" msg=")
		return strings.HasPrefix(strings.TrimPrefix(begins, `"`), w.begins) && strings.Contains(line, w.has)
	})
}

func TestAServerMayLogWhatItsTestExpectsAndNothingElse(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l := slog.New(slog.NewTextHandler(&log, nil))
	for _, s := range slowness {
		level := slog.LevelWarn
		if s.isError {
			level = slog.LevelError
		}
		l.Log(t.Context(), level, s.begins+" "+s.has, "err", "it took too long")
	}
	if got := faults(log.String(), nil); len(got) > 0 {
		t.Errorf("slowness is a fault: %q", got)
	}
	log.Reset()
	l.Error(slowness[0].begins)
	l.Warn("a picture broke", "err", slowness[0].begins)
	l.Info("all is well")
	if got := faults(log.String(), nil); len(got) != 2 {
		t.Errorf("the faults are %q", got)
	}
	expectWarnings(t, warning{begins: "a picture"})
	t.Run("part", func(t *testing.T) {
		if got := faults(log.String(), expectedBy(t.Name())); len(got) != 1 || !strings.Contains(got[0], slowness[0].begins) {
			t.Errorf("with a picture that may break, the faults are %q", got)
		}
	})
	if got := expectedBy("TestAServer"); len(got) > 0 {
		t.Errorf("another test expects %v", got)
	}
}

func TestEveryWarningThatTestsExpectIsInTheCode(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	internal := os.DirFS("..")
	err := fs.WalkDir(internal, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		data, err := fs.ReadFile(internal, name)
		code.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range slices.Concat(slowness, absence, onPurpose) {
		if !w.foreign && !strings.Contains(code.String(), `"`+w.begins) {
			t.Errorf("nothing says %q", w.begins)
		}
	}
}
