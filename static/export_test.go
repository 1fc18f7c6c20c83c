package static

// Bundles are the parts of each asset that is made of several.
func Bundles() map[string][]string { return together }
