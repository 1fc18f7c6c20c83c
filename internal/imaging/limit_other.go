//go:build !linux

package imaging

// limit does nothing where the system cannot bound another process; its time is bounded all the same.
func limit(int) {}
