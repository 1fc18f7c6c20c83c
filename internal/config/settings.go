package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is a variable with its flag. The table of all settings defines the flags, reads the environment and
// generates docs/configuration.md, so the three cannot differ.
type setting struct {
	env, flag string
	standard  string // default, as text
	help      string
	boolean   bool
	secret    string                             // name of its systemd credential; the secret may also come from a file
	set       func(c *Config, text string) error // its error holds the reason and the remedy
}

// bad is the error of a setter for a text that it cannot use.
type invalid struct{ reason, remedy string }

func (b *invalid) Error() string { return b.reason + ". " + b.remedy }

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, s string) error { *field(c) = s; return nil }
}

func number(field func(*Config) *int, low, high int) func(*Config, string) error {
	return func(c *Config, s string) error {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < low || n > high {
			return &invalid{fmt.Sprintf("is %q", s), fmt.Sprintf("Set it to a number from %d to %d.", low, high)}
		}
		*field(c) = n
		return nil
	}
}

func oneOf(field func(*Config) *string, words ...string) func(*Config, string) error {
	return func(c *Config, s string) error {
		s = strings.ToLower(strings.TrimSpace(s))
		if !slices.Contains(words, s) {
			return &invalid{fmt.Sprintf("is %q", s), "Set it to " + strings.Join(words, ", ") + "."}
		}
		*field(c) = s
		return nil
	}
}

func onOff(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, s string) error {
		var word string
		err := oneOf(func(*Config) *string { return &word }, "on", "off")(c, s)
		*field(c) = word == "on"
		return err
	}
}

func settings() []setting {
	return []setting{
		{env: "SHEETLIFT_ADDR", flag: "addr", standard: "127.0.0.1:8080", set: text(func(c *Config) *string { return &c.Addr }),
			help: "Where the pages are served, as host:port. An address that other machines can reach needs SHEETLIFT_PASSWORD."},
		{env: "SHEETLIFT_DATA", flag: "data", standard: "./data", set: setData,
			help: "The folder for batches, pictures and work; made with access for its owner only. `:memory:` keeps everything in memory."},
		{env: "SHEETLIFT_ENGINE", flag: "engine", standard: "auto",
			set:  oneOf(func(c *Config) *string { return &c.Engine }, "auto", "gemini", "tesseract"),
			help: "What reads the images: `gemini`, `tesseract`, or `auto`: gemini when there is a key, otherwise tesseract."},
		{env: "SHEETLIFT_PASSWORD", secret: "sheetlift-password", flag: "password", set: text(func(c *Config) *string { return &c.Password }),
			help: "The password asked for at the login page, at least 8 characters; programs send it, or better a token of their own (`sheetlift token`), as Authorization: Bearer, Prometheus for /metrics too. Prefer the variable, since flags show in the list of processes."},
		{env: "SHEETLIFT_VIEWER_PASSWORD", secret: "sheetlift-viewer-password", flag: "viewer-password", set: text(func(c *Config) *string { return &c.Viewers }),
			help: "A second password, for people who only look, check what was read and download; needs SHEETLIFT_PASSWORD, and differs from it. Prefer the variable."},
		{env: "SHEETLIFT_HOSTS", flag: "hosts", set: setHosts,
			help: "Further host names, parted by commas, under which the pages may be called, such as the name of this machine."},
		{env: "SHEETLIFT_ORIGINS", flag: "origins", set: setOrigins,
			help: "Other origins, parted by commas, whose pages may call the API from a browser, such as `https://desk.example`. They send a token where a password is set; cookies of this program do not count there. Without a password, their scripts may do everything."},
		{env: "SHEETLIFT_TLS_CERT", flag: "tls-cert", set: text(func(c *Config) *string { return &c.TLSCert }),
			help: "A PEM file with the certificate to serve the pages with by TLS, and those that signed it; needs SHEETLIFT_TLS_KEY. Both are read anew when they change."},
		{env: "SHEETLIFT_TLS_KEY", flag: "tls-key", set: text(func(c *Config) *string { return &c.TLSKey }),
			help: "The PEM file with the key of that certificate."},
		{env: "SHEETLIFT_TRUSTED_PROXIES", flag: "trusted-proxies", set: setProxies,
			help: "Addresses or networks, parted by commas, of the reverse proxies in front, such as `127.0.0.1` or `10.0.0.0/8`. Only their X-Forwarded-For, -Proto and -Host are believed."},
		{env: "SHEETLIFT_CONNECTIONS", flag: "connections", standard: "auto", set: setConnections,
			help: "How many connections of browsers and programs may be open at once, 16 to 65536. `auto` is three quarters of the files that this process may have open (`ulimit -n`) less 32, 16 at least and 4096 at most. Eight more are let in to be told to come later, those beyond them wait, and `GET /health` is answered in any case."},
		{env: "SHEETLIFT_MAX_IMAGES", flag: "max-images", standard: "1000", set: number(func(c *Config) *int { return &c.MaxImages }, 1, 5000),
			help: "How many images a batch may hold, 1 to 5000."},
		{env: "GEMINI_BASE_URL", flag: "gemini-base-url", standard: "https://generativelanguage.googleapis.com", set: setBaseURL,
			help: "Root of the Gemini service, without a version. Plain http only on loopback."},
		{env: "GEMINI_MODEL", flag: "gemini-model", standard: "gemini-3.8-flash", set: setModel,
			help: "The Gemini model that reads a batch for which nobody chose another."},
		{env: "SHEETLIFT_MODELS", flag: "models", set: text(func(c *Config) *string { return &c.Models }),
			help: "A JSON file with further Gemini models, their levels of thinking and their prices, or other ones than those built in; docs/models.md tells the form."},
		{env: "GEMINI_STORE", flag: "gemini-store", standard: "auto", set: oneOf(func(c *Config) *string { return &c.Store }, "auto", "never", "unsaid"),
			help: "Whether Google is asked not to keep the requests: `never` sends store: false with each, `unsaid` leaves it to the project's own setting, `auto` is never for Google's address and unsaid for another GEMINI_BASE_URL, which may not know the field."},
		{env: "SHEETLIFT_DOUBLE", flag: "double", standard: "on", set: onOff(func(c *Config) *bool { return &c.Double }),
			help: "Whether an image whose call takes far longer than usual is read a second time with another key when its batch ends sooner by that: `on` or `off`. The answer that comes first counts and the other call is canceled, but Google may bill both. At most one call in a hundred of a batch is doubled; one always may be."},
		{env: "SHEETLIFT_TESSERACT", flag: "tesseract", standard: "tesseract", set: text(func(c *Config) *string { return &c.Tesseract }),
			help: "Name or path of the tesseract program."},
		{env: "SHEETLIFT_READER", flag: "reader", standard: Auto, set: text(func(c *Config) *string { return &c.Reader }),
			help: "Name or path of the program sheetlift-reader, the neural reader of offline pictures. `auto` looks for it beside this program and on the PATH, `off` lets Tesseract read alone. Where it does not work, Tesseract reads, and the log says why."},
		{env: "SHEETLIFT_WITNESS", flag: "witness", standard: "on", set: onOff(func(c *Config) *bool { return &c.Witness }),
			help: "Whether the rows of new batches that a service reads are compared with a reading of the offline engine: `on` or `off`; each batch may have its own choice. Every cell in which both differ becomes a doubt. It costs nothing but the time of the processor, at low priority after the images are read."},
		{env: "SHEETLIFT_SLOTS", flag: "slots", standard: "72", set: number(func(c *Config) *int { return &c.Slots }, 1, 512),
			help: "How many images this process has in hand at once, over all batches, 1 to 512. A ninth of them is kept for batches that have only a few images in hand."},
		{env: "SHEETLIFT_KEEP", flag: "keep", standard: "168h", set: setKeep,
			help: "How long a batch with its pictures is kept after its end, from `1h` to `87600h`, or `forever`; each batch may have its own. Drafts that nobody touches are kept as long, a day at least."},
		{env: "SHEETLIFT_REUSE", flag: "reuse", standard: "720h", set: setReuse,
			help: "How old a reading may be that answers for the same picture with the same columns, engine and model in another batch, at no cost, from `1h` to `87600h`; `off` reads every picture. It goes with the batch that it was read for in any case."},
		{env: "SHEETLIFT_GRACE", flag: "grace", standard: "20s", set: setGrace,
			help: "How long running images may go on when the program is asked to stop, 0s to 5m."},
		{env: "SHEETLIFT_NATS_URL", flag: "nats-url", set: setNATS,
			help: "Nodes of an external NATS JetStream, as nats:// or tls:// addresses parted by commas. Any number of Sheetlifts may share it; the data folder then holds only temporary files. docs/operating.md tells how."},
		{env: "SHEETLIFT_NATS_CREDS", flag: "nats-creds", set: text(func(c *Config) *string { return &c.Cluster.Creds }),
			help: "A credentials file for it."},
		{env: "SHEETLIFT_NATS_NKEY", flag: "nats-nkey", set: text(func(c *Config) *string { return &c.Cluster.NKey }),
			help: "A file with an nkey seed for it."},
		{env: "SHEETLIFT_NATS_CA", flag: "nats-ca", set: text(func(c *Config) *string { return &c.Cluster.CA }),
			help: "A PEM file with the authority that signed the certificates of its nodes."},
		{env: "SHEETLIFT_NATS_CERT", flag: "nats-cert", set: text(func(c *Config) *string { return &c.Cluster.Cert }),
			help: "A PEM file with the certificate to show its nodes; needs SHEETLIFT_NATS_CERT_KEY."},
		{env: "SHEETLIFT_NATS_CERT_KEY", flag: "nats-cert-key", set: text(func(c *Config) *string { return &c.Cluster.Key }),
			help: "The PEM file with the key of that certificate."},
		{env: "SHEETLIFT_NATS_REPLICAS", flag: "nats-replicas", standard: "0", set: number(func(c *Config) *int { return &c.Cluster.Replicas }, 0, 5),
			help: "On how many of its nodes everything is kept, 1 to 5. 0 means 3 in a cluster and 1 on a single node, and leaves what is there already as it is."},
		{env: "SHEETLIFT_SECRET", secret: "sheetlift-secret", flag: "secret", set: text(func(c *Config) *string { return &c.Secret }),
			help: "What the names of keys are hashed with, at least 32 characters, the same for all Sheetlifts that share SHEETLIFT_NATS_URL and needed only there; prefer the variable."},
		{env: "SHEETLIFT_BACKUPS", flag: "backups", standard: "7", set: number(func(c *Config) *int { return &c.Backups }, 0, 365),
			help: "How many daily backups are kept in the folder `backups` of the data folder; 0 makes none. They hold pictures and rows, also of batches deleted since."},
		{env: "SHEETLIFT_WEBHOOKS", flag: "webhooks", set: setWebhooks,
			help: "Addresses, parted by commas, that are told by POST when a batch ends, such as `https://desk.example/sheets`; needs SHEETLIFT_WEBHOOK_SECRET. A name that leads to a private address is not called, unless its network stands here too, such as `10.0.0.0/8`."},
		{env: "SHEETLIFT_WEBHOOK_SECRET", secret: "sheetlift-webhook-secret", flag: "webhook-secret", set: text(func(c *Config) *string { return &c.WebhookSecret }),
			help: "What the POSTs to them are signed with, at least 16 characters; prefer the variable."},
		{env: "SHEETLIFT_SERVER", flag: "server", standard: "http://127.0.0.1:8080", set: setServer,
			help: "The address of the server that `sheetlift send`, `batches` and `rows` ask."},
		{env: "SHEETLIFT_TOKEN", secret: "sheetlift-token", flag: "token", set: text(func(c *Config) *string { return &c.Token }),
			help: "The token that they send there, as `sheetlift token create` printed it; prefer the variable."},
		{env: "SHEETLIFT_DEBUG", flag: "debug", standard: "false", boolean: true, set: setDebug,
			help: "Log more, in all subsystems. While the program runs, SIGUSR1 switches this on and off, and the page of the log sets the level of each subsystem."},
		{env: "SHEETLIFT_LOG", flag: "log", standard: "text", set: setLog,
			help: "How lines of the log are written: `text` (key=value) or `json`."},
		{env: "SHEETLIFT_PROFILE", flag: "profile", set: setProfile,
			help: "An address of this machine alone, such as `127.0.0.1:6060`, where the Go profiles of the process are served under `/debug/pprof/`, without a password. Empty for none."},
	}
}

func setData(c *Config, s string) error {
	if strings.TrimSpace(s) == "" {
		return &invalid{"is blank", "Set it to a folder, or to :memory:."}
	}
	c.Data = s
	return nil
}

func setNATS(c *Config, s string) error {
	for one := range strings.SplitSeq(s, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return &invalid{"holds something that is not the address of a node", "Set it to nats:// or tls:// and a host, several parted by commas."}
		}
	}
	c.Cluster.URL = strings.TrimSpace(s)
	return nil
}

func setHosts(c *Config, s string) error {
	c.Hosts = nil
	for host := range strings.SplitSeq(s, ",") {
		if host = strings.ToLower(strings.TrimSpace(host)); host == "" {
			continue
		}
		if strings.ContainsAny(host, "/:@ ") {
			return &invalid{fmt.Sprintf("holds %q", host), "Give names only, without http:// and without a port."}
		}
		c.Hosts = append(c.Hosts, host)
	}
	return nil
}

func setOrigins(c *Config, s string) error {
	c.Origins = nil
	for one := range strings.SplitSeq(s, ",") {
		if one = strings.ToLower(strings.TrimRight(strings.TrimSpace(one), "/")); one == "" {
			continue
		}
		u, err := url.Parse(one)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != one || strings.Contains(one, "*") {
			return &invalid{fmt.Sprintf("holds %q", one), "Name each origin as http:// or https:// with its host, and its port if it has one, such as https://desk.example."}
		}
		c.Origins = append(c.Origins, one)
	}
	return nil
}

func setProxies(c *Config, s string) error {
	c.Proxies = nil
	for one := range strings.SplitSeq(s, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		network, err := netip.ParsePrefix(one)
		if addr, single := netip.ParseAddr(one); single == nil {
			network, err = addr.Unmap().Prefix(addr.Unmap().BitLen())
		}
		if err != nil || network.Addr().Is4In6() {
			return &invalid{fmt.Sprintf("holds %q", one), "Give addresses such as 127.0.0.1 and networks such as 10.0.0.0/8."}
		}
		c.Proxies = append(c.Proxies, network.Masked())
	}
	return nil
}

func setConnections(c *Config, s string) error {
	if s = strings.TrimSpace(s); strings.EqualFold(s, "auto") {
		c.Connections = 0
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 16 || n > 65536 {
		return &invalid{fmt.Sprintf("is %q", s), "Set it to a number from 16 to 65536, or to auto."}
	}
	c.Connections = n
	return nil
}

func setModel(c *Config, s string) error {
	s = strings.TrimPrefix(strings.TrimSpace(s), "models/")
	if s == "" || strings.ContainsAny(s, "/?#: \t\n") {
		return &invalid{fmt.Sprintf("is %q", s), "Set it to the name of a model, such as gemini-3.8-flash."}
	}
	c.Model = s
	return nil
}

func setBaseURL(c *Config, s string) error {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return &invalid{"is not an address", "Set it to https:// and a host."}
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return &invalid{"holds more than an address", "Leave user, query and fragment out; keys have variables of their own."}
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return &invalid{"is plain http to another machine, so keys would travel readable", "Use https://."}
	case strings.Contains(u.Path, "/v1"):
		return &invalid{"ends in a version", "Give the root only, without /v1 or /v1beta."}
	}
	c.BaseURL = strings.TrimRight(u.String(), "/")
	return nil
}

func setServer(c *Config, s string) error {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(s), "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return &invalid{"is not the address of a server", "Set it to an address such as http://127.0.0.1:8080; the token has a setting of its own."}
	}
	c.Server = u.String()
	return nil
}

func setKeep(c *Config, s string) error {
	if s = strings.TrimSpace(s); strings.EqualFold(s, "forever") {
		c.Keep = -1
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Hour || d > 87600*time.Hour {
		return &invalid{fmt.Sprintf("is %q", s), "Set it to a time from 1h to 87600h, such as 168h for a week, or to forever."}
	}
	c.Keep = d
	return nil
}

func setReuse(c *Config, s string) error {
	if s = strings.TrimSpace(s); strings.EqualFold(s, "off") {
		c.Reuse = 0
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Hour || d > 87600*time.Hour {
		return &invalid{fmt.Sprintf("is %q", s), "Set it to a time from 1h to 87600h, such as 720h for thirty days, or to off."}
	}
	c.Reuse = d
	return nil
}

func setGrace(c *Config, s string) error {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil || d < 0 || d > 5*time.Minute {
		return &invalid{fmt.Sprintf("is %q", s), "Set it to a time from 0s to 5m, such as 20s."}
	}
	c.Grace = d
	return nil
}

func setLog(c *Config, s string) error {
	switch strings.TrimSpace(s) {
	case "text":
		c.LogJSON = false
	case "json":
		c.LogJSON = true
	default:
		return &invalid{fmt.Sprintf("is %q", s), "Set it to text or json."}
	}
	return nil
}

func setProfile(c *Config, s string) error {
	if s = strings.TrimSpace(s); s != "" {
		host, _, err := net.SplitHostPort(s)
		if err != nil || !loopback(host) {
			return &invalid{fmt.Sprintf("is %q", s), "Set it to 127.0.0.1 and a port: profiles hold what the process has in memory, and no password guards them."}
		}
	}
	c.Profile = s
	return nil
}

func setDebug(c *Config, s string) error {
	on, err := strconv.ParseBool(strings.TrimSpace(s))
	if err != nil {
		return &invalid{fmt.Sprintf("is %q", s), "Set it to true or false."}
	}
	c.Debug = on
	return nil
}
