package imaging

import "golang.org/x/sys/unix"

// limit bounds a process that was just started, before it has read a byte of its file: memory, time, and the size of what
// it writes. It has threads, not children.
func limit(pid int) {
	for resource, most := range map[int]uint64{
		unix.RLIMIT_DATA: childMemory, unix.RLIMIT_CPU: childCPU, unix.RLIMIT_FSIZE: childOutput, unix.RLIMIT_CORE: 0,
	} {
		// A process that is gone already needs none.
		_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: most}, nil)
	}
}
