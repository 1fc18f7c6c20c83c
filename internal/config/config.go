// Package config is the only reader of flags, environment and files. Everything else gets plain values.
package config

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Config is every setting of the program.
type Config struct {
	Self string // this program's own file, for child processes; no setting, "" for none

	Addr      string        // where the pages are served, host:port
	Data      string        // the data folder, or Memory
	Engine    string        // auto, gemini or tesseract
	Password  string        // asked for at the login page; "" only on loopback
	Hosts     []string      // further host names that the pages may be called by
	MaxImages int           // images a batch may hold
	BaseURL   string        // root of the Gemini service
	Model     string        // Gemini model
	Tesseract string        // path or name of the tesseract program
	Slots     int           // images in hand in this process
	Keep      time.Duration // how long batches are kept after their end; below 0 for ever
	Reuse     time.Duration // how old a reading may be that is used again; 0 for none
	Grace     time.Duration // how long running images may go on at the end
	Debug     bool          // log more
	Cluster   Cluster       // where the data is instead of the data folder
	Backups   int           // daily backups kept in the data folder
	Secret    string        // what names of keys are hashed with on a cluster

	Keys     []KeyText // as given; empty means none
	KeysFile string    // the file that some of them came from, ""

	// Reread reads the keys anew from where they came from, for a running program. What is wrong is an *Error.
	Reread func() ([]KeyText, error)

	Warnings []string // what works, and should be mended all the same
}

// Cluster is an external NATS JetStream and the way in; files by path, "" for none.
type Cluster struct {
	URL      string // "" for none: then the data is in the data folder
	Creds    string
	NKey     string
	CA       string
	Cert     string
	Key      string
	Replicas int // 0 for what fits
}

// Memory as data folder keeps everything in memory and leaves nothing behind.
const Memory = ":memory:"

// KeyText is one key as given, not yet parsed, and where it came from. It must never be printed.
type KeyText struct {
	Source string // the variable or file with line, for messages
	Text   string
}

// String names the source only.
func (k KeyText) String() string { return "key from " + k.Source }

// GoString names the source only.
func (k KeyText) GoString() string { return k.String() }

// Error is a setting that cannot be used: the program ends with exit code 2.
type Error struct {
	Setting string // the variable or flag
	Reason  string
	Remedy  string
}

// Error names the setting, the reason and the remedy.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s. %s", e.Setting, e.Reason, e.Remedy)
}

// check validates what one setting alone cannot tell.
func (c *Config) check() error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return &Error{"SHEETLIFT_ADDR", fmt.Sprintf("is %q, which is not host:port", c.Addr), "Set it to 127.0.0.1:8080, for example."}
	}
	if !loopback(host) && c.Password == "" {
		return &Error{
			"SHEETLIFT_PASSWORD", fmt.Sprintf("is not set, and SHEETLIFT_ADDR %q can be reached from other machines", c.Addr),
			"Set SHEETLIFT_PASSWORD to a password of at least 8 characters, or SHEETLIFT_ADDR to 127.0.0.1:8080.",
		}
	}
	if c.Password != "" && len(c.Password) < 8 {
		return &Error{"SHEETLIFT_PASSWORD", "has fewer than 8 characters", "Choose a longer one."}
	}
	if c.Engine == "gemini" && len(c.Keys) == 0 {
		return &Error{"SHEETLIFT_ENGINE", "is gemini, but no key is set", "Set GEMINI_API_KEY_1, or SHEETLIFT_ENGINE to auto."}
	}
	return c.checkCluster()
}

// minSecret is how long SHEETLIFT_SECRET is at least.
const minSecret = 32

// checkCluster validates what belongs together when the data is on a cluster.
func (c *Config) checkCluster() error {
	switch {
	case c.Cluster.URL == "":
		return nil
	case len(c.Secret) < minSecret:
		return &Error{
			"SHEETLIFT_SECRET", fmt.Sprintf("is not set to at least %d characters, and SHEETLIFT_NATS_URL is set", minSecret),
			"Set it to the same random text on every machine, such as the output of openssl rand -hex 32.",
		}
	case (c.Cluster.Cert == "") != (c.Cluster.Key == ""):
		return &Error{"SHEETLIFT_NATS_CERT", "and SHEETLIFT_NATS_CERT_KEY need each other", "Set both, or neither."}
	}
	return nil
}

// loopback reports whether only this machine can reach the host.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// IsUsage reports whether err is about how the program was called rather than about what it does.
func IsUsage(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}
