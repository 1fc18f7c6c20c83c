package table

import "slices"

// shape distinguishes rows from values that hold rows. It is computed once for each value, because the answer depends on
// the nested values in any depth.
func (s *finder) shape(v value) shape {
	if v.scalar() {
		return other
	}
	if known := s.shapes[v.id]; known != 0 && v.id > 0 {
		return known
	}
	found := other
	if v.kind == '[' {
		found = s.shapeOfList(v.list)
	} else {
		found = s.shapeOfObject(v)
	}
	s.shapes[v.id] = found
	return found
}

func (s *finder) shapeOfList(list []value) shape {
	if len(list) == 0 {
		return other
	}
	nested := 0
	for _, v := range list {
		switch {
		case s.shape(v) != other, v.kind == '"' && isJSON(v.text):
			return tableShape
		case !v.scalar() && !cellLike(v):
			nested++
		}
	}
	if nested == len(list) {
		return tableShape
	}
	return other
}

func (s *finder) shapeOfObject(v value) shape {
	row, table := false, false
	for _, m := range v.fields {
		name := fold(m.name)
		shape := s.shape(m.value)
		switch {
		case name == "rows" && shape == tableShape, wrapper(name) && s.column(m.name) < 0 && s.holds(name, m.value, shape):
			return tableShape
		case (name == "cells" || name == "values") && !m.value.scalar() && (shape != tableShape || m.value.kind == '{'):
			row = true
		case rowKey(m.name) || slices.Contains(headerNames, name) && s.column(m.name) < 0:
		case s.column(m.name) >= 0 && shape != tableShape:
			row = true
		case shape != other, m.value.kind == '"' && isJSON(m.value.text):
			table = true
		}
	}
	switch {
	case row:
		return rowShape
	case table:
		return tableShape
	}
	return other
}

// holds reports whether the value in a wrapper of that name can only be its rows.
func (s *finder) holds(name string, v value, shape shape) bool {
	return shape != other || v.kind == '[' && len(v.list) == 0 || name == "rows" && (v.kind == 'n' || v.kind == '[')
}

// cellLike reports whether an object is a cell: a plain value with attributes.
func cellLike(v value) bool {
	return slices.ContainsFunc(v.fields, func(m field) bool {
		name := fold(m.name)
		return (name == "value" || name == "text") && m.value.scalar()
	})
}

// equal reports whether two values have the same content in the same order.
func (v value) equal(w value) bool {
	return v.kind == w.kind && v.text == w.text &&
		slices.EqualFunc(v.list, w.list, value.equal) &&
		slices.EqualFunc(v.fields, w.fields, func(a, b field) bool { return a.name == b.name && a.value.equal(b.value) })
}
