package reader

import "golang.org/x/sys/unix"

// limit bounds the memory and the files of a program that was just started.
func limit(pid int) {
	for resource, most := range map[int]uint64{unix.RLIMIT_DATA: childMemory, unix.RLIMIT_FSIZE: childFile, unix.RLIMIT_CORE: 0} {
		// A program that has ended needs none.
		_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: most}, nil)
	}
}
