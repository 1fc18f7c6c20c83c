package cli

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/sheetlift.1 anew")

const manFile = "../../docs/sheetlift.1"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}
	flag.Parse()
	if *update {
		if err := os.WriteFile(manFile, ManPage(), 0o644); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func TestTheManPageIsCurrentAndHasEveryCommand(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(manFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page, ManPage()) {
		t.Error("docs/sheetlift.1 is not what the commands say: run make generate")
	}
	for _, name := range []string{"run FOLDER", "send FOLDER", "rows BATCH", "token create", "keys add", "config check", "serve", "SHEETLIFT_TOKEN"} {
		if !strings.Contains(string(page), name) {
			t.Errorf("the man page does not name %s", name)
		}
	}
	code, out, log := call("/dev/null/nowhere", "man")
	if code != ok || out != string(page) || log != "" {
		t.Errorf("sheetlift man: %d, %.200s, %s", code, out, log)
	}
}

func TestEachShellGetsItsCompletion(t *testing.T) {
	t.Parallel()
	for shell, says := range map[string]string{"bash": "complete -o default", "zsh": "#compdef sheetlift", "fish": "complete -c sheetlift"} {
		if code, out, log := call("/dev/null/nowhere", "completion", shell); code != ok || !strings.Contains(out, says) || log != "" {
			t.Errorf("completion %s: %d, %.200s, %s", shell, code, out, log)
		}
	}
	for words, says := range map[string]string{"": "run\tRead pictures", "tok": "token\t", "token ": "create\t", "run --form": "--format", "run --dat": "--data", "rows --format ": "ndjson"} {
		before, last, _ := strings.Cut(words, " ")
		args := []string{"__complete", before}
		if strings.Contains(words, " ") {
			args = append(append(args, strings.Fields(last)...), "")
		}
		if strings.HasSuffix(words, "--form") || strings.HasSuffix(words, "--dat") {
			args = args[:len(args)-1]
		}
		if code, out, _ := call("/dev/null/nowhere", args...); code != ok || !strings.Contains(out, says) {
			t.Errorf("completion of %q: %d, %s", args, code, out)
		}
	}
}
