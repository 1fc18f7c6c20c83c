//go:build race

package imaging_test

// slow says that the race detector makes decoding some twenty times slower.
const slow = true
