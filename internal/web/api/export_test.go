package api

// The making and the reading of cursors.
var (
	CursorOf = cursorOf
	PlaceIn  = placeIn
)
