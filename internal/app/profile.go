package app

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"sheetlift/internal/errs"
)

// profiles serves the Go profiles of the process until ctx ends, on an address of this machine alone; config accepts no other.
// It returns at once without an address.
func (a *App) profiles(ctx context.Context) error {
	if a.cfg.Profile == "" {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.Profile)
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, "SHEETLIFT_PROFILE %s cannot be listened on. Choose another port, or leave it empty", a.cfg.Profile)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	a.log.Info("profiles are served", "address", "http://"+l.Addr().String()+"/debug/pprof/")
	if err := server.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}
