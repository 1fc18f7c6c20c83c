package batch

import "sheetlift/internal/errs"

// A picture that crashes the whole program would crash it again after each start. So the program marks the images that it is
// opening (package danger), and an image that was marked when the program died is a suspect: it is read last in its batch, and
// nothing else is opened meanwhile. Only a crash while it was the only open picture counts against it.

// maxStrikes is how many crashes, with it as the only open picture, set an image aside.
const maxStrikes = 2

// Suspect is the crash record of an image.
type Suspect struct {
	Strikes int    `json:"strikes,omitempty"` // crashes with it as the only open picture, since the last manual retry
	Mark    string `json:"mark,omitempty"`    // the newest mark that was counted, so that it counts once
}

// Suspected records that the program died while m was marked with mark, and whether m was the only open picture then. It
// reports whether the mark is new.
func (m *Image) Suspected(mark string, alone bool) bool {
	s := Suspect{}
	if m.Suspect != nil {
		s = *m.Suspect
	}
	if s.Mark == mark {
		return false
	}
	s.Mark = mark
	if alone {
		s.Strikes++
	}
	m.Suspect = &s
	return true
}

// SetAside reports whether m crashed the program so often that it is not opened again until a person requests it.
func (m *Image) SetAside() bool { return m.Suspect != nil && m.Suspect.Strikes >= maxStrikes }

// Openable returns nil, or for a picture that was set aside the error that explains why it cannot be rotated or previewed.
func (m *Image) Openable() error {
	if m.SetAside() {
		return errs.New(errs.Invalid, "This picture stopped the program more than once, so it is not opened any more. Remove it, and photograph the sheet again.")
	}
	return nil
}

// clearStrikes clears the strikes of m after a manual retry. It stays a suspect until it was read.
func (m *Image) clearStrikes() {
	if m.Suspect != nil {
		m.Suspect = &Suspect{Mark: m.Suspect.Mark}
	}
}
