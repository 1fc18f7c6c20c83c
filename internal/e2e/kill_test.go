package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/cli"
	"sheetlift/internal/store/storetest"
)

// asProgram is the variable that makes this test binary be the program itself. It does not begin as settings do: the program
// would warn of it.
const asProgram = "TEST_AS_SHEETLIFT"

func TestMain(m *testing.M) {
	storetest.Node()
	if os.Getenv(asProgram) != "" {
		os.Exit(cli.Main(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}
	code := m.Run()
	if end := endChromium.Load(); end != nil {
		(*end)()
	}
	if crashed.Load() {
		bin, _ := crashing()
		_ = os.RemoveAll(filepath.Dir(bin))
	}
	if readerFolder != "" {
		_ = os.RemoveAll(readerFolder)
	}
	os.Exit(code)
}

// child starts the program as a process of its own and waits until it says where it is.
func child(t testing.TB, environ ...string) (*exec.Cmd, *process) {
	t.Helper()
	return childOf(t, os.Args[0], environ...)
}

// childOf is child for another build of the program.
func childOf(t testing.TB, program string, environ ...string) (*exec.Cmd, *process) {
	t.Helper()
	return childBy(t, exec.CommandContext(t.Context(), program, "serve"), environ...)
}

// childBy is child for a command of the test's own.
func childBy(t testing.TB, cmd *exec.Cmd, environ ...string) (*exec.Cmd, *process) {
	t.Helper()
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "SHEETLIFT_ADDR=127.0.0.1:0", "SHEETLIFT_WITNESS=off"}, environ...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log := watchedLog(t)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), " is ready: "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return cmd, &process{url: url, log: log}
		}
	}
	t.Fatalf("the program did not start: %s", log)
	return nil, nil
}

func TestAKilledProcessLosesNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	expectWarnings(t, killed, poison) // a kill may fall on a picture that is being opened
	data := filepath.Join(t.TempDir(), "data")
	gemini, environ := fake(t, 3, 150*time.Millisecond)
	environ = append(environ, "SHEETLIFT_DATA="+data)
	const atOnce, images, kills = 4, 40, 3
	cmd, p := child(t, environ...)
	_, started := p.post(t, "?max_concurrent=4", sheets(images))
	id := started["job_id"].(string)
	for k := 1; k <= kills; k++ {
		waitFor(t, func() bool { return len(gemini.Calls()) >= k*images/(kills+2) })
		if err := cmd.Process.Kill(); err != nil { // SIGKILL: nothing is said goodbye to
			t.Fatal(err)
		}
		_ = cmd.Wait()
		cmd, p = child(t, environ...)
	}
	status := p.ended(t, id, time.Minute)
	if status["completed_images"] != float64(images) {
		t.Errorf("ended with %v", status)
	}
	checkRows(t, p.workbook(t, id), wantRows(images))
	if extra := len(gemini.Calls()) - images; extra > kills*atOnce {
		t.Errorf("%d calls were made twice, more than kills × images in hand = %d", extra, kills*atOnce)
	}
}

func waitFor(t testing.TB, cond func() bool) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(time.Minute)
	for !cond() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatal("a minute has passed and it has not come to that")
		}
	}
}

func TestASecondProcessOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	child(t, "SHEETLIFT_DATA="+data)
	second := exec.CommandContext(t.Context(), os.Args[0])
	second.Env = []string{asProgram + "=1", "SHEETLIFT_ADDR=127.0.0.1:0", "SHEETLIFT_DATA=" + data}
	second.Dir = t.TempDir()
	out, err := second.CombinedOutput()
	if err == nil || second.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), data) {
		t.Errorf("exit code %d: %s", second.ProcessState.ExitCode(), out)
	}
}

func TestAWrongSettingEndsWithCode2BeforeAnyDataIsOpened(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{asProgram + "=1", "SHEETLIFT_ADDR=0.0.0.0:0", "SHEETLIFT_DATA=" + data}
	cmd.Dir = t.TempDir()
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(out), "SHEETLIFT_PASSWORD") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the data folder was touched: %v", err)
	}
}

func TestCommandsThatReadTheDataSayWhenThereIsNoneAndMakeNothing(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{{"export", "out.tar"}, {"backup", "backups"}, {"doctor"}, {"token", "list"}, {"token", "revoke", "scanner"}} {
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), os.Args[0], words...)
		cmd.Env, cmd.Dir = []string{asProgram + "=1"}, dir
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), "There is no data folder of Sheetlift at ./data") {
			t.Errorf("%v: exit code %d: %s", words, code, out)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%v left %v, %v", words, left, err)
		}
	}
}

// doctor runs the command on the folder and returns its exit code and its output.
func doctor(t *testing.T, data string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "doctor")
	cmd.Env = []string{asProgram + "=1", "SHEETLIFT_DATA=" + data}
	cmd.Dir = t.TempDir()
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestTheDoctorWantsTheFolderForItselfAndMendsWhatAKillLeft(t *testing.T) {
	t.Parallel()
	expectWarnings(t, killed)
	data := filepath.Join(t.TempDir(), "data")
	gemini, environ := fake(t, 1, 150*time.Millisecond)
	cmd, p := child(t, append(environ, "SHEETLIFT_DATA="+data)...)
	p.post(t, "?max_concurrent=2", sheets(6))
	if code, said := doctor(t, data); code != 1 || !strings.Contains(said, fmt.Sprintf("process %d", cmd.Process.Pid)) {
		t.Errorf("while the program runs: exit code %d: %s", code, said)
	}
	waitFor(t, func() bool { return len(gemini.Calls()) >= 2 })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	doctor(t, data)
	if code, said := doctor(t, data); code != 0 || !strings.Contains(said, "1 batches, 6 images, 6 pictures") || !strings.Contains(said, "All is well") || !strings.Contains(said, "Tesseract") {
		t.Errorf("after it: exit code %d: %s", code, said)
	}
	if code, said := doctor(t, data+"-not"); code != 1 || !strings.Contains(said, "no data folder") {
		t.Errorf("on no folder: exit code %d: %s", code, said)
	}
}
