package batchtest

import (
	"fmt"
	"reflect"
	"sync"
	"time"
)

// deepCopy returns a copy of v that shares nothing with it that can be changed.
func deepCopy[T any](v *T) *T {
	c := new(T)
	*c = *v
	separate(reflect.ValueOf(c).Elem())
	return c
}

// separate replaces all that v refers to by copies.
func separate(v reflect.Value) {
	t := v.Type()
	switch t.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c := reflect.New(t.Elem())
			c.Elem().Set(v.Elem())
			separate(c.Elem())
			v.Set(c)
		}
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		c := reflect.MakeSlice(t, v.Len(), v.Len())
		reflect.Copy(c, v)
		v.Set(c)
		if !shapeOf(t.Elem()).flat {
			for i := range v.Len() {
				separate(v.Index(i))
			}
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		c := reflect.MakeMapWithSize(t, v.Len())
		for entry := v.MapRange(); entry.Next(); {
			value := reflect.New(t.Elem()).Elem()
			value.Set(entry.Value())
			separate(value)
			c.SetMapIndex(entry.Key(), value)
		}
		v.Set(c)
	case reflect.Struct:
		for _, i := range shapeOf(t).refers {
			separate(v.Field(i))
		}
	default:
		if !shapeOf(t).flat {
			panic(fmt.Sprintf("batchtest: a %s cannot be copied", t))
		}
	}
}

// shape says where values of a type refer to something that could be changed through a copy.
type shape struct {
	flat   bool
	refers []int // fields of a struct that are not flat
}

// shapes remembers shapeOf by type.
var shapes sync.Map

func shapeOf(t reflect.Type) shape {
	if known, ok := shapes.Load(t); ok {
		return known.(shape)
	}
	s := shape{flat: true}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		s.flat = false
	case reflect.Array:
		s.flat = shapeOf(t.Elem()).flat
	case reflect.Struct:
		for i := range t.NumField() {
			if t != reflect.TypeFor[time.Time]() && !shapeOf(t.Field(i).Type).flat {
				s.flat, s.refers = false, append(s.refers, i)
			}
		}
	}
	shapes.Store(t, s)
	return s
}
