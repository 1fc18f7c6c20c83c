//go:build race

package imaging_test

// slow is set with the race detector, which makes decoding some twenty times slower.
const slow = true
