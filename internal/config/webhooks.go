package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// setWebhooks parses URLs to call and private networks in which they may be.
func setWebhooks(c *Config, s string) error {
	c.Webhooks, c.WebhookNetworks = nil, nil
	for one := range strings.SplitSeq(s, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		if network, err := netip.ParsePrefix(one); err == nil {
			c.WebhookNetworks = append(c.WebhookNetworks, network.Masked())
			continue
		}
		u, err := url.Parse(one)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "":
			return &invalid{fmt.Sprintf("holds %q", one), "Name addresses such as https://desk.example/sheets, and networks such as 10.0.0.0/8."}
		case u.Scheme == "http" && !loopback(u.Hostname()) && !privateAddress(u.Hostname()):
			return &invalid{fmt.Sprintf("holds %q, which is plain http to another machine", one), "Use https://."}
		}
		c.Webhooks = append(c.Webhooks, u.String())
	}
	return nil
}

func privateAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsPrivate()
}
