package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sheetlift/internal/access"
	"sheetlift/internal/backup"
	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/setup"
	"sheetlift/internal/store"
)

const (
	controlName = "control"
	// maxSocket is the maximum length of the path of a socket that every system accepts.
	maxSocket = 100
	// summaryTrailer is the HTTP trailer after an archive: a summary of its content, as JSON.
	summaryTrailer = "Sheetlift-Summary"
	headerTimeout  = 3 * time.Second

	// startPatience is how long a command waits for a process that holds the data folder and answers no commands: between
	// its start and the socket it loads the stored data, and it closes the socket before the folder.
	startPatience = 30 * time.Second
	askPause      = 100 * time.Millisecond
)

// Control answers the commands of other processes in the running program.
type Control struct {
	Config  *config.Config
	Version string // of the program
	Store   *store.Store
	Access  *access.Registry
	Log     *slog.Logger
}

// errNobody means that no process works on the data folder.
var errNobody = errors.New("no process answers on the data folder")

// controlPath returns the path of the socket on which the process that holds the data folder answers commands. Only the
// owner of the folder can reach it. Where the absolute path is too long it is relative to the working directory; "" if that is
// too long, too.
func controlPath(data string) string {
	path := filepath.Join(data, controlName)
	if len(path) <= maxSocket {
		return path
	}
	if here, err := os.Getwd(); err == nil {
		if near, err := filepath.Rel(here, path); err == nil && len(near) <= maxSocket {
			return near
		}
	}
	return ""
}

// Run answers commands on the socket in the data folder until ctx ends.
func (c Control) Run(ctx context.Context) error {
	if c.Config.Data == config.Memory || c.Config.Cluster.URL != "" {
		return nil
	}
	path := controlPath(c.Config.Data)
	if path == "" {
		c.Log.Warn("the path of the data folder is too long for a socket: sheetlift backup needs the program to be stopped", "folder", c.Config.Data)
		return nil
	}
	_ = os.Remove(path) // this process holds the lock on the folder: the process that made the socket is gone
	socket, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		c.Log.Error("commands cannot reach this process: sheetlift backup needs it to be stopped", "err", err)
		return nil
	}
	server := &http.Server{Handler: c.commands(), ReadHeaderTimeout: headerTimeout}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// commands returns the handler for the requests that a command can send to this process.
func (c Control) commands() http.Handler {
	all := http.NewServeMux()
	all.HandleFunc("/", c.sendArchive)
	all.HandleFunc("POST "+tokensPath, c.answerTokens)
	return all
}

// sendArchive writes an archive of the batches in the query, or of everything if it names none. When that fails it cuts
// the connection, so that the caller does not take a partial archive for a whole one.
func (c Control) sendArchive(w http.ResponseWriter, r *http.Request) {
	ids, err := batchIDs(r.URL.Query()["batch"])
	if err != nil {
		http.Error(w, errs.Message(err), http.StatusBadRequest)
		return
	}
	w.Header().Set("Trailer", summaryTrailer)
	sum, err := backup.Write(r.Context(), w, c.Store, c.Version, ids...)
	if err != nil {
		c.Log.Error("a backup was cut off", "err", err)
		panic(http.ErrAbortHandler)
	}
	text, err := json.Marshal(sum)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set(summaryTrailer, string(text))
}

// fromRunning asks the process that works on the data folder for an archive; errNobody when there is no such process.
func fromRunning(ctx context.Context, c *config.Config, w io.Writer, ids []batch.ID) (*backup.Summary, error) {
	query := url.Values{}
	for _, id := range ids {
		query.Add("batch", string(id))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://sheetlift/?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	res, err := askRunning(c, req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(w, res.Body); err != nil {
		return nil, fmt.Errorf("the running Sheetlift broke off; its log says why: %w", err)
	}
	sum := &backup.Summary{}
	if err := json.Unmarshal([]byte(res.Trailer.Get(summaryTrailer)), sum); err != nil {
		return nil, errors.New("the running Sheetlift broke off; its log says why")
	}
	return sum, nil
}

// carriedOut lets the process that works on the data folder carry out a command by ask, which returns errNobody when there is no
// such process. Then this process opens the folder or cluster and carries the command out by work. Where no data is yet it makes a
// folder only if the command creates something.
func carriedOut(ctx context.Context, c *config.Config, log *slog.Logger, creates bool, ask func() error, work func(*store.Store) error) error {
	for began := time.Now(); ; {
		if err := ask(); !errors.Is(err, errNobody) {
			return err
		}
		if !creates {
			if err := holdsData(c); err != nil {
				return err
			}
		}
		s, err := setup.OpenStore(ctx, c, log)
		if err == nil {
			defer s.Close()
			return work(s)
		}
		if !errs.Is(err, errs.Conflict) || c.Cluster.URL != "" || controlPath(c.Data) == "" || time.Since(began) > startPatience {
			return err
		}
		log.Debug("the process on the data folder answers no commands yet; asking again", "folder", c.Data)
		select {
		case <-time.After(askPause):
		case <-ctx.Done():
			return err
		}
	}
}

// askRunning sends a command to the process that works on the data folder; errNobody when there is no such process. It
// returns only answers with status 200; others become an error.
func askRunning(c *config.Config, req *http.Request) (*http.Response, error) {
	path := controlPath(c.Data)
	if c.Cluster.URL != "" || path == "" {
		return nil, errNobody
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	res, err := client.Do(req)
	if _, dialing := errors.AsType[*net.OpError](err); dialing && !errors.Is(err, os.ErrPermission) {
		return nil, errNobody
	}
	if err != nil {
		return nil, errs.Wrap(err, errs.Unavailable, "The Sheetlift that works on %s cannot be asked: %s. Run this as the user that it runs as", c.Data, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return nil, errs.New(errs.Invalid, "%s", strings.TrimSpace(string(said)))
	}
	return res, nil
}
