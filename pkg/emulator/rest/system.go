package rest

import "slices"

// System says whether a query parameter is one that goes with every method.
func System(name string) bool { return slices.Contains(systemParameters, name) }
