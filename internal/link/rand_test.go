package link

import "testing"

// The first numbers of splitmix64 with seed 0, as its authors' program prints them.
func TestMixIsSplitmix64(t *testing.T) {
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		step := uint64(i) + 1
		if got := mix(golden * step); got != want {
			t.Errorf("number %d is %#x, not %#x", i, got, want)
		}
	}
}
