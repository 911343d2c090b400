package office

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/spawn"
)

// address is the office's, the same in the whole family. It is no secret: /proc/net/unix shows it to everybody.
var address = sync.OnceValue(func() *net.UnixAddr {
	return &net.UnixAddr{Net: "unix", Name: "@mp-" + hex.EncodeToString(spawn.Derive("mp office: address")[:16])}
})

var key = sync.OnceValue(func() []byte { return spawn.Derive("mp office: membership") })

// proof is what only a member of the family can say, in this exchange, in this part.
func proof(part string, root, member []byte) []byte {
	h := hmac.New(sha256.New, key())
	for _, b := range [][]byte{[]byte(part), root, member} {
		_, _ = h.Write(b) // never fails
	}
	return h.Sum(nil)
}

const (
	rootPart   = "root  "
	memberPart = "member"
)

var errStranger = errors.New("mp: the other side is not of this family")

// sameUser reports whether the other side is a process of this user, or of root's, who could do what he wants anyway.
func sameUser(conn *net.UnixConn) bool {
	var cred *unix.Ucred
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	return cerr == nil && err == nil && (int(cred.Uid) == os.Geteuid() || cred.Uid == 0)
}

// admit is the root's half: the member proves himself first.
func admit(conn *net.UnixConn) error {
	mine := make([]byte, abi.OfficeNonce)
	_, _ = rand.Read(mine) // never fails
	if _, err := conn.Write(mine); err != nil {
		return err
	}
	answer := make([]byte, abi.OfficeNonce+abi.OfficeProof)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	theirs, proved := answer[:abi.OfficeNonce], answer[abi.OfficeNonce:]
	if !hmac.Equal(proved, proof(memberPart, mine, theirs)) {
		return errStranger
	}
	_, err := conn.Write(proof(rootPart, mine, theirs))
	return err
}

// introduce is the member's half.
func introduce(conn *net.UnixConn) error {
	if !sameUser(conn) {
		return errStranger
	}
	theirs := make([]byte, abi.OfficeNonce)
	if _, err := io.ReadFull(conn, theirs); err != nil {
		return err
	}
	mine := make([]byte, abi.OfficeNonce)
	_, _ = rand.Read(mine) // never fails
	if _, err := conn.Write(slices.Concat(mine, proof(memberPart, theirs, mine))); err != nil {
		return err
	}
	answer := make([]byte, abi.OfficeProof)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if !hmac.Equal(answer, proof(rootPart, theirs, mine)) {
		return errStranger
	}
	return nil
}
