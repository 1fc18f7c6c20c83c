package app

import "sheetlift/internal/store"

// Store is where a benchmark changes images faster than any engine reads them.
func (a *App) Store() *store.Store { return a.store }
