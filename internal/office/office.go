package office

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/go-multiproc/mp/internal/abi"
)

// A Token is the name of a deposit: random, so that only those know it who were told.
type Token = [abi.OfficeToken]byte

// NewToken draws a token.
func NewToken() (t Token) {
	_, _ = rand.Read(t[:]) // never fails
	return t
}

// What a deposit may have.
const (
	MaxState = abi.OfficeMaxState // bytes
	MaxFiles = abi.OfficeMaxFiles
)

// ErrGone reports that there is no deposit under a token: it was taken, or dropped, or there never was one.
var ErrGone = errors.New("mp: somebody else has taken it, or it was given up")

// Put deposits state and copies of the files' descriptors under a token; the files stay open. When it returns nil, the deposit
// outlives this process; when it returns an error, there is none. It waits for the family's first process at most a
// limited time, as the others do.
func Put(token Token, state []byte, files []*os.File) error {
	if len(state) > MaxState || len(files) > MaxFiles {
		return fmt.Errorf("mp: %d bytes and %d files are too much for one deposit", len(state), len(files))
	}
	return put(token, state, files)
}

// Take takes a deposit out. One caller gets it; for all others it is ErrGone.
func Take(token Token) (state []byte, files []*os.File, err error) { return take(token) }

// Has reports whether there is a deposit under the token.
func Has(token Token) (bool, error) { return has(token) }

// Drop closes a deposit, if there is one.
func Drop(token Token) error { return drop(token) }
