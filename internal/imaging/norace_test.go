//go:build !race

package imaging_test

const slow = false
