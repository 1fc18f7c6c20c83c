package e2e_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallDisk is a disk in memory that a test can fill: its size changes while it is in use.
type smallDisk struct{ dir string }

// mount gives the test a disk of its own, or skips the test where that is not allowed.
func mount(t *testing.T, size int64) *smallDisk {
	t.Helper()
	d := &smallDisk{t.TempDir()}
	if err := unix.Mount("tmpfs", d.dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("no disk can be mounted here, which takes root and a system that allows it: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

// leave resizes the disk to its content plus free bytes, as if another program had filled or freed the rest.
func (d *smallDisk) leave(t *testing.T, free int64) {
	t.Helper()
	for range 100 { // the program writes meanwhile, and a disk cannot become smaller than its content
		var s unix.Statfs_t
		if err := unix.Statfs(d.dir, &s); err != nil {
			t.Fatal(err)
		}
		used := int64(s.Blocks-s.Bfree) * s.Bsize
		err := unix.Mount("tmpfs", d.dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", used+free))
		if err == nil {
			return
		}
		if err != unix.EINVAL {
			t.Fatal(err)
		}
	}
	t.Fatal("the disk could not be made smaller")
}

func TestADiskThatIsReallyFullLosesNothingAndWorkGoesOnWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	expectWarnings(t, fullDisk...)
	const mb = 1 << 20
	disk := mount(t, 1<<30)
	gemini, environ := fake(t, 2, 300*time.Millisecond)
	environ = append(environ, "SHEETLIFT_DATA="+filepath.Join(disk.dir, "data"), "SHEETLIFT_BACKUPS=0")
	cmd, p := child(t, environ...)

	_, made := p.ask(t, http.MethodPost, "", `{"preset": "inventory", "at_once": 4}`)
	id := made["id"].(string)
	disk.leave(t, 258*mb) // uploads are refused once 256 MB are left
	taken := 0
	for _, f := range sheets(40) {
		code, answer := p.ask(t, http.MethodPut, fmt.Sprintf("%s/images/sheet-%04d?filename=%s&position=%d", id, taken+1, f.name, taken+1), string(f.data))
		if code == http.StatusInsufficientStorage {
			if !strings.Contains(fmt.Sprint(answer["detail"]), "nearly full") {
				t.Errorf("an upload on a full disk is answered %v", answer)
			}
			break
		}
		if code != http.StatusCreated {
			t.Fatalf("an upload is answered %d %v", code, answer)
		}
		taken++
	}
	if taken < 2 || taken == 40 {
		t.Fatalf("%d pictures were taken until the disk was full", taken)
	}
	if code, answer := p.ask(t, http.MethodPost, id+"/start", `{}`); code != http.StatusOK {
		t.Fatalf("starting: %d %v", code, answer)
	}
	waitFor(t, func() bool { return len(gemini.Calls()) > 0 || gemini.InFlight("key 1")+gemini.InFlight("key 2") > 0 })
	disk.leave(t, 0) // with calls on their way
	waitFor(t, func() bool {
		return strings.Contains(p.page(t, "/batches/"+id), "The disk is full. It goes on by itself once there is room.")
	})
	if code, _, _ := p.fetch(t, "/health"); code != http.StatusServiceUnavailable {
		t.Errorf("the health is %d", code)
	}
	for _, path := range []string{"/", "/batches/" + id, "/api/v1/batches/" + id, "/keys"} {
		if code, said, _ := p.fetch(t, path); code != http.StatusOK {
			t.Errorf("%s is answered %d %.300s", path, code, said)
		}
	}
	if code, answer := p.ask(t, http.MethodPost, "", `{}`); code != http.StatusInsufficientStorage {
		t.Errorf("a new batch is answered %d %v", code, answer)
	}
	waitFor(t, func() bool { return gemini.InFlight("key 1")+gemini.InFlight("key 2") == 0 })
	disk.leave(t, 600*mb)
	if status := p.ended(t, id, 3*time.Minute); status["completed_images"] != float64(taken) {
		t.Errorf("ended with %v\n%s", status, p.log)
	}
	checkRows(t, p.workbook(t, id), wantRows(taken))
	if calls := len(gemini.Calls()); calls != taken {
		t.Errorf("%d calls for %d pictures", calls, taken)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}
