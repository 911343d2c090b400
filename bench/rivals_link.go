//go:build rivals

package main

// init makes this the program that can measure the groups of the rivals.
func init() {
	for i := range groups {
		switch groups[i].name {
		case rivalsCallGroup.name:
			groups[i].open = openRivalsCall
		case rivalsMapGroup.name:
			groups[i].open = openRivalsMap
		case rivalsStartGroup.name:
			groups[i].open = openRivalsStart
		case rivalsCrashGroup.name:
			groups[i].open = openRivalsCrash
		}
	}
}
