package store

import (
	"reflect"
	"testing"

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
