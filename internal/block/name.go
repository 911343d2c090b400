package block

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

// maxName is NAME_MAX. (shm_open of the GNU C library, and so most Pythons, stops at 253.)
const maxName = 255

// cleanName checks a name and takes one slash off its front.
func cleanName(name string) (string, error) {
	name = strings.TrimPrefix(name, "/")
	switch {
	case name == "":
		return "", errors.New("its name is empty")
	case name == "." || name == "..":
		return "", fmt.Errorf("its name is %q, a directory", name)
	case len(name) > maxName:
		return "", fmt.Errorf("its name has %d bytes, more than %d", len(name), maxName)
	case strings.ContainsAny(name, "/\x00"):
		return "", fmt.Errorf("its name %q contains a slash or a NUL", name)
	}
	return name, nil
}

// maxDraws is how often a name is drawn before the generator is at fault: a million blocks are one name in 4,000.
const maxDraws = 100

// drawName returns a name that is likely to be free. Tests make it less so.
var drawName = func() string { return fmt.Sprintf("mp_%08x", rand.Uint32()) }
