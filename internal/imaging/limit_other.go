//go:build !linux

package imaging

// limit does nothing on systems that cannot bound another process; the time-out still applies.
func limit(int) {}
