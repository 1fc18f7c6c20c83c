package app

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sheetlift/internal/admin"
	"sheetlift/internal/config"
	"sheetlift/internal/web"
)

func TestMoreConnectionsThanTheFilesAllowAreRefusedBeforeAnyDataIsOpened(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	c := &config.Config{Connections: web.MostConnections() + 1, Data: data}
	_, err := New(t.Context(), c, "test", slog.New(slog.DiscardHandler))
	if !config.IsUsage(err) || !strings.Contains(err.Error(), "SHEETLIFT_CONNECTIONS") || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("it says %v", err)
	}
	if files, _ := filepath.Glob(data + "*"); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
}

// lines hands on every line of a log.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// started builds the program on a folder whose control socket has a path that fits, and does not run it yet.
func started(t *testing.T) (*App, *config.Config) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c, _, err := config.Load(nil, config.Source{
		Environ:  []string{"SHEETLIFT_ADDR=127.0.0.1:0", "SHEETLIFT_DATA=" + filepath.Join(dir, "data")},
		ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist },
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, c
}

func TestACommandWaitsForAProgramThatIsStillStarting(t *testing.T) {
	t.Parallel()
	a, c := started(t)
	log := make(lines, 1000)
	said := make(chan error, 1)
	go func() {
		said <- admin.Tokens(t.Context(), c, admin.TokenRequest{Do: "create", Name: "scanner", Role: "viewer"}, io.Discard,
			slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}()
	for waits := false; !waits; { // the program holds the folder, and nobody answers commands
		select {
		case line := <-log:
			waits = strings.Contains(line, "asking again")
		case err := <-said:
			t.Fatalf("the command ended with %v", err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	if err := <-said; err != nil {
		t.Errorf("the command ended with %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func TestAProgramThatIsStoppedWhileItStartsEndsWithoutAnError(t *testing.T) {
	t.Parallel()
	for range 4 {
		a, _ := started(t)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := a.Run(ctx); err != nil {
			t.Fatalf("it ended with %v", err)
		}
	}
}
