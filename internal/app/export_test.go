package app

import (
	"sheetlift/internal/batch"
	"sheetlift/internal/store"
)

// Store is where a benchmark changes images faster than any engine reads them.
func (a *App) Store() *store.Store { return a.store }

// Told is changes that are passed on after whoever subscribes has seen them.
func Told(c batch.Changes, after func(batch.Change)) batch.Changes { return told{c, after} }
