package config_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sheetlift/internal/config"
)

func TestOnlyAPlainFileUpToOneMegabyteIsReadAndNothingBlocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 300<<20); err != nil {
		t.Fatal(err)
	}
	for file, why := range map[string]string{
		pipe: "is not a plain file", dir: "is not a plain file", "/dev/zero": "is not a plain file",
		large: "is larger than 1 MB", filepath.Join(dir, "gone"): "does not exist",
	} {
		for _, setting := range []string{"GEMINI_API_KEYS_FILE", "SHEETLIFT_MODELS"} {
			var files config.Files
			_, _, err := config.Load(nil, config.Source{
				Environ: []string{setting + "=" + file}, ReadFile: files.ReadFile, Stat: files.Stat, Folder: dir,
			})
			if !config.IsUsage(err) || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), setting) {
				t.Errorf("%s %s: %v", setting, file, err)
			}
		}
	}
	var files config.Files
	if err := unix.Mkfifo(filepath.Join(dir, ".env"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := config.Load(nil, config.Source{ReadFile: files.ReadFile, Folder: dir}); !config.IsUsage(err) || !strings.Contains(err.Error(), "plain file") {
		t.Errorf(".env is a pipe: %v", err)
	}
}

func TestAKeysFileThatTurnsIntoAPipeIsNamedAndReadAgainWhenItIsAFile(t *testing.T) {
	t.Parallel()
	var files config.Files
	dir := t.TempDir()
	file := filepath.Join(dir, "keys")
	write := func() {
		if err := os.WriteFile(file, []byte("one@a:"+secretPart+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	c, _, err := config.Load(nil, config.Source{
		Environ: []string{"GEMINI_API_KEYS_FILE=" + file}, ReadFile: files.ReadFile, Stat: files.Stat, Folder: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := c.StatKeys(); !os.IsNotExist(err) {
		t.Errorf("the state of a file that is gone: %v", err)
	}
	if err := unix.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reread(); err == nil || !strings.Contains(err.Error(), "is not a plain file") {
		t.Errorf("got %v", err)
	}
	if info, err := c.StatKeys(); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("got %v, %v", info, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	write()
	if keys, err := c.Reread(); err != nil || len(keys) != 1 {
		t.Errorf("got %v, %v", keys, err)
	}
}
