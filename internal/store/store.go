// Package store keeps everything Sheetlift knows on one NATS JetStream: batches, images with their rows, pictures, the
// work queue, and what the key pool remembers. By default the server runs inside the process, on a data folder or in
// memory, and listens on no port. With Config.Cluster the same code works on an external cluster, together with any number of
// other processes.
//
// Every write is on the disk before it is acknowledged, every load has a deadline and checks what it got by count and
// by checksum, every call is retried while the server does not answer, and a write whose acknowledgement was lost is
// recognised as one's own. Errors are of package errs.
package store

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

var (
	_ batch.Repository = (*Store)(nil)
	_ batch.Pictures   = (*Store)(nil)
	_ batch.Changes    = (*Store)(nil)
	_ batch.Readings   = (*Store)(nil)
	_ batch.Queue      = (*Queue)(nil)
)

// DefaultMinFree is the room in bytes that is left on the disk when Config does not say otherwise: enough for every
// image at hand to be finished after uploads are refused.
const DefaultMinFree = 256 << 20

// Config says where the store keeps its data.
type Config struct {
	Dir     string       // the data folder; made with 0700 if missing
	Memory  bool         // keep everything in memory instead; Dir is not used
	Cluster Cluster      // keep everything there instead; Dir is only locked, and must hold no batches of its own
	MinFree int64        // bytes of the disk to leave free; 0 is DefaultMinFree, below 0 no limit
	Log     *slog.Logger // nil is silent

	// Disk returns the room on the disk below a folder; nil asks the system.
	Disk func(dir string) (Space, error)
}

// Store is the open store. It implements batch.Repository, batch.Pictures, batch.Readings, batch.Templates and
// batch.Changes; Queue and Keys return what implements batch.Queue and the key pool's memory. All methods are safe for concurrent use.
type Store struct {
	cfg    Config
	log    *slog.Logger
	unlock func()
	server *server // nil on a cluster
	conn   *nats.Conn
	js     jetstream.JetStream

	batches   *bucket
	images    *bucket
	keys      *bucket
	templates *bucket
	ledger    *bucket
	apart     []*bucket // of those, the ones whose documents belong to no batch and cannot be made again
	pictures  jetstream.Stream
	readings  jetstream.Stream
	changes   *changes
	loads     chan struct{} // holds one for each load of many documents that is under way
	adds      chan struct{} // holds one while units are on their way to the work queue

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	owned  sync.WaitGroup // goroutines that Close waits for
	closed sync.Once
}

// openTimeout bounds the start of the embedded server: half a million images took 1.8 s.
const openTimeout = time.Minute

// Open starts the embedded server on the data folder and makes what is missing in it. Work that another process had in
// hand when it died is handed out again at once: the lock on the folder proves that nobody works on it. Errors: Conflict
// when another process uses the folder, Unavailable when it cannot be used, each naming the folder and the remedy.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MinFree == 0 {
		cfg.MinFree = DefaultMinFree
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	s := &Store{cfg: cfg, log: cfg.Log, unlock: func() {}, loads: make(chan struct{}, loadsAtOnce),
		adds: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if s.server != nil {
		s.owned.Go(s.mend)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if s.cfg.Dir != "" && !s.cfg.Memory {
		if s.clustered() {
			if err := refuseStandalone(s.cfg.Dir); err != nil {
				return err
			}
		}
		if s.unlock, err = lockFolder(s.cfg.Dir); err != nil {
			s.unlock = func() {}
			return err
		}
	}
	try := s.try
	if s.clustered() {
		try, err = s.openCluster, s.connectCluster(ctx)
	} else if s.server, err = startServer(ctx, s.cfg); err == nil {
		err = s.connectInside()
	}
	if err != nil {
		return err
	}
	if s.js, err = jetstream.New(s.conn, jetstream.WithPublishAsyncMaxPending(addWindow),
		jetstream.WithPublishAsyncTimeout(callTimeout)); err != nil {
		return s.fail(ctx, err)
	}
	for _, open := range []func(context.Context) error{s.openBuckets, s.openPictures, s.openReadings, s.openWork} {
		if err := try(ctx, open); err != nil {
			return s.fail(ctx, err)
		}
	}
	if err := s.unseal(ctx); err != nil {
		return s.fail(ctx, err)
	}
	s.changes = newChanges(s)
	return nil
}

func (s *Store) connectInside() (err error) {
	s.conn, err = nats.Connect("", nats.InProcessServer(s.server), nats.Name("sheetlift"),
		nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ReconnectBufSize(-1), nats.ErrorHandler(s.connectionError))
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, "The store could not be reached inside the program. Start it again.")
	}
	return nil
}

// Close ends the store: watches, connection, server, lock. It waits for all of them and may be called again.
func (s *Store) Close() error {
	s.closed.Do(func() {
		s.cancel()
		if s.changes != nil {
			s.changes.close()
		}
		s.owned.Wait()
		seal := s.seal()
		if s.conn != nil {
			s.conn.Close()
		}
		if s.server != nil {
			s.server.close()
		}
		seal()
		s.unlock()
	})
	return nil
}

// Health returns nil when the store can take and keep work; Full when the disk is nearly full, Unavailable when the
// server inside is not well. It answers within 3 s.
func (s *Store) Health(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return errClosed()
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	well := s.clusterHealth
	if s.server != nil {
		well = s.server.health
	}
	if err := well(); err != nil {
		return s.fail(ctx, err)
	}
	if _, err := s.js.AccountInfo(ctx); err != nil {
		return s.fail(ctx, err)
	}
	return s.room(0)
}

// Space is the room on the disk of the data folder, in bytes.
type Space struct {
	Free  int64 // for this process
	Total int64
}

// Space returns the room on the disk; zero for a store in memory or on a cluster, whose nodes have disks of their own.
func (s *Store) Space() (Space, error) {
	if s.cfg.Memory || s.clustered() {
		return Space{}, nil
	}
	disk := s.cfg.Disk
	if disk == nil {
		disk = diskSpace
	}
	space, err := disk(s.cfg.Dir)
	if err != nil {
		return Space{}, errs.Wrap(err, errs.Unavailable, "The data folder %s cannot be reached. Check that its disk "+
			"is there.", s.cfg.Dir)
	}
	return space, nil
}

// room returns Full when fewer than MinFree bytes would be left on the disk after n more. The server must never meet
// a full disk itself: its writes then time out without an error and the stream stays broken until it is restarted.
func (s *Store) room(n int) error {
	if s.cfg.Memory || s.clustered() || s.cfg.MinFree < 0 { // the nodes of a cluster refuse by themselves what finds no room
		return nil
	}
	space, err := s.Space()
	if err != nil {
		return err
	}
	if space.Free-int64(n) < s.cfg.MinFree {
		return errs.New(errs.Full, "The disk with the data folder is nearly full (%d MB left). Free some space, then "+
			"try again.", space.Free>>20)
	}
	return nil
}

// Crowded reports whether the disk is so full that no further work may be begun. Uploads are refused when fewer than
// Config.MinFree bytes are left; work goes on until half of that is gone, too, and once it waits, until there is room for
// uploads again. A disk that cannot be asked is not crowded: then the store itself says what is wrong.
func (s *Store) Crowded(waiting bool) bool {
	need := s.cfg.MinFree / 2
	if waiting {
		need = s.cfg.MinFree
	}
	if s.cfg.Memory || s.clustered() || need <= 0 {
		return false
	}
	space, err := s.Space()
	return err == nil && space.Free < need
}

const (
	mendEvery    = 10 * time.Second // how often the embedded server is looked at
	mendPause    = 30 * time.Second // after a restart before the next; doubling
	mendPauseMax = 10 * time.Minute
)

// mend restarts the embedded server when a stream broke over a full disk and there is room again. Nothing that was
// acknowledged is lost by it; calls on their way are retried over the connection that comes back.
func (s *Store) mend() {
	tick := time.NewTicker(mendEvery)
	defer tick.Stop()
	var next time.Time
	pause := mendPause
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		err := s.server.health()
		if err == nil {
			if time.Now().After(next) {
				pause = mendPause
			}
			continue
		}
		s.log.Error("store: not well", "error", err)
		if s.cfg.Memory || time.Now().Before(next) || s.room(0) != nil {
			continue
		}
		next, pause = time.Now().Add(pause), min(2*pause, mendPauseMax)
		if err := s.restart(); err != nil {
			s.log.Error("store: restart failed", "error", err)
		} else {
			s.log.Info("store: restarted inside the program")
		}
	}
}

func (s *Store) restart() error {
	ctx, cancel := context.WithTimeout(s.ctx, openTimeout)
	defer cancel()
	return s.server.restart(ctx)
}
