package config_test

import (
	"flag"
	"os"
	"testing"

	"sheetlift/internal/config"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

func TestMain(m *testing.M) {
	flag.Parse()
	if *update {
		if err := os.WriteFile("../../docs/configuration.md", []byte(config.Markdown()), 0o644); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
