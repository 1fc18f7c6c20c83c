package app_test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

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

// act presses a button of the keys page and returns what the page says then.
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
	file := filepath.Join(t.TempDir(), "keys")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one@a:" + canary + "-1\n")
	cmd, p := child(t, "SHEETLIFT_DATA=:memory:", "GEMINI_API_KEYS_FILE="+file)
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
