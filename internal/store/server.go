package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"sheetlift/internal/errs"
)

// syncInterval is how often the server frees the space of purged messages; every write is synced individually.
const syncInterval = 30 * time.Second

// noLimit leaves the decision on free space to this package: the server's own limit is a share of the space that
// was free at its start.
const noLimit = 1 << 50

// readyTimeout covers the connections only; loading is done by then.
const readyTimeout = 5 * time.Second

var errStopped = errors.New("the embedded server is stopped")

// server is the nats-server inside the process. It stays the same while the nats-server is restarted, so that the
// connection can be restored.
type server struct {
	opts   natsserver.Options
	log    *slog.Logger
	remove string // folder to remove at the end, "" for a data folder

	mu     sync.Mutex
	srv    *natsserver.Server // nil while stopped
	closed bool               // closed for good

	warned  sync.Mutex
	damaged map[string]bool // streams with damage in the log
}

func startServer(ctx context.Context, cfg Config) (*server, error) {
	e := &server{log: cfg.Log, damaged: map[string]bool{}}
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

// options configure the embedded server. Never set cluster or routes here: on the folder of a single server they
// wipe it.
func options(dir string) natsserver.Options {
	return natsserver.Options{
		ServerName: "sheetlift", DontListen: true, NoSigs: true, JetStream: true, StoreDir: dir,
		SyncAlways: true, SyncInterval: syncInterval, JetStreamMaxStore: noLimit, DisableJetStreamBanner: true,
	}
}

// memoryFolder returns a folder for the few files that the server needs even in memory mode; it is in memory itself
// if the system has /dev/shm.
func memoryFolder() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "sheetlift-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "sheetlift-")
}

// start runs a new server and returns when it is ready. A fatal log line of the server becomes the error.
func (e *server) start(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errStopped
	}
	opts := e.opts
	srv, err := natsserver.NewServer(&opts)
	if err != nil {
		return err
	}
	fatal := make(chan error, 1)
	srv.SetLoggerV2(&serverLog{log: e.log, fatal: fatal, warned: e.noteDamage}, false, false, false)
	srv.Start() // returns when all is loaded, or after a fatal error
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
	e.closed = true
	e.mu.Unlock()
	e.stop()
	if e.remove != "" {
		if err := os.RemoveAll(e.remove); err != nil {
			e.log.Warn("store: removing the temporary folder failed", "err", err)
		}
	}
}

// InProcessConn connects the client library to the current server.
func (e *server) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	srv := e.srv
	e.mu.Unlock()
	if srv == nil {
		return nil, errStopped
	}
	return srv.InProcessConn()
}

// health returns the server's own health check; it detects streams that broke at a failed write.
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

// serverLog forwards the server's log and keeps the first fatal error.
type serverLog struct {
	log    *slog.Logger
	fatal  chan error
	warned func(word string)
}

func (l *serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}

// Warnf implements the server's logger. That a call took seconds is no warning: nothing failed, and a command in a terminal would
// tell it on every busy machine.
func (l *serverLog) Warnf(format string, v ...any) {
	word := fmt.Sprintf(format, v...)
	l.warned(word)
	level := slog.LevelWarn
	if strings.Contains(word, "took too long: ") || strings.Contains(word, "Readloop processing time: ") {
		level = slog.LevelInfo
	}
	l.log.Log(context.Background(), level, "nats: "+word)
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
