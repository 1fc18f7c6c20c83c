package views

import "time"

// Figures is the page of daily figures.
type Figures struct {
	Shell
	Days []Day // newest first
}

// Day is the sum of one engine on one day.
type Day struct {
	At                                     time.Time
	Engine                                 string
	Read, FromCache, Failed, Calls, Tokens int
	USD                                    float64
	Unpriced                               int // of Calls, those with an unknown price
}
