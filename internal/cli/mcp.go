package cli

import (
	"context"
	"io"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"sheetlift/client"
	"sheetlift/internal/app"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/pipe"
)

func (s *shell) mcpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "mcp FOLDER…", GroupID: reading, Short: "Let an assistant read pictures, by the Model Context Protocol on standard input and output", Args: words(1, 100),
		Long: `Serves the Model Context Protocol on standard input and output, for an assistant that starts this command. Its tools read pictures,
tell how far a batch is, give its rows and save its workbook. They read and write in the named folders and those below only.

Pictures are read at the server of SHEETLIFT_SERVER, where that is set; otherwise in this process, and nothing is kept at its end.`,
		Example: "  sheetlift mcp ~/scans",
		RunE: s.run(func(ctx context.Context, c *config.Config, args []string) (bool, error) {
			return true, s.serveTools(ctx, c, args)
		}),
	}
}

// serveTools answers an assistant until it closes standard input.
func (s *shell) serveTools(ctx context.Context, c *config.Config, folders []string) error {
	within, err := newFence(folders)
	if err != nil {
		return err
	}
	call, end, err := s.anywhere(ctx, c)
	if err != nil {
		return err
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "sheetlift", Version: Version()}, nil)
	(&tools{shell: s, call: call, config: c, within: within}).register(server)
	err = server.Run(ctx, &mcp.IOTransport{Reader: io.NopCloser(s.in), Writer: keptOpen{s.out}})
	if ended := end(); err == nil || ctx.Err() != nil {
		err = ended
	}
	return err
}

// keptOpen is a writer that stays open at the end of a session.
type keptOpen struct{ io.Writer }

// Close implements io.Closer.
func (keptOpen) Close() error { return nil }

// anywhere returns a client of the server of the settings or, where none is set, of the program in this process; end ends it.
func (s *shell) anywhere(ctx context.Context, c *config.Config) (call *client.Client, end func() error, err error) {
	if c.Origin["SHEETLIFT_SERVER"] != "" {
		call, err = caller(c, "", 0)
		return call, func() error { return nil }, err
	}
	pipes := pipe.New()
	private, err := app.NewPrivate(ctx, c, config.Memory, Version(), pipes, quietLog(s.err))
	if err != nil {
		return nil, nil, err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- private.Run(life) }() // received by end
	call, err = client.New("http://127.0.0.1", client.Options{HTTP: pipes.Client()})
	return call, func() error { stop(); return <-ended }, err
}

// refused is the sentence for a path outside of the named folders.
func refused(path string) error {
	return errs.New(errs.Forbidden, "%s is not in a folder that was named to sheetlift mcp", path)
}
