package app

import (
	"context"
	"log/slog"

	"sheetlift/internal/config"
	"sheetlift/internal/pipe"
)

// NewPrivate builds the program for one command in this process, on a data folder of the command's own. It listens on no address:
// only the client of pipes reaches it, at any http URL of loopback. Nothing runs yet; requests wait until Run serves them.
//
// Settings that concern a server, such as passwords, the cluster and daily backups, do not count. The keys, engines and models do.
func NewPrivate(ctx context.Context, c *config.Config, data, version string, pipes *pipe.Listener, log *slog.Logger) (*App, error) {
	own := *c
	own.Data, own.Cluster, own.Secret = data, config.Cluster{}, ""
	own.Password, own.Viewers, own.Origins, own.Proxies = "", "", nil, nil
	own.TLSCert, own.TLSKey, own.Backups, own.Witness = "", "", 0, false
	own.Webhooks = nil
	own.Keep, own.MaxImages, own.Connections = -1, 5000, 0
	a, err := build(ctx, &own, version, log, nil)
	if err != nil {
		return nil, err
	}
	a.address = a.bound(pipes)
	return a, nil
}
