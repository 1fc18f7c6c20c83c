package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
)

func TestASecondSignalEndsTheProgramAtOnceAndNothingIsLost(t *testing.T) {
	t.Parallel()
	expectWarnings(t, killed, poison)
	gemini, environ := fake(t, 1, time.Hour) // its answer never comes within the test
	environ = append(environ, "SHEETLIFT_DATA="+filepath.Join(t.TempDir(), "data"), "SHEETLIFT_GRACE=5m")
	cmd, p := child(t, environ...)
	_, started := p.post(t, "?max_concurrent=2", sheets(2))
	waitFor(t, func() bool { return gemini.InFlight("key 1") == 2 })
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	waitFor(t, func() bool { // signals that come while one is pending are one: the second is sent until it is seen
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err = <-ended:
			return true
		default:
			return false
		}
	})
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("it ended with %v", err)
	}
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1"})
	_, p = child(t, environ...)
	if status := p.ended(t, started["job_id"].(string), time.Minute); status["completed_images"] != float64(2) {
		t.Errorf("after the next start: %v", status)
	}
}

// TestASmallMachineReadsABatchToo: one processor, 64 open files, a soft limit of memory.
func TestASmallMachineReadsABatchToo(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 2, 10*time.Millisecond)
	cmd, p := childBy(t, exec.CommandContext(t.Context(), "sh", "-c", `ulimit -n 64 && exec "$0" serve`, os.Args[0]),
		append(environ, "SHEETLIFT_DATA="+filepath.Join(t.TempDir(), "data"), "GOMAXPROCS=1", "GOMEMLIMIT=128MiB")...)
	_, started := p.post(t, "", sheets(12))
	if status := p.ended(t, started["job_id"].(string), time.Minute); status["completed_images"] != float64(12) {
		t.Errorf("ended with %v", status)
	}
	checkRows(t, p.workbook(t, started["job_id"].(string)), wantRows(12))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func TestKeysOfOtherProgramsInTheEnvironmentAreNotUsed(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 1, time.Millisecond)
	other := canary + "-of-another-program"
	_, p := child(t, append(environ, "GOOGLE_API_KEY="+other, "GOOGLE_GENAI_USE_VERTEXAI=true", "GOOGLE_CLOUD_PROJECT=elsewhere")...)
	if states := p.labels(t); len(states) != 1 {
		t.Errorf("keys are %v", states)
	}
	_, started := p.post(t, "", sheets(1))
	if status := p.ended(t, started["job_id"].(string), time.Minute); status["completed_images"] != float64(1) {
		t.Errorf("ended with %v", status)
	}
	for _, call := range gemini.Calls() {
		if call.Key != "key 1" {
			t.Errorf("a call came with the key %q", call.Key)
		}
	}
}

func TestTheLogHoldsNoCellsAndNoForgedLines(t *testing.T) {
	t.Parallel()
	_, environ := fake(t, 1, time.Millisecond)
	p := run(t, environ...)
	files := sheets(1)
	files[0].name = "forged\nlevel=ERROR msg=forged.jpg"
	_, started := p.post(t, "", files)
	id := started["job_id"].(string)
	p.ended(t, id, time.Minute)
	p.stop()
	for _, line := range strings.Split(p.log.String(), "\n") {
		if strings.HasPrefix(line, "level=ERROR msg=forged") {
			t.Error("a file name forged a line of the log")
		}
		for _, cell := range slices.Concat(simulator.Rows(1)...) {
			if len(cell) > 6 && strings.Contains(line, cell) {
				t.Errorf("the log holds the cell %q: %s", cell, line)
			}
		}
	}
}
