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

// Cluster says where an external JetStream is and how to get in. Any number of processes may use the same one.
type Cluster struct {
	URL      string // nats:// or tls:// with host and port, several parted by commas; "" is none
	Creds    string // a credentials file, "" for none
	NKey     string // a file with an nkey seed, "" for none
	CA       string // a PEM file with the authority that signed the nodes' certificates, "" for the system's
	Cert     string // a PEM file with the certificate to show, "" for none
	Key      string // its key
	Replicas int    // copies of everything; 0 is 3 in a cluster and 1 on a single node, and leaves what is there as it is
}

const (
	clusterReplicas = 3
	reconnectWait   = 250 * time.Millisecond
	pingEvery       = 2 * time.Second // a node whose machine vanished is noticed after three of them
)

// clustered reports whether the server is not inside this process.
func (s *Store) clustered() bool { return s.cfg.Cluster.URL != "" }

// String names the nodes without what would let others in.
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

// connectCluster connects to any node, waiting for one to come up until ctx ends: the nodes may be starting, too.
func (s *Store) connectCluster(ctx context.Context) error {
	c := s.cfg.Cluster
	opts := []nats.Option{
		nats.Name("sheetlift"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait), nats.Timeout(callTimeout),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		// What could not be sent is tried again by us; kept for later it would overwrite what was written meanwhile.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(s.connectionError),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if s.ctx.Err() == nil {
				s.log.Warn("store: a node of the cluster was lost; looking for another", "error", err)
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
			s.log.Warn("store: no node of the cluster answers yet; trying for a minute", "nodes", c.String(), "error", err)
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
	s.log.Warn("store: connection", "error", err)
}

// openCluster makes what is missing, waiting for the cluster to elect its leaders until ctx ends.
func (s *Store) openCluster(ctx context.Context, open func(context.Context) error) error {
	for {
		err := s.try(ctx, open)
		if err == nil || !passing(err) && !hasCode(err, codeNoPeers) {
			return err
		}
		select {
		case <-time.After(callPause):
		case <-ctx.Done():
			if hasCode(err, codeNoPeers) {
				return errs.Wrap(err, errs.Unavailable, "The cluster at %s has too few nodes with JetStream to keep %d copies "+
					"of everything. Start the missing nodes, or set SHEETLIFT_NATS_REPLICAS to 1.", s.cfg.Cluster, s.wantedReplicas())
			}
			return err
		}
	}
}

// makeStream creates a stream or changes it to what this version wants.
func (s *Store) makeStream(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	cfg.Storage = jetstream.FileStorage
	if s.cfg.Memory {
		cfg.Storage = jetstream.MemoryStorage
	}
	// A node that is not the leader may be behind. Asked directly it would say that a picture which was acknowledged
	// a moment ago is not there.
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

// refuseStandalone keeps a process that works on a cluster off a folder with batches of its own: nobody would see
// them, and the day the cluster's nodes were put on that folder they would be gone.
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

// clusterHealth reports whether a node is connected and JetStream answers.
func (s *Store) clusterHealth() error {
	if !s.conn.IsConnected() {
		return fmt.Errorf("no node of the cluster at %s is connected", s.cfg.Cluster)
	}
	return nil
}
