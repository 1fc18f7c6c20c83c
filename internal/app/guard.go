package app

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"

	"sheetlift/internal/config"
	"sheetlift/internal/danger"
)

// guard returns a guard that marks each picture while it is open, in a folder where the next process finds the marks after
// a crash: in the data folder, which on a cluster may hold nothing else; on a cluster without a data folder, in the system's
// folder for temporary files, by cluster and user. Data in memory ends with the process and needs no marks on disk.
func guard(c *config.Config, log *slog.Logger) *danger.Guard {
	dir := filepath.Join(c.Data, "marks")
	if c.Data == config.Memory {
		if c.Cluster.URL == "" {
			return danger.New(log)
		}
		at := fnv.New64a()
		_, _ = at.Write([]byte(c.Cluster.URL)) // never fails
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("sheetlift-marks-%d-%x", os.Getuid(), at.Sum64()))
	}
	g, err := danger.Open(dir, log)
	if err != nil {
		log.Warn("pictures that stop the program are not found, because no mark can be left of what is opened", "folder", dir, "err", err)
		return danger.New(log)
	}
	return g
}
