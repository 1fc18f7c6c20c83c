package imaging

// unit is the width of a source pixel in the scaler's coordinates.
const unit = 256

// column lists the source pixels that a target pixel averages: the first and last with the covered part of each.
type column struct {
	first, last         int32
	firstPart, lastPart uint32 // of unit; if first equals last, only firstPart counts
	from, to            int    // edges, in units
}

// scaler shrinks one plane by averaging, for each target pixel, the covered area of the source, with partial
// weights at the edges. Source rows are fed in order, once each, so that the source need not be in memory as a
// whole.
type scaler struct {
	dst       plane
	columns   []column
	inverse   []uint64 // 2^40 over the area of each column's pixel, for rows of the height inverseOf
	inverseOf int
	sum       []uint32 // of the rows so far, weighted, for the current target row
	step      float64  // source rows for a target row
	srcH      int
	row       int // the current target row
	from, to  int // its edges, in units
	copies    bool
}

// newScaler returns a scaler from a plane of sw by sh to one of w by h. Each target pixel covers stepX by stepY
// source pixels, clipped at the end.
func newScaler(sw, sh, w, h int, stepX, stepY float64) *scaler {
	s := &scaler{dst: newPlane(w, h), step: stepY, srcH: sh}
	if sw == w && sh == h && stepX == 1 && stepY == 1 {
		s.copies = true
		return s
	}
	s.columns = make([]column, w)
	for i := range s.columns {
		from, to := edges(i, stepX, sw)
		c := column{first: int32(from / unit), last: int32((to - 1) / unit), from: from, to: to}
		c.firstPart = uint32(min(to, (int(c.first)+1)*unit) - from)
		c.lastPart = uint32(to - int(c.last)*unit)
		s.columns[i] = c
	}
	s.inverse = make([]uint64, w)
	s.sum = make([]uint32, sw)
	s.from, s.to = edges(0, stepY, sh)
	return s
}

// edges returns the range of target pixel i, in units, within a source of n pixels.
func edges(i int, step float64, n int) (from, to int) {
	from = min(int(float64(i)*step*unit+0.5), n*unit-1)
	to = min(int(float64(i+1)*step*unit+0.5), n*unit)
	return from, max(to, from+1)
}

// feed adds source row r, which follows the row of the previous call.
func (s *scaler) feed(r int, src []byte) {
	if s.copies {
		copy(s.dst.row(r), src)
		return
	}
	top, bottom := r*unit, (r+1)*unit
	for s.row < s.dst.h && s.from < bottom {
		part := uint32(min(bottom, s.to) - max(top, s.from))
		if s.from >= top {
			setRow(s.sum, src, part)
		} else {
			addRow(s.sum, src, part)
		}
		if s.to > bottom && r+1 < s.srcH {
			return
		}
		s.emit()
		s.row++
		s.from, s.to = edges(s.row, s.step, s.srcH)
	}
}

func setRow(sum []uint32, src []byte, part uint32) {
	src = src[:len(sum)]
	for i, v := range src {
		sum[i] = uint32(v) * part
	}
}

func addRow(sum []uint32, src []byte, part uint32) {
	src = src[:len(sum)]
	for i, v := range src {
		sum[i] += uint32(v) * part
	}
}

// emit writes the current target row.
func (s *scaler) emit() {
	if height := s.to - s.from; height != s.inverseOf {
		s.inverseOf = height
		for i := range s.columns {
			area := uint64(height) * uint64(s.columns[i].to-s.columns[i].from)
			s.inverse[i] = ((1 << 40) + area/2) / area
		}
	}
	out := s.dst.row(s.row)
	inverse := s.inverse[:len(out)]
	for i := range s.columns[:len(out)] {
		c := &s.columns[i]
		total := uint64(s.sum[c.first]) * uint64(c.firstPart)
		if c.last > c.first {
			var whole uint64
			for _, v := range s.sum[c.first+1 : c.last] {
				whole += uint64(v)
			}
			total += whole*unit + uint64(s.sum[c.last])*uint64(c.lastPart)
		}
		out[i] = byte((total*inverse[i] + 1<<39) >> 40)
	}
}

// scaled returns the plane at another size.
func (p plane) scaled(w, h int, stepX, stepY float64) plane {
	if w == p.w && h == p.h && stepX == 1 && stepY == 1 {
		return p
	}
	s := newScaler(p.w, p.h, w, h, stepX, stepY)
	for y := range p.h {
		s.feed(y, p.row(y))
	}
	return s.dst
}
