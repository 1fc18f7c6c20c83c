package cli

import (
	"bytes"
	"strings"
	"testing"

	"sheetlift/internal/imaging"
)

// call runs the program as a shell does, on a data folder.
func call(dir string, args ...string) (code int, stdout, stderr string) {
	var out, log bytes.Buffer
	code = Main(args, []string{"SHEETLIFT_DATA=" + dir}, strings.NewReader(""), &out, &log)
	return code, out.String(), log.String()
}

func TestHelpAndVersionAnswerAndOpenNothing(t *testing.T) {
	t.Parallel()
	for words, says := range map[string]string{
		"help": "-data, SHEETLIFT_DATA", "-h": "-data, SHEETLIFT_DATA", "--help": "Read pictures:", "-help": "backup ", "serve --help": "-data, SHEETLIFT_DATA",
		"backup help": "sheetlift backup FOLDER", "help backup": "sheetlift backup FOLDER", "keys --help": "Test every key", "run -h": "--output FILE",
		"-slots 4 token list --help": "sheetlift token list",
	} {
		code, out, log := call("/dev/null/nowhere", strings.Fields(words)...)
		if code != ok || log != "" || !strings.Contains(out, says) {
			t.Errorf("%s: %d %.2000s %q", words, code, out, log)
		}
	}
	for _, word := range []string{"version", "-version", "--version"} {
		if code, out, log := call("/dev/null/nowhere", word); code != ok || out != Version()+"\n" || log != "" {
			t.Errorf("%s: %d %q %q", word, code, out, log)
		}
	}
}

func TestWhatCannotBeACommandIsNamedAndOpensNothing(t *testing.T) {
	t.Parallel()
	for words, says := range map[string]string{
		"frobnicate":                  `no command "frobnicate"`,
		"keys":                        `no command "keys"`,
		"keys show":                   `no command "keys show"`,
		"token":                       `no command "token"`,
		"token make x viewer":         `no command "token make x viewer"`,
		"serve now":                   "Write sheetlift serve",
		"doctor /data":                "Write sheetlift doctor",
		"backup":                      "Write sheetlift backup FOLDER",
		"backup a b":                  "Write sheetlift backup FOLDER",
		"restore":                     "Write sheetlift restore FOLDER",
		"export":                      "Write sheetlift export FILE [BATCH…]",
		"import":                      "Write sheetlift import FILE",
		"token create till":           "Write sheetlift token create NAME viewer|operator",
		"token list all":              "Write sheetlift token list",
		"token revoke":                "Write sheetlift token revoke NAME",
		"--no-such-flag":              "-no-such-flag",
		"serve -slots many":           "slots",
		"-slots 0 doctor":             "-slots",
		"run":                         "Write sheetlift run FOLDER|FILE…",
		"run /tmp":                    "-o",
		"rows":                        "Write sheetlift rows BATCH",
		"rows abc -o rows.doc":        "rows.doc is no file",
		"keys add now":                "Write sheetlift keys add",
		"config":                      `no command "config"`,
		"batches -server nowhere":     "-server",
		"backup -engine abacus /away": "-engine",
	} {
		code, out, log := call("/dev/null/nowhere", strings.Fields(words)...)
		if code != usage || out != "" || !strings.HasPrefix(log, "sheetlift: ") || !strings.Contains(log, says) {
			t.Errorf("%s: exit code %d, %q, %q", words, code, out, log)
		}
	}
}

func TestWordsMayStandOnBothSidesOfFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"token", "create", "till", "viewer", "-engine", "tesseract"},
		{"-engine", "tesseract", "token", "list"},
		{"token", "-engine", "tesseract", "revoke", "till"},
	} {
		if code, _, log := call(dir, args...); code != ok || log != "" {
			t.Errorf("%q: exit code %d, %q", args, code, log)
		}
	}
}

func TestACommandThatFailsSaysWhyAndEndsWithOne(t *testing.T) {
	t.Parallel()
	dir := furnished(t)
	for words, says := range map[string]string{
		"token revoke nobody":          "no such token",
		"token create till emperor":    "viewer or for an operator",
		"import /no/such/file":         "/no/such/file",
		"restore /no/such/folder":      "/no/such/folder",
		"export /no/such/folder/file":  "/no/such/folder/file",
		"keys check -engine tesseract": "key",
	} {
		code, out, log := call(dir, strings.Fields(words)...)
		if code != failed || !strings.Contains(out+log, says) {
			t.Errorf("%s: exit code %d, %q, %q", words, code, out, log)
		}
	}
	if code, out, log := call(t.TempDir(), "doctor"); code != failed || out != "" || !strings.Contains(log, "There is no data folder") {
		t.Errorf("doctor of an empty folder: %d, %q, %q", code, out, log)
	}
	if code, out, log := call(dir, imaging.DecodeHEICCommand, "/no/such/picture"); code != failed || out != "" || log == "" {
		t.Errorf("a picture that is not there: %d, %q, %q", code, out, log)
	}
}

// furnished is a data folder with one token in it.
func furnished(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if code, _, log := call(dir, "token", "create", "till", "viewer"); code != ok || log != "" {
		t.Fatalf("a token: %d, %q", code, log)
	}
	return dir
}

func TestAFolderWithoutBatchesIsInOrder(t *testing.T) {
	t.Parallel()
	dir := furnished(t)
	if code, out, log := call(dir, "doctor"); code != ok || out == "" || log != "" {
		t.Errorf("doctor: %d, %q, %q", code, out, log)
	}
	file := dir + "/batches.tar"
	for _, command := range []string{"export", "import"} {
		if code, out, log := call(dir, command, file); code != ok || out == "" || log != "" {
			t.Errorf("%s: %d, %q, %q", command, code, out, log)
		}
	}
}
