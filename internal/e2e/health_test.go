package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestTheHealthAddressSaysWhenTheDataFolderIsGone(t *testing.T) {
	t.Parallel()
	expectWarnings(t, unhealthy)
	dir := t.TempDir()
	home, data := filepath.Join(dir, "home"), filepath.Join(dir, "data")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	// The folder is named by a link, which turns elsewhere and back in one step. Nothing can be made anew below a link that
	// leads nowhere.
	lead := func(to string) {
		t.Helper()
		if err := os.Symlink(to, data+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(data+".new", data); err != nil {
			t.Fatal(err)
		}
	}
	lead(home)
	p := run(t, "SHEETLIFT_DATA="+data)
	health := func(want int) {
		t.Helper()
		if code, said, _ := p.fetch(t, "/health"); code != want {
			t.Errorf("health answers %d, want %d: %s", code, want, said)
		}
	}
	health(http.StatusOK)
	lead(filepath.Join(dir, "gone", "data"))
	health(http.StatusServiceUnavailable)
	lead(home)
	health(http.StatusOK)
}
