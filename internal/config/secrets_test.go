package config

import (
	"io/fs"
	"strings"
	"testing"
)

// files reads from these files.
func files(have map[string]string) Source {
	return Source{ReadFile: func(name string) ([]byte, error) {
		if text, ok := have[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}}
}

func TestASecretIsTakenFromTheCredentialThenTheFileThenTheVariable(t *testing.T) {
	t.Parallel()
	src := files(map[string]string{
		"/run/c/sheetlift-password": "of the credential\n", "/etc/password": "of the file\r\n", "/etc/viewers": "\ufeffof viewers",
		"/run/c/gemini-api-keys": "one@:KEY-1\n", "/etc/keys": "two@:KEY-2\n",
	})
	for _, c := range []struct {
		environ []string
		args    []string
		want    string
	}{
		{[]string{"CREDENTIALS_DIRECTORY=/run/c", "SHEETLIFT_PASSWORD_FILE=/etc/password", "SHEETLIFT_PASSWORD=of the variable"}, nil, "of the credential"},
		{[]string{"CREDENTIALS_DIRECTORY=/run/none", "SHEETLIFT_PASSWORD_FILE=/etc/password", "SHEETLIFT_PASSWORD=of the variable"}, nil, "of the file"},
		{[]string{"SHEETLIFT_PASSWORD=of the variable"}, nil, "of the variable"},
		{[]string{"CREDENTIALS_DIRECTORY=/run/c"}, []string{"-password", "of the flag"}, "of the flag"},
	} {
		src.Environ = append(c.environ, "SHEETLIFT_VIEWER_PASSWORD_FILE=/etc/viewers")
		got, _, err := Load(c.args, src)
		if err != nil || got.Password != c.want || got.Viewers != "of viewers" || len(got.Warnings) > 0 {
			t.Errorf("%v: %v, %v", c.environ, got, err)
		}
	}
	src.Environ = []string{"CREDENTIALS_DIRECTORY=/run/c", "GEMINI_API_KEYS_FILE=/etc/keys"}
	got, _, err := Load(nil, src)
	if err != nil || len(got.Keys) != 1 || got.KeysFile != "/run/c/gemini-api-keys" {
		t.Errorf("keys %v, %v", got, err)
	}
}

func TestASecretFileThatCannotBeUsedEndsTheStartAndNothingTakesItsPlace(t *testing.T) {
	t.Parallel()
	src := files(map[string]string{"/empty": " \n", "/two": "one\ntwo\n"})
	for _, name := range []string{"/missing", "/empty", "/two"} {
		src.Environ = []string{"SHEETLIFT_PASSWORD_FILE=" + name, "SHEETLIFT_PASSWORD=of the variable"}
		if _, _, err := Load(nil, src); err == nil || !IsUsage(err) || !strings.Contains(err.Error(), "SHEETLIFT_PASSWORD_FILE") || strings.Contains(err.Error(), "two\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDoorsThatWouldStandOpenAreRefused(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{
		{"SHEETLIFT_VIEWER_PASSWORD=long enough"},
		{"SHEETLIFT_VIEWER_PASSWORD=long enough", "SHEETLIFT_PASSWORD=long enough"},
		{"SHEETLIFT_VIEWER_PASSWORD=short", "SHEETLIFT_PASSWORD=long enough"},
		{"SHEETLIFT_TRUSTED_PROXIES=127.0.0.1"},
		{"SHEETLIFT_TRUSTED_PROXIES=proxy.example", "SHEETLIFT_PASSWORD=long enough"},
		{"SHEETLIFT_TLS_CERT=cert.pem"},
	} {
		src := files(nil)
		src.Environ = environ
		if _, _, err := Load(nil, src); !IsUsage(err) {
			t.Errorf("%v: %v", environ, err)
		}
	}
}
