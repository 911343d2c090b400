package mptest

import (
	"encoding/binary"
	"os"
)

// counterSize is the size of the file in which the workers of a faulty pool count: one word, in the machine's order.
const counterSize = 8

func readCounter(name string) (uint64, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	return binary.NativeEndian.Uint64(b), nil
}
