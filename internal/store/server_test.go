package store

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
)

// Cluster settings on the folder of a single server wipe it.
func TestTheServerInsideNeverJoinsACluster(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir())
	if !reflect.DeepEqual(o.Cluster, natsserver.ClusterOpts{}) || len(o.Routes) > 0 || o.RoutesStr != "" ||
		!reflect.DeepEqual(o.LeafNode, natsserver.LeafNodeOpts{}) || !reflect.DeepEqual(o.Gateway, natsserver.GatewayOpts{}) {
		t.Errorf("it would: %+v, %v", o.Cluster, o.Routes)
	}
	if !o.DontListen {
		t.Error("it would listen on a port")
	}
}

// A power cut after the acknowledgement must not lose the write.
func TestEveryWriteIsOnTheDiskBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	if o := options(t.TempDir()); !o.SyncAlways {
		t.Error("the server inside acknowledges before it syncs")
	}
}

func TestThatTheServerInsideIsSlowIsNoWarning(t *testing.T) {
	t.Parallel()
	var told bytes.Buffer
	l := &serverLog{log: slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelWarn})), warned: func(string) {}}
	l.Warnf("Internal subscription on %q took too long: %v", "$JS.API.STREAM.CREATE.KV_images", 3*time.Second)
	l.Warnf("%s - Readloop processing time: %v", "pipe - cid:6", 3*time.Second)
	if told.Len() > 0 {
		t.Errorf("it is told as %s", &told)
	}
	if l.Warnf("Filestore [%s] failed", "KV_images"); !strings.Contains(told.String(), "level=WARN msg=\"nats: Filestore [KV_images] failed") {
		t.Errorf("a failure is told as %q", &told)
	}
}
