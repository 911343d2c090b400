package spawn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
)

// SecretSize is the size of a family's secret.
const SecretSize = 32

// inherited is the secret in a worker, once told is closed, which Attach does.
var (
	inherited [SecretSize]byte
	told      = make(chan struct{})
)

// secret is 32 random bytes that the processes of a family share and nobody else knows. The first process makes them, when they are
// first asked for; each child is told in its Config. A worker that is not trusted is told another, and begins a family with it.
var secret = sync.OnceValue(func() (s [SecretSize]byte) {
	if self.worker {
		<-told
		return inherited
	}
	return newSecret()
})

func newSecret() (s [SecretSize]byte) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

// Derive is the family's key for one purpose, 32 bytes. Who has it learns nothing of other keys. In a worker it is known
// from Main on.
func Derive(label string) []byte {
	RequireMain("something that needs the family's key")
	s := secret()
	h := hmac.New(sha256.New, s[:])
	_, _ = h.Write([]byte(label)) // never fails
	return h.Sum(nil)
}
