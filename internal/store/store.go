// Package store keeps all data on one NATS JetStream: batches, images with their rows, pictures, the work queue,
// and the state of the key pool. By default the server runs inside the process, on a data folder or in memory, and
// listens on no port. With Config.Cluster the same code works on an external cluster, together with any number of
// other processes.
//
// Every write is on disk before it is acknowledged, every load has a deadline and verifies the number and the
// checksums of its results, every call is retried while the server does not answer, and a write whose
// acknowledgement was lost is recognised as its own. Errors are of package errs.
package store

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

var (
	_ batch.Repository   = (*Store)(nil)
	_ batch.Pictures     = (*Store)(nil)
	_ batch.Changes      = (*Store)(nil)
	_ batch.ReadingCache = (*Readings)(nil)
	_ batch.Templates    = (*Templates)(nil)
	_ batch.Ledger       = (*Ledger)(nil)
	_ batch.Inventory    = (*Inventory)(nil)
	_ batch.Queue        = (*Queue)(nil)
)

// DefaultMinFree is the disk space in bytes that stays free by default: enough to finish every image in progress
// after uploads are refused.
const DefaultMinFree = 256 << 20

// Config says where the store keeps its data.
type Config struct {
	Dir     string       // the data folder; created with mode 0700 if missing
	Memory  bool         // keep everything in memory instead; Dir is not used
	Cluster Cluster      // keep everything there instead; Dir is only locked, and must hold no batches of its own
	Mark    string       // fingerprint of the secret that all processes on a cluster share: another one is refused; "": not checked
	MinFree int64        // bytes of the disk to leave free; 0: DefaultMinFree, below 0: no limit
	Log     *slog.Logger // nil: silent

	// Disk returns the space on the disk of a folder; nil asks the system.
	Disk func(dir string) (Space, error)
}

// Store is an open store. It implements batch.Repository, batch.Pictures, batch.ReadingCache, batch.Templates and
// batch.Changes. Queue returns the batch.Queue, Keys the key pool's memory and Access the access.Memory. All
// methods are safe for concurrent use.
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
	access    *bucket
	hooks     *bucket
	documents []*bucket // of these, the buckets with documents that belong to no batch and cannot be recomputed
	pictures  jetstream.Stream
	readings  jetstream.Stream
	changes   *changes
	loadSlots chan struct{}             // one entry per running load of many documents
	opening   atomic.Bool               // while Open runs, which has its own limit of time
	addSlot   chan struct{}             // holds an entry while units are sent to the work queue
	added     atomic.Pointer[time.Time] // when units were stored last; nil before

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	owned  sync.WaitGroup // goroutines that Close waits for
	closed sync.Once
}

// openTimeout bounds the start of the embedded server: half a million images took 1.8 s.
const openTimeout = time.Minute

// Open starts the embedded server on the data folder and creates missing parts. Units that another process had
// leased when it died are free again at once: the lock on the folder proves that it is dead. Errors: Conflict if
// another process uses the folder, Unavailable if it cannot be used; each names the folder and the remedy.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MinFree == 0 {
		cfg.MinFree = DefaultMinFree
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	s := &Store{cfg: cfg, log: cfg.Log, unlock: func() {}, loadSlots: make(chan struct{}, maxLoads),
		addSlot: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.opening.Store(true)
	defer s.opening.Store(false)
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if s.server != nil {
		s.owned.Go(s.heal)
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
		if !s.clustered() {
			err = checkFormat(s.cfg.Dir)
			if err == nil {
				err = sweepHealth(s.cfg.Dir)
			}
		}
		if err != nil {
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
	if s.js, err = jetstream.New(s.conn, jetstream.WithPublishAsyncMaxPending(maxInFlight),
		jetstream.WithPublishAsyncTimeout(callTimeout)); err != nil {
		return s.fail(ctx, err)
	}
	for _, open := range []func(context.Context) error{s.openMeta, s.openBuckets, s.openPictures, s.openReadings, s.openWork} {
		if err := try(ctx, open); err != nil {
			return s.fail(ctx, err)
		}
	}
	if err := s.verifyCheckpoint(ctx); err != nil {
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
		seal := s.checkpoint()
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

// Health returns nil if the store can accept and keep work, Full if the disk is nearly full, Unavailable if the
// embedded server is unhealthy. It answers within 3 s.
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
	if err := s.writable(); err != nil {
		return err
	}
	return s.room(0)
}

// writable writes to the data folder. The embedded server reports an unwritable folder only when one of its own
// writes fails.
func (s *Store) writable() error {
	if s.cfg.Memory || s.clustered() {
		return nil
	}
	_, err := os.Stat(filepath.Join(s.cfg.Dir, "jetstream"))
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(s.cfg.Dir, healthFile+"*"); err == nil {
			_, err = f.WriteString("well")
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errs.Wrap(err, errs.Full, "There is no room left in %s. Free some space, then try again.", s.place())
	}
	return errs.Wrap(err, errs.Unavailable, "The data folder %s cannot be written to. Check that its disk is there.", s.cfg.Dir)
}

// healthFile is the prefix of the files that writable creates.
const healthFile = ".health-"

// sweepHealth removes files of writable left by a killed process.
func sweepHealth(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), healthFile) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return unusable(dir, err)
	}
	return nil
}

// Space is the space on the disk of the data folder, in bytes.
type Space struct {
	Free  int64 // for this process
	Total int64
}

// Space returns the disk space; zero for a store in memory or on a cluster, whose nodes have disks of their own.
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

// room returns Full if a write of n bytes would leave fewer than MinFree bytes on the disk. The server must never
// meet a full disk itself: its writes then time out without an error and the stream stays broken until a restart.
func (s *Store) room(n int) error {
	if s.cfg.Memory || s.clustered() || s.cfg.MinFree < 0 { // the nodes of a cluster refuse writes without space themselves
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

// Crowded reports whether the disk is too full to start further work. Uploads are refused below Config.MinFree free
// bytes. Work continues until half of that is used too, and once it waits, until uploads are possible again. If the
// disk cannot be checked it is not crowded: the store itself then reports the error.
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
	healEvery    = 10 * time.Second // how often the health of the embedded server is checked
	healPause    = 30 * time.Second // minimum time between restarts, doubling
	healPauseMax = 10 * time.Minute
)

// heal restarts the embedded server when a stream broke at a full disk and there is space again. No acknowledged
// write is lost; calls in progress are retried over the restored connection.
func (s *Store) heal() {
	tick := time.NewTicker(healEvery)
	defer tick.Stop()
	var next time.Time
	pause := healPause
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		err := s.server.health()
		if err == nil {
			if time.Now().After(next) {
				pause = healPause
			}
			continue
		}
		s.log.Error("store: embedded server unhealthy", "err", err)
		if s.cfg.Memory || time.Now().Before(next) || s.room(0) != nil {
			continue
		}
		next, pause = time.Now().Add(pause), min(2*pause, healPauseMax)
		if err := s.restart(); err != nil {
			s.log.Error("store: restart of the embedded server failed", "err", err)
		} else {
			s.log.Info("store: embedded server restarted")
		}
	}
}

func (s *Store) restart() error {
	ctx, cancel := context.WithTimeout(s.ctx, openTimeout)
	defer cancel()
	return s.server.restart(ctx)
}
