package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"sheetlift/internal/engine/gemini/simulator"
)

// labels are the labels of the keys, with their states, as GET /api/v1/keys tells them.
func (p *process) labels(t testing.TB) map[string]string {
	t.Helper()
	_, answer := p.get(t, "/api/v1/keys")
	states := map[string]string{}
	for _, k := range answer["keys"].([]any) {
		key := k.(map[string]any)
		states[key["label"].(string)] = key["state"].(string)
	}
	return states
}

// reread has the keys read anew and waits for it.
func (p *process) reread(t *testing.T) {
	t.Helper()
	const word = "the keys were read anew"
	before := strings.Count(p.log.String(), word)
	p.renew()
	waitFor(t, func() bool { return strings.Count(p.log.String(), word) > before })
}

// act sends a form to path, as a button of a page does, and returns the status and the answer.
func (p *process) act(t testing.TB, path string, form url.Values) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var page strings.Builder
	if err := res.Write(&page); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), canary) {
		t.Errorf("%s shows a key", path)
	}
	return res.StatusCode, page.String()
}

func TestKeysAreAddedTestedAndSwitchedWhileTheProgramRuns(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyRefused)
	gemini, environ := fake(t, 1, 10*time.Millisecond)
	dead := simulator.PayloadAnswer("400-api-key-invalid")
	gemini.SetKey(simulator.Key{Value: canary + "-new", Label: "new"})
	gemini.SetKey(simulator.Key{Value: canary + "-dead", Label: "dead", Always: &dead})
	p := run(t, environ...)
	if code, page := p.act(t, "/keys", url.Values{"key": {canary + "-new"}, "label": {"Ann"}, "project": {"shop"}}); code != 200 || !strings.Contains(page, "Ann was added") {
		t.Fatalf("adding: %d", code)
	}
	if code, _ := p.act(t, "/keys", url.Values{"key": {"  "}}); code != 422 {
		t.Errorf("a blank key: %d", code)
	}
	if _, page := p.act(t, "/keys", url.Values{"key": {canary + "-new"}, "label": {"Eve"}}); !strings.Contains(page, "here already, as Ann") {
		t.Error("a key that is there was added again")
	}
	p.act(t, "/keys", url.Values{"key": {canary + "-dead"}, "label": {"Bob"}})
	if _, page := p.act(t, "/keys/test", url.Values{"label": {"Ann"}}); !strings.Contains(page, "Ann works.") {
		t.Error("a good key was not said to work")
	}
	if _, page := p.act(t, "/keys/test", url.Values{"label": {"Bob"}}); !strings.Contains(page, "Bob does not work") {
		t.Error("a dead key was not said to be dead")
	}
	p.act(t, "/keys/disable", url.Values{"label": {"key 1"}})
	if code, _ := p.act(t, "/keys/disable", url.Values{"label": {"nobody"}}); code != 404 {
		t.Errorf("a key that is not there: %d", code)
	}
	states := p.labels(t)
	if states["Ann"] != "active" || states["Bob"] != "quarantined" || states["key 1"] != "disabled" {
		t.Errorf("states: %v", states)
	}
	_, started := p.post(t, "", sheets(6))
	if status := p.ended(t, started["job_id"].(string), time.Minute); status["completed_images"] != 6.0 {
		t.Errorf("ended with %v", status)
	}
	if calls := gemini.Stats(); calls["new"].Calls != 6 || calls["key 1"].Calls != 0 {
		t.Errorf("who read: %v", calls)
	}
	p.act(t, "/keys/enable", url.Values{"label": {"key 1"}})
	if state := p.labels(t)["key 1"]; state != "active" {
		t.Errorf("key 1 is %s", state)
	}
}

func TestAProgramThatStartedWithoutKeysReadsWithOneThatIsAdded(t *testing.T) {
	t.Parallel()
	gemini := simulator.Start(t, simulator.Options{Keys: []simulator.Key{{Value: canary + "-late", Label: "late"}}})
	p := run(t, "GEMINI_BASE_URL="+gemini.URL)
	if code, started := p.post(t, "?engine=gemini", sheets(1)); code != 422 {
		t.Fatalf("without a key: %d, %v", code, started)
	}
	p.act(t, "/keys", url.Values{"key": {canary + "-late"}})
	_, started := p.post(t, "", sheets(3))
	p.ended(t, started["job_id"].(string), time.Minute)
	if calls := gemini.Stats()["late"].Calls; calls != 3 {
		t.Errorf("the added key read %d times", calls)
	}
}

func TestAChangedKeysFileIsReadAnewAndABadOneChangesNothing(t *testing.T) {
	t.Parallel()
	expectWarnings(t, badKeysFile)
	file := filepath.Join(t.TempDir(), "keys")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one@a:" + canary + "-1\n")
	cmd, p := child(t, "SHEETLIFT_DATA="+filepath.Join(t.TempDir(), "data"), "GEMINI_API_KEYS_FILE="+file)
	write("one@a:" + canary + "-1\ntwo@b:" + canary + "-2\n")
	waitFor(t, func() bool { return len(p.labels(t)) == 2 }) // by itself, when the file changes
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return strings.Contains(p.log.String(), "those in use stay") })
	if states := p.labels(t); len(states) != 2 {
		t.Errorf("after a bad file: %v", states)
	}
	write("three@c:" + canary + "-3\n")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return p.labels(t)["three"] == "active" && len(p.labels(t)) == 1 })
	if strings.Contains(p.log.String(), canary) {
		t.Error("a key stands in the log")
	}
}

func TestABadLineOfTheKeysFileIsNamedOnThePageAndInTheLogAndTheKeysInUseStay(t *testing.T) {
	t.Parallel()
	expectWarnings(t, badKeysFile)
	file := filepath.Join(t.TempDir(), "keys")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one@a:" + canary + "-1\n")
	_, p := child(t, "SHEETLIFT_DATA="+filepath.Join(t.TempDir(), "data"), "GEMINI_API_KEYS_FILE="+file)
	for _, bad := range []struct{ text, line, reason string }{
		{"two@b:" + canary + "-2\n\n# half of it is missing\nthree@c:" + canary + "\x00-3\n", "GEMINI_API_KEYS_FILE line 4", "has a character that no key has"},
		{"two@b:" + canary + "-2\n" + strings.Repeat(canary, 1<<13) + "\n", "GEMINI_API_KEYS_FILE line 2", "is longer than 64 KiB"},
		{string(utf16le("two@b:" + canary + "-2\n")), "GEMINI_API_KEYS_FILE line 1", "has a character that no key has"},
	} {
		write(bad.text)
		waitFor(t, func() bool { return strings.Contains(p.page(t, "/keys"), bad.line+" "+bad.reason) })
		waitFor(t, func() bool { return strings.Contains(p.log.String(), bad.line+" "+bad.reason) }) // it comes by a pipe
		if states := p.labels(t); len(states) != 1 || states["one"] != "active" {
			t.Errorf("after a bad file: %v", states)
		}
	}
	write("one@a:" + canary + "-1\ntwo@b:" + canary + "-2\n")
	waitFor(t, func() bool { return len(p.labels(t)) == 2 })
	if page := p.page(t, "/keys"); strings.Contains(page, "GEMINI_API_KEYS_FILE line") || strings.Contains(page+p.log.String(), canary) {
		t.Error("the page still says that the file is bad, or a key is shown")
	}
}

func TestAKeysFileThatTurnsIntoAPipeStopsNeitherReadingNorThePageNorTheEnd(t *testing.T) {
	t.Parallel()
	expectWarnings(t, badKeysFile, keyNotKept)
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("one@a:"+canary+"-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, p := child(t, "SHEETLIFT_DATA="+filepath.Join(t.TempDir(), "data"), "GEMINI_API_KEYS_FILE="+file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return strings.Contains(p.page(t, "/keys"), "is not a plain file") })
	if code, page := p.act(t, "/keys", url.Values{"key": {canary + "-2"}, "label": {"two"}}); code != http.StatusOK || !strings.Contains(page, "not a file that can be added to") {
		t.Errorf("a key is added: %d", code)
	}
	if states := p.labels(t); len(states) != 2 || states["one"] != "active" {
		t.Errorf("keys are %v", states)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

// utf16le is text as some editors save it.
func utf16le(text string) []byte {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}

// page returns the HTML of a page.
func (p *process) page(t testing.TB, path string) string {
	t.Helper()
	_, data, _ := p.fetch(t, path)
	return string(data)
}

func TestKeysCheckPrintsATableAndFailsWhenAKeyDoes(t *testing.T) {
	t.Parallel()
	dead := simulator.PayloadAnswer("403-leaked")
	gemini := simulator.Start(t, simulator.Options{Keys: []simulator.Key{
		{Value: canary + "-1", Label: "good"}, {Value: canary + "-2", Label: "leaked", Always: &dead},
	}})
	check := func(environ ...string) (string, int) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "keys", "check")
		cmd.Env = append([]string{asProgram + "=1", "GEMINI_BASE_URL=" + gemini.URL}, environ...)
		cmd.Dir = t.TempDir()
		out, _ := cmd.CombinedOutput()
		if strings.Contains(string(out), canary) {
			t.Error("a key was printed")
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := check("GEMINI_API_KEY_1=Ann@shop:"+canary+"-1", "GEMINI_API_KEY_2="+canary+"-2"); code != 1 || !strings.Contains(out, "Ann") || !strings.Contains(out, "works") || !strings.Contains(out, "key_dead") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if out, code := check("GEMINI_API_KEY_1=" + canary + "-1"); code != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
	if out, code := check(); code != 1 || !strings.Contains(out, "No key is set") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestAnAddedKeyIsWrittenToTheKeysFileAndIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	gemini, environ := fake(t, 1, time.Millisecond)
	file := filepath.Join(t.TempDir(), "keys")
	before := "# ours\nAnn@shop:" + canary + "-file" // without an end of the last line
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	environ = append(environ, "GEMINI_API_KEYS_FILE="+file)
	p := run(t, environ...)
	if _, page, _ := p.fetch(t, "/keys"); !strings.Contains(string(page), "written to the keys file") {
		t.Error("the page does not say beforehand that a key is kept")
	}
	gemini.SetKey(simulator.Key{Value: canary + "-new", Label: "new"})
	code, page := p.act(t, "/keys", url.Values{"key": {canary + "-new"}, "label": {"Ann"}})
	if code != 200 || !strings.Contains(page, "Ann 2 was added and reads from now on. It stands in the keys file") || strings.Contains(page, "until the next restart") {
		t.Errorf("adding: %d, %s", code, said(page))
	}
	var all sync.WaitGroup
	for n := range 6 {
		all.Go(func() { p.act(t, "/keys", url.Values{"key": {fmt.Sprintf("%s-c%d", canary, n)}}) })
	}
	all.Wait()
	for _, known := range []string{"-new", "-file", "-1"} { // in the file, from the file, from a variable
		if _, page := p.act(t, "/keys", url.Values{"key": {canary + known}}); !strings.Contains(page, "here already") {
			t.Errorf("the key %s was added twice", known)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) != 9 || strings.Join(lines[:3], "\n") != before+"\nAnn 2@:"+canary+"-new" {
		t.Errorf("the file has %d lines", len(lines))
	}
	p.reread(t)
	states := p.labels(t)
	if len(states) != 9 || states["Ann"] != "active" || states["Ann 2"] != "active" {
		t.Errorf("after reading anew: %v", states)
	}
	p.stop()
	if again := run(t, environ...).labels(t); !maps.Equal(again, states) {
		t.Errorf("after a restart: %v, before: %v", again, states)
	}
}

func TestAKeyThatCannotBeWrittenDownReadsUntilTheRestartAndThePageSaysWhy(t *testing.T) {
	t.Parallel()
	expectWarnings(t, keyNotKept)
	gemini, environ := fake(t, 1, time.Millisecond)
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("Bob@:"+canary+"-file\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	p := run(t, append(environ, "GEMINI_API_KEYS_FILE="+file)...)
	gemini.SetKey(simulator.Key{Value: canary + "-new", Label: "new"})
	add := func() string {
		_, page := p.act(t, "/keys", url.Values{"key": {canary + "-new"}, "label": {"Ann"}})
		return page
	}
	if page := add(); !strings.Contains(page, "Ann was added and reads from now on, but only until the next restart: The keys file or its folder is read-only") ||
		!strings.Contains(page, "Added here, until the next restart.") {
		t.Errorf("the page says %s", said(page))
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "Bob@:"+canary+"-file\n" {
		t.Errorf("the file changed: %v", err)
	}
	p.reread(t)
	if states := p.labels(t); states["Ann"] != "active" || len(states) != 3 {
		t.Errorf("it does not stay: %v", states)
	}
	if err := os.Chmod(file, 0o600); err != nil { // mended: adding it once more writes it down
		t.Fatal(err)
	}
	if page := add(); !strings.Contains(page, "It stands in the keys file") || strings.Contains(page, "until the next restart.") {
		t.Errorf("after the file was mended: %s", said(page))
	}
	if states := p.labels(t); len(states) != 3 {
		t.Errorf("it is there twice: %v", states)
	}
}

func TestWhatCannotBeOneLineOfTheKeysFileIsRefusedWithoutBeingShown(t *testing.T) {
	t.Parallel()
	p := run(t)
	for _, form := range []url.Values{
		{"key": {canary + "\nevil@:x"}}, {"key": {canary}, "label": {"Ann@home"}}, {"key": {canary}, "project": {"a b"}},
		{"key": {canary}, "label": {strings.Repeat("a", 41)}}, {"key": {strings.Repeat(canary, 100)}}, {"key": {canary + "\x00"}},
	} {
		if code, page := p.act(t, "/keys", form); code != 422 || !strings.Contains(page, "cannot be taken like this") {
			t.Errorf("%d: %s", code, said(page))
		}
	}
	if states := p.labels(t); len(states) != 0 {
		t.Errorf("added %v", states)
	}
	if _, page := p.act(t, "/keys", url.Values{"key": {canary + "-x"}}); !strings.Contains(page, "key 1 was added and reads from now on. It is forgotten at the next restart, because no keys file is set.") {
		t.Errorf("without a file: %s", said(page))
	}
}

// said returns the note of a page, at most 600 bytes of its HTML.
func said(page string) string {
	_, note, _ := strings.Cut(page, `id="note"`)
	note, _, _ = strings.Cut(note, "</main>")
	return note[:min(len(note), 600)]
}
