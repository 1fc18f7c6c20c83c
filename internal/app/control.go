package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sheetlift/internal/archive"
	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
)

const (
	controlName = "control"
	// maxSocket is how long the path of a socket may be on every system.
	maxSocket = 100
	// summaryTrailer comes behind an archive: what is in it.
	summaryTrailer = "Sheetlift-Summary"
)

// errNobody means that no process works on the data folder.
var errNobody = errors.New("no process answers on the data folder")

// controlPath is the socket on which the process that has the data folder answers the commands that need it: the folder
// belongs to its owner alone, and so does the socket. Where the path is too long it is reached from the folder itself.
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

// control answers commands on the socket in the data folder until ctx ends.
func (a *App) control(ctx context.Context) error {
	if a.cfg.Data == config.Memory || a.cfg.Cluster.URL != "" {
		return nil
	}
	path := controlPath(a.cfg.Data)
	if path == "" {
		a.log.Warn("the path of the data folder is too long for a socket: sheetlift backup needs the program to be stopped", "folder", a.cfg.Data)
		return nil
	}
	_ = os.Remove(path) // the lock on the folder is ours: whoever made it is gone
	socket, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		a.log.Error("commands cannot reach this process: sheetlift backup needs it to be stopped", "err", err)
		return nil
	}
	server := &http.Server{Handler: http.HandlerFunc(a.sendArchive), ReadHeaderTimeout: goodbye}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// sendArchive writes what is asked for. When that fails the connection is cut, so that what came is not taken for whole.
func (a *App) sendArchive(w http.ResponseWriter, r *http.Request) {
	ids, err := batchIDs(r.URL.Query()["batch"])
	if err != nil {
		http.Error(w, errs.Message(err), http.StatusBadRequest)
		return
	}
	w.Header().Set("Trailer", summaryTrailer)
	sum, err := archive.Write(r.Context(), w, a.store, a.version, ids...)
	if err != nil {
		a.log.Error("a backup was cut off", "err", err)
		panic(http.ErrAbortHandler)
	}
	text, err := json.Marshal(sum)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set(summaryTrailer, string(text))
}

// fromRunning has the process that works on the data folder write an archive; errNobody when there is none.
func fromRunning(ctx context.Context, c *config.Config, w io.Writer, ids []batch.ID) (*archive.Summary, error) {
	path := controlPath(c.Data)
	if c.Cluster.URL != "" || path == "" {
		return nil, errNobody
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	defer client.CloseIdleConnections()
	query := url.Values{}
	for _, id := range ids {
		query.Add("batch", string(id))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://sheetlift/?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if _, dialing := errors.AsType[*net.OpError](err); dialing && !errors.Is(err, os.ErrPermission) {
		return nil, errNobody
	}
	if err != nil {
		return nil, errs.Wrap(err, errs.Unavailable, "The Sheetlift that works on %s cannot be asked: %s. Run this as the user that it runs as", c.Data, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return nil, errs.New(errs.Invalid, "%s", strings.TrimSpace(string(said)))
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return nil, fmt.Errorf("the running Sheetlift broke off; its log says why: %w", err)
	}
	sum := &archive.Summary{}
	if err := json.Unmarshal([]byte(res.Trailer.Get(summaryTrailer)), sum); err != nil {
		return nil, errors.New("the running Sheetlift broke off; its log says why")
	}
	return sum, nil
}
