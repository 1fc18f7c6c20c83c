package config_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/config"
)

// source is an environment with files, by name.
func source(files map[string]string, environ ...string) config.Source {
	return config.Source{
		Environ: environ,
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		},
	}
}

func TestEverySettingHasADefaultThatWorks(t *testing.T) {
	t.Parallel()
	c, rest, err := config.Load(nil, source(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.Data != "./data" || c.Engine != "auto" || c.MaxImages != 1000 ||
		c.Model != "gemini-3.8-flash" || c.BaseURL != "https://generativelanguage.googleapis.com" ||
		c.Grace != 20*time.Second || len(c.Keys) != 0 || len(rest) != 0 {
		t.Errorf("got %+v, rest %v", c, rest)
	}
}

func TestAFlagWinsOverTheEnvironmentAndThatOverTheFiles(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		".env":       "SHEETLIFT_DATA=/a\nGEMINI_MODEL=one\nSHEETLIFT_MAX_IMAGES=7\nSHEETLIFT_SLOTS=3\n",
		".env.local": "\ufeffSHEETLIFT_DATA=/b\r\nGEMINI_MODEL=two\r\nSHEETLIFT_MAX_IMAGES=8\r\n",
	}
	c, rest, err := config.Load([]string{"-data", "/d", "serve"}, source(files, "SHEETLIFT_DATA=/c", "GEMINI_MODEL=three"))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %s %d %d %v", c.Data, c.Model, c.MaxImages, c.Slots, rest)
	if got != "/d three 8 3 [serve]" {
		t.Errorf("got %q", got)
	}
}

func TestTheFileOfModelsIsReadWithTheSettings(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load([]string{"-models", "/models.json"}, source(map[string]string{"/models.json": "{}"}))
	if err != nil || c.Models != "/models.json" || string(c.ModelsData) != "{}" {
		t.Errorf("%q, %v", c.ModelsData, err)
	}
}

func TestABadSettingNamesTheVariableAndTheRemedy(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		args    []string
		environ []string
		names   string
	}{
		{"address without port", nil, []string{"SHEETLIFT_ADDR=localhost"}, "SHEETLIFT_ADDR"},
		{"open to all without password", nil, []string{"SHEETLIFT_ADDR=0.0.0.0:8080"}, "SHEETLIFT_PASSWORD"},
		{"open to all, IPv6", nil, []string{"SHEETLIFT_ADDR=[::]:8080"}, "SHEETLIFT_PASSWORD"},
		{"open to all, short form", nil, []string{"SHEETLIFT_ADDR=:8080"}, "SHEETLIFT_PASSWORD"},
		{"short password", nil, []string{"SHEETLIFT_PASSWORD=short"}, "SHEETLIFT_PASSWORD"},
		{"unknown engine", nil, []string{"SHEETLIFT_ENGINE=magic"}, "SHEETLIFT_ENGINE"},
		{"gemini without keys", nil, []string{"SHEETLIFT_ENGINE=gemini"}, "SHEETLIFT_ENGINE"},
		{"too many images", nil, []string{"SHEETLIFT_MAX_IMAGES=5001"}, "SHEETLIFT_MAX_IMAGES"},
		{"too few connections", nil, []string{"SHEETLIFT_CONNECTIONS=15"}, "SHEETLIFT_CONNECTIONS"},
		{"connections without a bound", nil, []string{"SHEETLIFT_CONNECTIONS=0"}, "SHEETLIFT_CONNECTIONS"},
		{"no number", nil, []string{"SHEETLIFT_MAX_IMAGES=many"}, "SHEETLIFT_MAX_IMAGES"},
		{"plain http to another machine", nil, []string{"GEMINI_BASE_URL=http://example.org"}, "GEMINI_BASE_URL"},
		{"a version in the address", nil, []string{"GEMINI_BASE_URL=https://example.org/v1beta"}, "GEMINI_BASE_URL"},
		{"a key in the address", nil, []string{"GEMINI_BASE_URL=https://example.org/?key=abc"}, "GEMINI_BASE_URL"},
		{"no such keys file", nil, []string{"GEMINI_API_KEYS_FILE=/nowhere"}, "GEMINI_API_KEYS_FILE"},
		{"grace without a unit", nil, []string{"SHEETLIFT_GRACE=20"}, "SHEETLIFT_GRACE"},
		{"used again for too short a time", nil, []string{"SHEETLIFT_REUSE=5m"}, "SHEETLIFT_REUSE"},
		{"kept too short", nil, []string{"SHEETLIFT_KEEP=5m"}, "SHEETLIFT_KEEP"},
		{"a flag", []string{"-max-images", "0"}, nil, "-max-images"},
		{"an unknown flag", []string{"-colour"}, nil, "command line"},
		{"any origin", nil, []string{"SHEETLIFT_ORIGINS=*"}, "SHEETLIFT_ORIGINS"},
		{"an origin with a path", nil, []string{"SHEETLIFT_ORIGINS=https://desk.example/shop"}, "SHEETLIFT_ORIGINS"},
		{"an origin without a scheme", nil, []string{"SHEETLIFT_ORIGINS=https://desk.example,shop.example"}, "SHEETLIFT_ORIGINS"},
		{"a host with a port", nil, []string{"SHEETLIFT_HOSTS=box:80"}, "SHEETLIFT_HOSTS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := config.Load(tc.args, source(nil, tc.environ...))
			if !config.IsUsage(err) || !strings.Contains(err.Error(), tc.names) {
				t.Fatalf("got %v, want a usage error that names %s", err, tc.names)
			}
		})
	}
}

func TestPlainHTTPIsAllowedOnLoopback(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://127.0.0.1:9999", "http://localhost:9999/", "http://[::1]:9"} {
		c, _, err := config.Load(nil, source(nil, "GEMINI_BASE_URL="+url))
		if err != nil || c.BaseURL != strings.TrimRight(url, "/") {
			t.Errorf("%s: got %v, %v", url, c, err)
		}
	}
}

func TestKeysComeInTheOrderOfTheirNumbersAndEachOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{"keys.txt": "\ufeff# ours\r\nfrom-file\r\n\r\nsecond\r\n"}
	c, _, err := config.Load(nil, source(files,
		"GEMINI_API_KEY=plain", "GEMINI_API_KEY_10=tenth", "GEMINI_API_KEY_2=second", "GEMINI_API_KEY_1=first",
		"NEXT_PUBLIC_GEMINI_API_KEY_3=third", "NEXT_PUBLIC_GEMINI_API_KEY_1=first", "GEMINI_API_KEY_4=  ",
		"GEMINI_API_KEY_X=none", "GEMINI_API_KEYS_FILE=keys.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range c.Keys {
		got = append(got, k.Text)
	}
	if want := "first second third tenth plain from-file"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if len(c.Warnings) != 2 || !strings.Contains(c.Warnings[0], "Rename it") {
		t.Errorf("warnings: %q", c.Warnings)
	}
}

func TestNoKeyIsEverPrinted(t *testing.T) {
	t.Parallel()
	files := map[string]string{".env": "GEMINI_API_KEY_1=canary-7c1"}
	c, _, err := config.Load(nil, source(files, "NEXT_PUBLIC_GEMINI_API_KEY=canary-7c2"))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, *c); strings.Contains(s, "canary") {
			t.Errorf("%s prints a key: %s", verb, s)
		}
	}
	_, _, err = config.Load(nil, source(map[string]string{".env": "GEMINI_API_KEY_1='canary-7c3\n=x"}))
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("a broken file gives %v", err)
	}
}

func TestHelpListsEverySetting(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	src := source(nil)
	src.Output = &out
	if _, _, err := config.Load([]string{"-h"}, src); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, name := range []string{"-addr", "SHEETLIFT_DATA", "-gemini-model", "SHEETLIFT_PASSWORD"} {
		if !strings.Contains(out.String(), name) {
			t.Errorf("help lacks %s", name)
		}
	}
}

func TestTheConfigurationPageIsCurrent(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != config.Markdown() {
		t.Error("docs/configuration.md is not what the settings say: run make generate")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("GEMINI_API_KEY_1=a\nSHEETLIFT_ADDR=127.0.0.1:1\n", "k1\nk2\n")
	f.Add("export A='b c' # d\n", "#\n\r\n")
	f.Fuzz(func(t *testing.T, env, keys string) {
		_, _, err := config.Load(nil, source(map[string]string{".env": env, "keys": keys}, "GEMINI_API_KEYS_FILE=keys"))
		if err != nil && !config.IsUsage(err) {
			t.Errorf("an error that is not about a setting: %v", err)
		}
	})
}

func TestAVariableThatIsNoSettingIsNamedWithTheNearestOne(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load(nil, source(nil, "SHEETLIFT_SLOT=4", "SHEETLIFT_COLOUR=red", "sheetlift_data=/x", "OTHER_SETTING=1"))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(c.Warnings, "\n")
	for _, want := range []string{
		"SHEETLIFT_SLOT is not a setting and is ignored. Did you mean SHEETLIFT_SLOTS?", "SHEETLIFT_COLOUR is not a setting", "sheetlift_data is not a setting",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in %q", want, all)
		}
	}
	if len(c.Warnings) != 3 {
		t.Errorf("%d warnings: %q", len(c.Warnings), all)
	}
}

func TestAMisspelledPasswordOrSecretStopsTheProgram(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"SHEETLIFT_PASWORD", "SHEETLIFT_PASSWROD", "SHEETLIFT_PASSWORT", "SHEETLIFT_PASS", "SHEETLIFT_PW", "SHEETLIFT_PASSPHRASE", "sheetlift_password",
		"Sheetlift_Password", "SHEETLIFT_SECRETS", "SHEETLIFT_SECERT",
	} {
		_, _, err := config.Load(nil, source(nil, name+"=correct horse"))
		if !config.IsUsage(err) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "Rename it to SHEETLIFT_") || strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := config.Load(nil, source(map[string]string{".env": "SHEETLIFT_PASWORD=correct horse\n"})); !config.IsUsage(err) {
		t.Errorf("in .env: %v", err)
	}
}

func TestAPortThatNoMachineHasIsRefused(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:eighty", "127.0.0.1"} {
		if _, _, err := config.Load([]string{"-addr", addr}, source(nil)); !config.IsUsage(err) || !strings.Contains(err.Error(), "SHEETLIFT_ADDR") {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestOriginsAreNamedAsBrowsersSendThem(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load(nil, source(nil, "SHEETLIFT_ORIGINS= https://Desk.example/ ,, http://127.0.0.1:3000"))
	if err != nil || strings.Join(c.Origins, " ") != "https://desk.example http://127.0.0.1:3000" {
		t.Fatalf("got %v, %v", c, err)
	}
}
