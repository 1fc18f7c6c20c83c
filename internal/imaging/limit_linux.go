package imaging

import "golang.org/x/sys/unix"

// limit bounds a process that was just started, before it has read a byte of its file: memory, CPU time, and the
// size of its output. The process has threads but no children.
func limit(pid int) {
	for resource, most := range map[int]uint64{
		unix.RLIMIT_DATA: childMemory, unix.RLIMIT_CPU: childCPU, unix.RLIMIT_FSIZE: childOutput, unix.RLIMIT_CORE: 0,
	} {
		// A process that has ended needs none.
		_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: most}, nil)
	}
}
