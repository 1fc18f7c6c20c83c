package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/errs"
)

// Cluster holds the address and the credentials of an external JetStream. Any number of processes may share it.
type Cluster struct {
	URL      string // nats:// or tls:// with host and port, several separated by commas; "": none
	Creds    string // a credentials file, "": none
	NKey     string // a file with an nkey seed, "": none
	CA       string // a PEM file with the authority that signed the nodes' certificates, "": the system's
	Cert     string // a PEM file with the client certificate, "": none
	Key      string // its key
	Replicas int    // copies of all data; 0: 3 in a cluster and 1 on a single node, and existing data keeps its number
}

const (
	clusterReplicas = 3
	reconnectWait   = 250 * time.Millisecond
	pingEvery       = 2 * time.Second // a node whose machine vanished is detected after three of them
)

// clustered reports whether the server is external.
func (s *Store) clustered() bool { return s.cfg.Cluster.URL != "" }

// String names the nodes without credentials.
func (c Cluster) String() string {
	var names []string
	for one := range strings.SplitSeq(c.URL, ",") {
		one = strings.TrimSpace(one)
		if u, err := url.Parse(one); err == nil && u.Host != "" {
			one = u.Host
		}
		names = append(names, one)
	}
	return strings.Join(names, ", ")
}

// connectCluster connects to any node. It waits until ctx ends for one to come up: the nodes may be starting too.
func (s *Store) connectCluster(ctx context.Context) error {
	c := s.cfg.Cluster
	opts := []nats.Option{
		nats.Name("sheetlift"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait), nats.Timeout(callTimeout),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		// Failed requests are repeated by this package; buffered by the client they would overwrite later writes.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(s.connectionError),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if s.ctx.Err() == nil {
				s.log.Warn("store: a node of the cluster was lost; looking for another", "err", err)
			}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) { s.log.Info("store: connected again", "node", conn.ConnectedServerName()) }),
	}
	if c.Creds != "" {
		opts = append(opts, nats.UserCredentials(c.Creds))
	}
	if c.NKey != "" {
		opt, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return errs.Wrap(err, errs.Invalid, "SHEETLIFT_NATS_NKEY %s is not a file with the seed of an nkey. Make one with nk -gen user", c.NKey)
		}
		opts = append(opts, opt)
	}
	if c.CA != "" {
		opts = append(opts, nats.RootCAs(c.CA))
	}
	if c.Cert != "" {
		opts = append(opts, nats.ClientCert(c.Cert, c.Key))
	}
	for first := true; ; first = false {
		conn, err := nats.Connect(c.URL, opts...)
		if err == nil {
			s.conn = conn
			return nil
		}
		if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) {
			return errs.Wrap(err, errs.Unavailable, "The NATS server at %s does not let Sheetlift in: %s. Check "+
				"SHEETLIFT_NATS_CREDS, SHEETLIFT_NATS_NKEY, or the user in SHEETLIFT_NATS_URL.", c, err)
		}
		if first {
			s.log.Warn("store: no node of the cluster answers yet; trying for a minute", "nodes", c.String(), "err", err)
		}
		select {
		case <-time.After(reconnectWait):
		case <-ctx.Done():
			return errs.Wrap(err, errs.Unavailable, "No NATS server answers at %s: %s. Check that the nodes run, and "+
				"SHEETLIFT_NATS_URL with SHEETLIFT_NATS_CA and SHEETLIFT_NATS_CERT.", c, err)
		}
	}
}

func (s *Store) connectionError(_ *nats.Conn, _ *nats.Subscription, err error) {
	s.log.Warn("store: connection error", "err", err)
}

// openCluster creates missing streams. It waits until ctx ends for the cluster to elect its leaders.
func (s *Store) openCluster(ctx context.Context, open func(context.Context) error) error {
	for {
		err := s.try(ctx, open)
		if err == nil || !retryable(err) && !hasCode(err, codeNoPeers) {
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			if hasCode(err, codeNoPeers) {
				return errs.Wrap(err, errs.Unavailable, "The cluster at %s has too few nodes with JetStream to keep %d copies "+
					"of everything. Start the missing nodes, or set SHEETLIFT_NATS_REPLICAS to 1.", s.cfg.Cluster, s.wantedReplicas())
			}
			return err
		}
	}
}

// makeStream creates a stream, or updates it to the configuration of this version.
func (s *Store) makeStream(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	cfg.Storage = jetstream.FileStorage
	if s.cfg.Memory {
		cfg.Storage = jetstream.MemoryStorage
	}
	// A node that is not the leader may be behind. A direct read from it would miss a picture that was just
	// acknowledged.
	cfg.AllowDirect = !s.clustered()
	cfg.Replicas = 1
	if s.clustered() {
		cfg.Replicas = s.wantedReplicas()
		if old, err := s.js.Stream(ctx, cfg.Name); err == nil && s.cfg.Cluster.Replicas == 0 {
			cfg.Replicas = old.CachedInfo().Config.Replicas
		} else if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, err
		}
	}
	return s.js.CreateOrUpdateStream(ctx, cfg)
}

func (s *Store) wantedReplicas() int {
	switch {
	case s.cfg.Cluster.Replicas > 0:
		return s.cfg.Cluster.Replicas
	case s.conn.ConnectedClusterName() != "":
		return clusterReplicas
	default:
		return 1
	}
}

// refuseStandalone stops a process with a cluster from using a folder with batches of its own: nobody would see
// them, and they would be lost if a cluster node were later put on that folder.
func refuseStandalone(dir string) error {
	_, err := os.Stat(filepath.Join(dir, serverFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unusable(dir, err)
	}
	return errs.New(errs.Conflict, "The data folder %s holds batches of a Sheetlift that worked alone, and SHEETLIFT_NATS_URL "+
		"is set. Move them with sheetlift export and sheetlift import (docs/operating.md), then choose another folder with "+
		"SHEETLIFT_DATA, or unset SHEETLIFT_NATS_URL.", dir)
}

// clusterHealth returns an error while no node is connected.
func (s *Store) clusterHealth() error {
	if !s.conn.IsConnected() {
		return fmt.Errorf("no node of the cluster at %s is connected", s.cfg.Cluster)
	}
	return nil
}
