// Package onnx runs neural networks with the ONNX Runtime, a shared library that is opened while the program runs. A program
// that uses it is dynamically linked, and a fault in the library ends its process: it belongs in a child process.
package onnx

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// apiVersion is the version of the library's table of functions that is asked for: any library from 1.17 on has it, and the
// functions of an older table keep their places.
const apiVersion = 17

// The places of functions in the library's table.
const (
	getErrorMessage         = 2
	createEnv               = 3
	createSessionFromArray  = 8
	runSession              = 9
	createSessionOptions    = 10
	disableMemPattern       = 17
	disableCPUMemArena      = 19
	setOptimisation         = 23
	setIntraThreads         = 24
	setInterThreads         = 25
	sessionGetInputName     = 36
	sessionGetOutputName    = 37
	createTensorWithData    = 49
	getTensorMutableData    = 51
	getDimensionsCount      = 61
	getDimensions           = 62
	getTensorTypeAndShape   = 65
	createCPUMemoryInfo     = 69
	allocatorFree           = 76
	getAllocator            = 78
	releaseStatus           = 93
	releaseValue            = 96
	releaseTensorTypeShape  = 99
	functions               = 101
	tensorFloat             = 1
	logErrors               = 3
	arenaAllocator, memCPU  = 1, 0
	optimiseExtended, maxIn = 2, 1 << 28
)

// Runtime is an opened library. It is not safe for concurrent use, and stays open until the process ends.
type Runtime struct {
	api       *[functions]uintptr
	env, info uintptr
	allocator uintptr
	out       uintptr // the result of a function beside its status: in memory that does not move, as a stack may
	version   string
}

// Open opens the library of that name or path.
func Open(library string) (*Runtime, error) {
	lib, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	symbol, err := purego.Dlsym(lib, "OrtGetApiBase")
	if err != nil {
		return nil, err
	}
	base, _, _ := purego.SyscallN(symbol)
	if base == 0 {
		return nil, errors.New("the library has no table of functions")
	}
	of := (*[2]uintptr)(pointer(base)) // GetApi, GetVersionString
	api, _, _ := purego.SyscallN(of[0], apiVersion)
	if api == 0 {
		return nil, fmt.Errorf("the library is older than its interface %d", apiVersion)
	}
	version, _, _ := purego.SyscallN(of[1])
	r := &Runtime{api: (*[functions]uintptr)(pointer(api)), version: text(version)}
	name := []byte("sheetlift\x00")
	if err := r.call(createEnv, logErrors, address(name), uintptr(unsafe.Pointer(&r.env))); err != nil {
		return nil, err
	}
	runtime.KeepAlive(name)
	if err := r.call(createCPUMemoryInfo, arenaAllocator, memCPU, uintptr(unsafe.Pointer(&r.info))); err != nil {
		return nil, err
	}
	return r, r.call(getAllocator, uintptr(unsafe.Pointer(&r.allocator)))
}

// Version returns the version of the library, such as "1.28.2".
func (r *Runtime) Version() string { return r.version }

// call calls a function that returns a status, and frees that.
func (r *Runtime) call(function int, args ...uintptr) error {
	status, _, _ := purego.SyscallN(r.api[function], args...)
	if status == 0 {
		return nil
	}
	message, _, _ := purego.SyscallN(r.api[getErrorMessage], status)
	err := errors.New(text(message))
	r.free(releaseStatus, status)
	return err
}

func (r *Runtime) free(function int, what uintptr) { purego.SyscallN(r.api[function], what) }

// pointer is the address that the library returned as a pointer. The memory is the library's: the collector neither moves nor
// frees it.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

func address[T any](s []T) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(s))) }

// text copies a string of the library, at most 4 KB of it.
func text(address uintptr) string {
	if address == 0 {
		return ""
	}
	var s []byte
	for i := range 4 << 10 {
		c := *(*byte)(unsafe.Add(pointer(address), i))
		if c == 0 {
			break
		}
		s = append(s, c)
	}
	return string(s)
}
