// Package storetest runs a cluster of real JetStream nodes on loopback, each in a process of its own that a test
// can kill.
package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// asNode is the environment variable that makes a test binary a node: its settings as JSON.
const asNode = "SHEETLIFT_TEST_NODE"

type node struct {
	Name   string
	Dir    string
	Port   int
	Routes []string // of all nodes; the first is its own cluster address on index Own
	Own    int
	User   string // "" lets everybody in
	Pass   string

	cmd *exec.Cmd
	log *bytes.Buffer
}

// Node runs a cluster node if the process was started as one, and then does not return. TestMain calls it first.
func Node() {
	settings := os.Getenv(asNode)
	if settings == "" {
		return
	}
	var n node
	if err := json.Unmarshal([]byte(settings), &n); err != nil {
		panic(err)
	}
	opts := &natsserver.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, NoSigs: true, JetStream: true, StoreDir: n.Dir,
		JetStreamMaxStore: 1 << 40, DisableJetStreamBanner: true, Username: n.User, Password: n.Pass,
	}
	if len(n.Routes) > 1 {
		own, err := url.Parse(n.Routes[n.Own])
		if err != nil {
			panic(err)
		}
		opts.Cluster = natsserver.ClusterOpts{Name: "test", Host: own.Hostname(), Port: port(own.Host)}
		opts.Routes = natsserver.RoutesFromStr(strings.Join(n.Routes, ","))
	}
	srv, err := natsserver.NewServer(opts)
	if err != nil {
		panic(err)
	}
	srv.ConfigureLogger()
	srv.Start()
	srv.WaitForShutdown()
}

func port(address string) (n int) {
	_, text, _ := net.SplitHostPort(address)
	_, _ = fmt.Sscan(text, &n)
	return n
}

// Cluster is a group of connected nodes.
type Cluster struct {
	t     testing.TB
	nodes []*node
}

// Start starts a cluster of n nodes; it ends with the test. The test's TestMain must call Node.
func Start(t testing.TB, n int) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	var routes []string
	for range n {
		routes = append(routes, "nats://"+freeAddress(t))
	}
	for i := range n {
		c.nodes = append(c.nodes, &node{
			Name: fmt.Sprintf("node-%d", i+1), Dir: t.TempDir(), Port: port(freeAddress(t)), Routes: routes, Own: i,
		})
		c.Begin(i)
	}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.Kill(i)
			if t.Failed() {
				t.Logf("node %d: %.3000s", i+1, c.nodes[i].log)
			}
		}
	})
	c.awaitLeader()
	return c
}

// Begin starts node i again with its stored data.
func (c *Cluster) Begin(i int) {
	c.t.Helper()
	n := c.nodes[i]
	settings, err := json.Marshal(n)
	if err != nil {
		c.t.Fatal(err)
	}
	n.cmd, n.log = exec.Command(os.Args[0]), &bytes.Buffer{}
	n.cmd.Env = []string{asNode + "=" + string(settings)}
	n.cmd.Stderr = n.log
	if err := n.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
}

// Kill ends node i as a power cut does.
func (c *Cluster) Kill(i int) {
	if n := c.nodes[i]; n.cmd.ProcessState == nil {
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait()
	}
}

// URL returns the value for SHEETLIFT_NATS_URL.
func (c *Cluster) URL() string {
	var urls []string
	for _, n := range c.nodes {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", n.Port))
	}
	return strings.Join(urls, ",")
}

// Leader returns the node that leads a stream.
func (c *Cluster) Leader(stream string) int {
	c.t.Helper()
	js, end := c.connect()
	defer end()
	s, err := js.Stream(c.t.Context(), stream)
	if err != nil {
		c.t.Fatal(err)
	}
	for i, n := range c.nodes {
		if cluster := s.CachedInfo().Cluster; cluster != nil && cluster.Leader == n.Name {
			return i
		}
	}
	c.t.Fatalf("nobody leads %s", stream)
	return 0
}

// Replicas returns the number of nodes that hold a stream.
func (c *Cluster) Replicas(stream string) int {
	c.t.Helper()
	js, end := c.connect()
	defer end()
	s, err := js.Stream(c.t.Context(), stream)
	if err != nil {
		c.t.Fatal(err)
	}
	return s.CachedInfo().Config.Replicas
}

// Whole waits until every node has all messages of the streams.
func (c *Cluster) Whole(streams ...string) {
	c.t.Helper()
	js, end := c.connect()
	defer end()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	limit := time.After(time.Minute)
	for len(streams) > 0 {
		if c.whole(js, streams[0]) {
			streams = streams[1:]
			continue
		}
		select {
		case <-poll.C:
		case <-limit:
			c.t.Fatalf("the nodes do not catch up with %s", streams[0])
		}
	}
}

func (c *Cluster) whole(js jetstream.JetStream, stream string) bool {
	s, err := js.Stream(c.t.Context(), stream)
	if err != nil {
		return false
	}
	others := s.CachedInfo().Cluster.Replicas
	for _, r := range others {
		if !r.Current || r.Offline || r.Lag > 0 {
			return false
		}
	}
	return len(others) == len(c.nodes)-1
}

// awaitLeader waits until the nodes know each other and have a leader.
func (c *Cluster) awaitLeader() {
	c.t.Helper()
	js, end := c.connect()
	defer end()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	limit := time.After(30 * time.Second)
	for {
		if s, err := js.CreateStream(c.t.Context(), jetstream.StreamConfig{Name: "settle", Replicas: len(c.nodes)}); err == nil {
			if err := js.DeleteStream(c.t.Context(), s.CachedInfo().Config.Name); err == nil {
				return
			}
		}
		select {
		case <-poll.C:
		case <-limit:
			c.t.Fatal("the nodes do not find each other")
		}
	}
}

func (c *Cluster) connect() (jetstream.JetStream, func()) {
	c.t.Helper()
	conn, err := nats.Connect(c.URL(), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		c.t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	return js, conn.Close
}

var (
	portsMu sync.Mutex
	ports   = map[string]bool{}
)

// freeAddress returns a local address that was free a moment ago and was not returned before.
func freeAddress(t testing.TB) string {
	t.Helper()
	portsMu.Lock()
	defer portsMu.Unlock()
	for {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		if address := l.Addr().String(); !ports[address] {
			ports[address] = true
			return address
		}
	}
}
