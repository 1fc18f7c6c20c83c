package keypool_test

import (
	"context"
	"fmt"
	"time"

	"sheetlift/internal/keypool"
)

// A key is issued for one call and released with the outcome of the call. Its value is never printed.
func Example() {
	var keys []keypool.Key
	for i, text := range []string{"AIza-first-key", "office@project-2:AIza-second-key"} {
		key, err := keypool.ParseKey(text, i+1)
		if err != nil {
			fmt.Println(err)
			return
		}
		keys = append(keys, key)
	}
	pool := keypool.New(keys, keypool.Options{})
	lease, err := pool.Acquire(context.Background(), keypool.Want{Model: "gemini-3.8-flash", Group: "batch", Avoid: []string{"key 1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(lease.Label(), lease.Secret())
	lease.Release(keypool.Outcome{Class: keypool.OK, Tokens: 1200, Took: time.Second})
	fmt.Println(pool.Ready(), "of", pool.Len(), "keys are ready")
	// Output:
	// office [secret]
	// 2 of 2 keys are ready
}
