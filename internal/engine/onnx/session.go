package onnx

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Tensor is an array of numbers with its extents, the last of which varies fastest.
type Tensor struct {
	Shape []int64
	Data  []float32
}

// Session is a network that is ready to run, with one input and one output of numbers. It stays in memory until the process
// ends.
type Session struct {
	runtime       *Runtime
	handle        uintptr
	input, output []byte // names, ended by 0
}

// Load makes a session of a network in the form of an .onnx file. It computes in one thread.
func (r *Runtime) Load(model []byte) (*Session, error) {
	if err := r.call(createSessionOptions, uintptr(unsafe.Pointer(&r.out))); err != nil {
		return nil, err
	}
	options := r.out
	// Pictures and lines differ in size: memory kept from one for the next would only grow.
	for _, set := range [][]uintptr{{setIntraThreads, options, 1}, {setInterThreads, options, 1}, {setOptimisation, options, optimiseExtended},
		{disableMemPattern, options}, {disableCPUMemArena, options}} {
		if err := r.call(int(set[0]), set[1:]...); err != nil {
			return nil, err
		}
	}
	s := &Session{runtime: r}
	err := r.call(createSessionFromArray, r.env, address(model), uintptr(len(model)), options, uintptr(unsafe.Pointer(&r.out)))
	runtime.KeepAlive(model)
	if err != nil {
		return nil, err
	}
	s.handle = r.out
	if s.input, err = s.name(sessionGetInputName); err != nil {
		return nil, err
	}
	s.output, err = s.name(sessionGetOutputName)
	return s, err
}

func (s *Session) name(function int) ([]byte, error) {
	r := s.runtime
	if err := r.call(function, s.handle, 0, r.allocator, uintptr(unsafe.Pointer(&r.out))); err != nil {
		return nil, err
	}
	name := r.out
	own := append([]byte(text(name)), 0)
	return own, r.call(allocatorFree, r.allocator, name)
}

// Run computes the output of the network for an input.
func (s *Session) Run(in Tensor) (Tensor, error) {
	size := int64(1)
	for _, n := range in.Shape {
		if n <= 0 || n > maxIn/size {
			return Tensor{}, fmt.Errorf("an input of %v", in.Shape)
		}
		size *= n
	}
	if int64(len(in.Data)) != size {
		return Tensor{}, fmt.Errorf("an input of %v has %d numbers", in.Shape, len(in.Data))
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(unsafe.SliceData(in.Data))
	pins.Pin(unsafe.SliceData(in.Shape))
	pins.Pin(unsafe.SliceData(s.input))
	pins.Pin(unsafe.SliceData(s.output))
	r := s.runtime
	// The library writes to these: the collector must not move them.
	at := &struct{ given, got, inputs, outputs uintptr }{inputs: address(s.input), outputs: address(s.output)}
	pins.Pin(at)
	err := r.call(createTensorWithData, r.info, address(in.Data), uintptr(4*len(in.Data)), address(in.Shape), uintptr(len(in.Shape)), tensorFloat, uintptr(unsafe.Pointer(&at.given)))
	if err != nil {
		return Tensor{}, err
	}
	defer func() { r.free(releaseValue, at.given) }()
	err = r.call(runSession, s.handle, 0, uintptr(unsafe.Pointer(&at.inputs)), uintptr(unsafe.Pointer(&at.given)), 1, uintptr(unsafe.Pointer(&at.outputs)), 1, uintptr(unsafe.Pointer(&at.got)))
	if err != nil {
		return Tensor{}, err
	}
	defer func() { r.free(releaseValue, at.got) }()
	return r.copied(at.got)
}

// copied returns a tensor of the library as one of ours.
func (r *Runtime) copied(value uintptr) (Tensor, error) {
	at := &struct {
		shape, rank, data uintptr
		extents           [8]int64
	}{}
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(at)
	if err := r.call(getTensorTypeAndShape, value, uintptr(unsafe.Pointer(&at.shape))); err != nil {
		return Tensor{}, err
	}
	defer func() { r.free(releaseTensorTypeShape, at.shape) }()
	if err := r.call(getDimensionsCount, at.shape, uintptr(unsafe.Pointer(&at.rank))); err != nil {
		return Tensor{}, err
	}
	if at.rank > uintptr(len(at.extents)) {
		return Tensor{}, fmt.Errorf("an output of %d extents", at.rank)
	}
	if err := r.call(getDimensions, at.shape, uintptr(unsafe.Pointer(&at.extents)), at.rank); err != nil {
		return Tensor{}, err
	}
	if err := r.call(getTensorMutableData, value, uintptr(unsafe.Pointer(&at.data))); err != nil {
		return Tensor{}, err
	}
	out := Tensor{Shape: append([]int64(nil), at.extents[:at.rank]...)}
	size := int64(1)
	for _, n := range out.Shape {
		if n <= 0 || n > maxIn/size {
			return Tensor{}, fmt.Errorf("an output of %v", out.Shape)
		}
		size *= n
	}
	out.Data = make([]float32, size)
	copy(out.Data, unsafe.Slice((*float32)(pointer(at.data)), size))
	return out, nil
}
