package reader

import "time"

// LimitTo sets the time limit of the pages that follow.
func (c *Client) LimitTo(d time.Duration) { c.opt.Timeout = d }
