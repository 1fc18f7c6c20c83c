package app

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

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
