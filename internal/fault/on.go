//go:build crashpoints

package fault

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// Variable is the environment variable with the point and the number of passes before the process dies there, such
// as "unit done:3".
const Variable = "SHEETLIFT_CRASH"

var (
	wanted = sync.OnceValues(func() (Point, int64) {
		name, times, _ := strings.Cut(os.Getenv(Variable), ":")
		n, _ := strconv.ParseInt(times, 10, 64)
		return Point(name), max(n, 1)
	})
	passed atomic.Int64
)

// At kills the process with SIGKILL if p is the configured point: no deferred call runs, nothing is flushed.
func At(p Point) {
	if at, times := wanted(); at != p || passed.Add(1) < times {
		return
	}
	die()
}

// Opened kills the process if data contains the text of Poison.
func Opened(data []byte) {
	if poison := os.Getenv(Poison); poison != "" && bytes.Contains(data, []byte(poison)) {
		die()
	}
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}
