package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

const (
	fileSuffix     = "_FILE"
	credentialsDir = "CREDENTIALS_DIRECTORY" // systemd sets it to the folder with the credentials of a service
	keysCredential = "gemini-api-keys"
)

// secretOf looks up a secret: the systemd credential, then the file named by its variable with _FILE, then the
// variable itself. The first found wins; found is false if there is none.
func (src Source) secretOf(s setting, env map[string]string) (value, from string, found bool, err error) {
	if dir := env[credentialsDir]; dir != "" {
		name := filepath.Join(dir, s.secret)
		data, err := src.ReadFile(name)
		if err == nil {
			return secretLine(data, "the credential "+s.secret)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", "", false, &Error{"the credential " + s.secret, unreadable(err), "Check LoadCredential in the unit of the service."}
		}
	}
	if name := strings.TrimSpace(env[s.env+fileSuffix]); name != "" {
		data, err := src.ReadFile(name)
		if err != nil {
			return "", "", false, &Error{s.env + fileSuffix, fmt.Sprintf("names %q, which %s", name, unreadable(err)), "Check the path, and that it is a plain file that this user may read."}
		}
		return secretLine(data, s.env+fileSuffix)
	}
	value, found = env[s.env]
	return value, s.env, found && strings.TrimSpace(value) != "", nil
}

// secretLine returns the secret in a file: one line. A file without one is an error, so that no other source
// silently replaces it.
func secretLine(data []byte, from string) (value, source string, found bool, err error) {
	value = strings.TrimRight(string(trimBOM(data)), "\r\n")
	if strings.TrimSpace(value) == "" || strings.ContainsAny(value, "\r\n\x00") {
		return "", "", false, &Error{from, "does not hold one line of text", "Write the secret there alone, on one line."}
	}
	return value, from, true, nil
}

// keysFile returns the keys file: the systemd credential if there is one, otherwise the file named by
// GEMINI_API_KEYS_FILE.
func (src Source) keysFile(env map[string]string) (name, from string) {
	if dir := env[credentialsDir]; dir != "" {
		name = filepath.Join(dir, keysCredential)
		if _, err := src.ReadFile(name); !errors.Is(err, fs.ErrNotExist) {
			return name, "the credential " + keysCredential
		}
	}
	return env["GEMINI_API_KEYS_FILE"], "GEMINI_API_KEYS_FILE"
}
