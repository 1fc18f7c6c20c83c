package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/keypool"
)

const secretPart = "canary-7c4"

func keyOf(label, project, value string) keypool.Key {
	return keypool.Key{Label: label, Project: project, Secret: keypool.NewSecret(secretPart + value)}
}

// keysFile writes a keys file into a folder of its own.
func keysFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func holds(t *testing.T, file, want string) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("the file holds %q, %v; want %q", got, err, want)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside it lie %v, %v", entries, err)
	}
}

func TestAKeyIsAppendedToItsFileAndWhatStandsThereStays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after string }{
		"empty":            {"", "Ann@shop:" + secretPart + "1\n"},
		"without last end": {"one@a:x", "one@a:x\nAnn@shop:" + secretPart + "1\n"},
		"comments":         {"\ufeff# ours\n\n  y \n# the end\n", "\ufeff# ours\n\n  y \n# the end\nAnn@shop:" + secretPart + "1\n"},
		"lines of Windows": {"x\r\ny\r\n", "x\r\ny\r\nAnn@shop:" + secretPart + "1\n"},
		"there bare":       {secretPart + "1", secretPart + "1"},
		"there labelled":   {"Bob@:" + secretPart + "1\n", "Bob@:" + secretPart + "1\n"},
		"there as comment": {"#" + secretPart + "1\n", "#" + secretPart + "1\nAnn@shop:" + secretPart + "1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []os.FileMode{0o600, 0o640} {
				file := keysFile(t, c.before, mode)
				if err := config.AppendKey(t.Context(), file, keyOf("Ann", "shop", "1")); err != nil {
					t.Fatal(err)
				}
				holds(t, file, c.after)
				if info, err := os.Stat(file); err != nil || info.Mode() != mode {
					t.Errorf("mode %v became %v, %v", mode, info.Mode(), err)
				}
			}
		})
	}
}

func TestAnAppendedKeyIsReadAgainAsItWasGiven(t *testing.T) {
	t.Parallel()
	file := keysFile(t, "# none yet", 0o600)
	for _, k := range []keypool.Key{keyOf("Änne 2", "", "a:b@c"), keyOf("key 7", "shop-1", "#x")} {
		if err := config.AppendKey(t.Context(), file, k); err != nil {
			t.Fatal(err)
		}
		c, _, err := config.Load(nil, config.Source{Environ: []string{"GEMINI_API_KEYS_FILE=" + file}, ReadFile: os.ReadFile, Folder: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		got, err := keypool.ParseKey(c.Keys[len(c.Keys)-1].Text, 1)
		if err != nil || got.Label != k.Label || got.Project != k.Project || got.Secret.Reveal() != k.Secret.Reveal() {
			t.Errorf("%s of %s is read as %s of %s, %v", k.Label, k.Project, got.Label, got.Project, err)
		}
	}
}

func TestKeysAppendedAtTheSameTimeAreAllThere(t *testing.T) {
	t.Parallel()
	file := keysFile(t, "# keys\n", 0o600)
	const n = 12
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := config.AppendKey(t.Context(), file, keyOf(fmt.Sprint("key ", i), "", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if slices.Sort(lines[1:]); len(slices.Compact(lines)) != n+1 || lines[0] != "# keys" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}

func TestAKeyIsNeverAddedThroughALinkOrToAFileThatHoldsSomethingElse(t *testing.T) {
	t.Parallel()
	file := keysFile(t, "x\n", 0o600)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	refused(t, link, "is a link")
	holds(t, file, "x\n")
	for name, text := range map[string]string{
		"settings": "PATH=/usr/bin\n", "a script": "#!/bin/sh\necho\n", "a shell's": "export A=b\n",
		"prose": "Keys are kept here.\n", "a table": "root:x:0:0:root:/root:/bin/bash of root\n",
		"more than 1 MB": strings.Repeat(strings.Repeat("k", 99)+"\n", 1<<14),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := keysFile(t, text, 0o600)
			refused(t, file, "holds something else than keys")
			holds(t, file, text)
		})
	}
}

func TestTheOwnerOfTheKeysFileStays(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can give a file to somebody else")
	}
	file := keysFile(t, "", 0o600)
	if err := os.Chown(file, 12345, 54321); err != nil {
		t.Fatal(err)
	}
	if err := config.AppendKey(t.Context(), file, keyOf("Ann", "", "1")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 12345 || s.Gid != 54321 {
		t.Errorf("it belongs to %d:%d now", s.Uid, s.Gid)
	}
}

// refused fails unless AppendKey refuses with this reason, without showing the key.
func refused(t *testing.T, file, why string) {
	t.Helper()
	err := config.AppendKey(t.Context(), file, keyOf("Ann", "", "1"))
	if message := errs.Message(err); err == nil || !strings.Contains(message, why) || strings.Contains(fmt.Sprintf("%+v", err), secretPart) {
		t.Errorf("got %v, want %q", err, why)
	}
}

func TestAFileThatCannotBeAppendedToStaysAndTheReasonIsSaid(t *testing.T) {
	t.Parallel()
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		file := keysFile(t, "x\n", 0o400)
		refused(t, file, "read-only for this program")
		holds(t, file, "x\n")
	})
	t.Run("no plain file", func(t *testing.T) {
		t.Parallel()
		pipe := filepath.Join(t.TempDir(), "pipe")
		if err := unix.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, pipe, "not a file that can be added to")
		refused(t, t.TempDir(), "not a file that can be added to")
		refused(t, filepath.Join(t.TempDir(), "gone"), "could not be written")
	})
	t.Run("a key of two lines", func(t *testing.T) {
		t.Parallel()
		file := keysFile(t, "x\n", 0o600)
		if err := config.AppendKey(t.Context(), file, keyOf("Ann", "", "1\nevil@:2")); !errors.Is(err, keypool.ErrForm) || strings.Contains(err.Error(), secretPart) {
			t.Errorf("got %v", err)
		}
		holds(t, file, "x\n")
	})
	for cause, why := range map[error]string{
		unix.EBUSY: "mounted from elsewhere", unix.EXDEV: "mounted from elsewhere", unix.EROFS: "read-only", unix.EWOULDBLOCK: "in use by another program",
		unix.ENOSPC: "no room on the disk", unix.EIO: "could not be written",
	} {
		if got := errs.Message(config.AppendError(&os.LinkError{Op: "rename", Err: cause})); !strings.Contains(got, why) {
			t.Errorf("%v is said as %q", cause, got)
		}
	}
}
