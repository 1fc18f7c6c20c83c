package config

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestWebhooksAreAddressesAndPrivateNetworks(t *testing.T) {
	t.Parallel()
	load := func(hooks, secret string) (*Config, error) {
		c, _, err := Load(nil, Source{Environ: []string{"SHEETLIFT_WEBHOOKS=" + hooks, "SHEETLIFT_WEBHOOK_SECRET=" + secret}, ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist }})
		return c, err
	}
	const secret = "sixteen-letters-"
	c, err := load("https://desk.example/sheets, 10.0.0.0/8,http://127.0.0.1:9/x,http://192.168.1.4/", secret)
	if err != nil || len(c.Webhooks) != 3 || len(c.WebhookNetworks) != 1 || c.Webhooks[0] != "https://desk.example/sheets" {
		t.Errorf("%v, %+v", err, c)
	}
	for _, wrong := range []string{"desk.example", "http://desk.example/", "ftp://desk.example/", "https://user:word@desk.example", "https://", "https://desk.example/#part"} {
		if _, err := load(wrong, secret); err == nil || !strings.Contains(err.Error(), "SHEETLIFT_WEBHOOKS") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	_, err = load("https://desk.example/", "short")
	if wrong, ok := errors.AsType[*Error](err); !ok || wrong.Setting != "SHEETLIFT_WEBHOOK_SECRET" {
		t.Errorf("without a secret: %v", err)
	}
}
