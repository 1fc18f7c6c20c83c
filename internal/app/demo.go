package app

import (
	"context"
	"log/slog"

	"sheetlift/internal/config"
	"sheetlift/internal/demo"
)

// NewDemo builds the program as a demonstration: everything in memory, drawn sheets, a simulated Gemini.
func NewDemo(ctx context.Context, c *config.Config, version string, log *slog.Logger) (*App, error) {
	return newDemo(ctx, c, version, log, 1)
}

func newDemo(ctx context.Context, c *config.Config, version string, log *slog.Logger, speed int) (*App, error) {
	address, err := listen(ctx, c)
	if err != nil {
		return nil, err
	}
	a, err := buildDemo(ctx, c, version, log, false, speed)
	if err != nil {
		_ = address.Close()
		return nil, err
	}
	a.address = address
	return a, nil
}

func buildDemo(ctx context.Context, c *config.Config, version string, log *slog.Logger, guest bool, speed int) (*App, error) {
	show, err := demo.NewShow(guest, speed)
	if err != nil {
		return nil, err
	}
	return build(ctx, show.Config(c), version, log, show)
}

// buildGuest builds a demonstration beside this program.
func (a *App) buildGuest(ctx context.Context) (demo.Program, error) {
	guest, err := buildDemo(ctx, a.cfg, a.version, a.log, true, 1)
	if err != nil {
		return demo.Program{}, err
	}
	return demo.Program{Run: guest.Run, Pages: guest.pages, Show: guest.show, Services: guest.services}, nil
}
