package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"sheetlift/internal/errs"
)

// syncInterval is how often the server gives back the space of what was purged; every write is synced on its own.
const syncInterval = 30 * time.Second

// noLimit lets the free-space guard alone decide how much is stored: the server's own limit is a share of the room
// that was free when it started.
const noLimit = 1 << 50

// readyTimeout is for the connections only; loading is done by then.
const readyTimeout = 5 * time.Second

var errStopped = errors.New("the embedded server is stopped")

// server is the nats-server inside the process. It stays the same while the server in it
// is restarted, so that the connection finds back.
type server struct {
	opts   natsserver.Options
	log    *slog.Logger
	remove string // folder to remove at the end, "" for a data folder

	mu   sync.Mutex
	srv  *natsserver.Server // nil while stopped
	last bool               // closed for good

	warned     sync.Mutex
	complaints map[string]bool // streams that the server warned of
}

func startServer(ctx context.Context, cfg Config) (*server, error) {
	e := &server{log: cfg.Log, complaints: map[string]bool{}}
	dir := cfg.Dir
	if cfg.Memory {
		tmp, err := memoryFolder()
		if err != nil {
			return nil, errs.Wrap(err, errs.Unavailable, "No folder for temporary files can be written to. Set TMPDIR to one.")
		}
		dir, e.remove = tmp, tmp
	} else if err := refuseCluster(dir); err != nil {
		return nil, err
	}
	e.opts = options(dir)
	if err := e.start(ctx); err != nil {
		e.close()
		if cfg.Memory {
			return nil, errs.Wrap(err, errs.Unavailable, "The store in memory could not be started: %s.", err)
		}
		return nil, unusable(cfg.Dir, err)
	}
	return e, nil
}

// options are those of the embedded server. Never cluster or routes here: on the folder of a single server they wipe it.
func options(dir string) natsserver.Options {
	return natsserver.Options{
		ServerName: "sheetlift", DontListen: true, NoSigs: true, JetStream: true, StoreDir: dir,
		SyncAlways: true, SyncInterval: syncInterval, JetStreamMaxStore: noLimit, DisableJetStreamBanner: true,
	}
}

// memoryFolder is where the server keeps the few names it insists on having in a folder even in memory: itself in
// memory where the system has such a place.
func memoryFolder() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "sheetlift-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "sheetlift-")
}

// start runs a new server and returns when it answers; a fatal word of the server becomes the error.
func (e *server) start(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last {
		return errStopped
	}
	opts := e.opts
	srv, err := natsserver.NewServer(&opts)
	if err != nil {
		return err
	}
	fatal := make(chan error, 1)
	srv.SetLoggerV2(&serverLog{log: e.log, fatal: fatal, warned: e.complain}, false, false, false)
	srv.Start() // returns when all is loaded, or after a fatal word
	select {
	case err = <-fatal:
	default:
		if err = ctx.Err(); err == nil && !(srv.ReadyForConnections(readyTimeout) && srv.JetStreamEnabled()) {
			err = errors.New("the embedded server did not start")
		}
	}
	if err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return err
	}
	e.srv = srv
	return nil
}

// restart stops the server and starts it again on the same folder, under the same lock.
func (e *server) restart(ctx context.Context) error {
	e.stop()
	return e.start(ctx)
}

func (e *server) stop() {
	e.mu.Lock()
	srv := e.srv
	e.srv = nil
	e.mu.Unlock()
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}

// close stops the server for good.
func (e *server) close() {
	e.mu.Lock()
	e.last = true
	e.mu.Unlock()
	e.stop()
	if e.remove != "" {
		if err := os.RemoveAll(e.remove); err != nil {
			e.log.Warn("store: temporary folder", "error", err)
		}
	}
}

// InProcessConn gives the client library a connection to the server that runs now.
func (e *server) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	srv := e.srv
	e.mu.Unlock()
	if srv == nil {
		return nil, errStopped
	}
	return srv.InProcessConn()
}

// health asks the server about itself; it knows of streams that broke over a failed write.
func (e *server) health() error {
	e.mu.Lock()
	srv := e.srv
	e.mu.Unlock()
	if srv == nil {
		return errStopped
	}
	if st := srv.Healthz(nil); st.Error != "" || st.StatusCode != 200 {
		return fmt.Errorf("embedded server: %s %s", st.Status, st.Error)
	}
	return nil
}

// serverLog turns the server's words into ours and keeps the first fatal one.
type serverLog struct {
	log    *slog.Logger
	fatal  chan error
	warned func(word string)
}

func (l *serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (l *serverLog) Warnf(format string, v ...any) {
	word := fmt.Sprintf(format, v...)
	l.warned(word)
	l.log.Warn("nats: " + word)
}
func (l *serverLog) Errorf(format string, v ...any) {
	word := fmt.Sprintf(format, v...)
	l.warned(word)
	l.log.Error("nats: " + word)
}
func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}

func (l *serverLog) Fatalf(format string, v ...any) {
	err := fmt.Errorf(format, v...)
	l.log.Error("nats: " + err.Error())
	select {
	case l.fatal <- err:
	default:
	}
}
