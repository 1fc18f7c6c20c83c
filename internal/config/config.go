// Package config is the only reader of flags, environment and files. Other packages get plain values.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Config holds every setting of the program.
type Config struct {
	Self string // path of this program, for child processes; not a setting, "" for none

	Addr            string         // listen address of the web server, host:port
	Data            string         // the data folder, or Memory
	Engine          string         // auto, gemini or tesseract
	Password        string         // asked for at the login page; "" only on loopback
	Viewers         string         // password for viewing, checking and downloading only; "" for none
	Hosts           []string       // further host names that requests may use
	Origins         []string       // other origins whose pages may call the API, such as https://desk.example
	Proxies         []netip.Prefix // reverse proxies with trusted X-Forwarded headers
	TLSCert, TLSKey string         // PEM files; "" for none
	Connections     int            // maximum open connections; 0 for as many as the limit of open files allows
	MaxImages       int            // maximum images per batch
	BaseURL         string         // root of the Gemini service
	Model           string         // Gemini model
	Models          string         // file with further models and prices; "" for none
	ModelsData      []byte         // the content of that file
	Double          bool           // whether a call that is late may be made a second time with another key
	Store           string         // whether requests ask Gemini not to store them: auto, never or unsaid
	Tesseract       string         // path or name of the tesseract program
	Reader          string         // path or name of the program of the neural reader; Auto or Off
	Slots           int            // images processed at once by this process
	Keep            time.Duration  // how long batches are kept after their end; below 0: for ever
	Witness         bool           // whether new batches are compared with an offline reading
	Reuse           time.Duration  // maximum age of a reading that is used again; 0: none is
	Grace           time.Duration  // how long running images may continue at shutdown
	Debug           bool           // log more
	LogJSON         bool           // log lines are JSON objects, not text
	Profile         string         // loopback address of the profiles of the process, host:port; "" for none
	Cluster         Cluster        // where the data is instead of the data folder
	Backups         int            // daily backups kept in the data folder
	Secret          string         // HMAC secret for the ids of keys on a cluster
	Webhooks        []string       // URLs that are told when a batch ends
	WebhookNetworks []netip.Prefix // private networks in which they may be
	WebhookSecret   string         // signs the requests to them
	Server          string         // address of the server that commands ask
	Token           string         // sent to that server; "" for none

	Keys     []KeyText // as configured; empty means none
	KeysFile string    // the file with some of the keys, or ""

	// Reread reads the keys again from their sources, for a running program. A fault is an *Error.
	Reread func() ([]KeyText, error)
	// StatKeys returns the file info of the keys file, to detect changes; fs.ErrNotExist if there is none.
	StatKeys func() (fs.FileInfo, error)

	Origin map[string]string // by variable: the variable, flag or file that a setting came from; settings with their default have none

	Warnings []string // faults that do not stop the program but should be corrected
}

// Cluster is an external NATS JetStream and its credentials; files by path, "" for none.
type Cluster struct {
	URL      string // "" for none: then the data is in the data folder
	Creds    string
	NKey     string
	CA       string
	Cert     string
	Key      string
	Replicas int // 0: chosen by the size of the cluster
}

// Auto and Off as the program of the neural reader look for it beside this program and on the PATH, or do without it.
const (
	Auto = "auto"
	Off  = "off"
)

// Memory as data folder keeps everything in memory; nothing is left on disk.
const Memory = ":memory:"

// KeyText is a configured key before parsing, with its source. It must never be printed.
type KeyText struct {
	Source string // the variable, or the file with line, for messages
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

// check validates rules that involve more than one setting.
func (c *Config) check() error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port) // no network: a number, or a name of the machine's own list
	}
	if err != nil {
		return &Error{"SHEETLIFT_ADDR", fmt.Sprintf("is %q, which is not host:port with a port up to 65535", c.Addr), "Set it to 127.0.0.1:8080, for example."}
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
	if err := c.checkViewers(); err != nil {
		return err
	}
	if c.Engine == "gemini" && len(c.Keys) == 0 {
		return &Error{"SHEETLIFT_ENGINE", "is gemini, but no key is set", "Set GEMINI_API_KEY_1, or SHEETLIFT_ENGINE to auto."}
	}
	if len(c.Webhooks) > 0 && len(c.WebhookSecret) < minHookSecret {
		return &Error{
			"SHEETLIFT_WEBHOOK_SECRET", fmt.Sprintf("is not set to at least %d characters, and SHEETLIFT_WEBHOOKS is set", minHookSecret),
			"Set it to a random text that the receivers know too, such as the output of openssl rand -hex 16.",
		}
	}
	return c.checkCluster()
}

// minHookSecret is the minimum length of SHEETLIFT_WEBHOOK_SECRET.
const minHookSecret = 16

// checkViewers validates the settings that protect access besides the password.
func (c *Config) checkViewers() error {
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return &Error{"SHEETLIFT_TLS_CERT", "and SHEETLIFT_TLS_KEY need each other", "Set both, or neither."}
	case len(c.Proxies) > 0 && c.Password == "":
		return &Error{"SHEETLIFT_PASSWORD", "is not set, and SHEETLIFT_TRUSTED_PROXIES is: others come in through the proxy", "Set SHEETLIFT_PASSWORD to a password of at least 8 characters."}
	case c.Viewers == "":
		return nil
	case c.Password == "":
		return &Error{"SHEETLIFT_VIEWER_PASSWORD", "is set, and SHEETLIFT_PASSWORD is not, so everybody could do everything", "Set both, or neither."}
	case len(c.Viewers) < 8:
		return &Error{"SHEETLIFT_VIEWER_PASSWORD", "has fewer than 8 characters", "Choose a longer one."}
	case c.Viewers == c.Password:
		return &Error{"SHEETLIFT_VIEWER_PASSWORD", "is the same as SHEETLIFT_PASSWORD", "Choose another one."}
	}
	return nil
}

// minSecret is the minimum length of SHEETLIFT_SECRET.
const minSecret = 32

// checkCluster validates the settings that a cluster needs together.
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

// IsUsage reports whether err is due to the way the program was called rather than to its work.
func IsUsage(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}
