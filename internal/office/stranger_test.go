//go:build linux

package office

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

const addressVar = "MP_OFFICE_ADDRESS"

// brokenRoles are members that are killed in the middle of a call, or do what they should not.
var brokenRoles = map[string]func(Token) error{
	"dies before the proof": func(Token) error {
		if _, err := net.DialUnix("unix", nil, address()); err != nil {
			return err
		}
		die()
		return nil
	},
	"dies before the request": func(Token) error {
		_, err := connect(time.Now().Add(limit))
		if err == nil {
			die()
		}
		return err
	},
	"dies in the head":        func(token Token) error { return dieIn(token, abi.OfficePut, abi.OfficeHead-1) },
	"dies in the state":       func(token Token) error { return dieIn(token, abi.OfficePut, abi.OfficeHead+3) },
	"dies between files":      dieBetweenFiles,
	"dies before the answer":  func(token Token) error { return dieIn(token, abi.OfficePut, 1<<20) },
	"dies before the word":    dieBeforeTheWord,
	"says another word":       func(token Token) error { return converseAs(token, 'x') },
	"dies taking":             dieTaking,
	"stranger":                stranger,
	"sends files everywhere":  filesEverywhere,
	"lies about its size":     func(token Token) error { return lie(token, abi.OfficeMaxState+1, 0) },
	"lies about its files":    func(token Token) error { return lie(token, 0, abi.OfficeMaxFiles+1) },
	"lies enormously":         func(token Token) error { return lie(token, 1<<32-1, 1<<32-1) },
	"sends fewer files":       func(token Token) error { return lie(token, 0, 2) },
	"another user's stranger": otherUser,
}

// written is what a request is as bytes, without its files.
func written(l *letter) []byte {
	b := append([]byte(nil), l.token[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(l.state)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(l.fds)))
	return append(append(b, l.kind, 0, 0, 0, 0, 0, 0, 0), l.state...)
}

// dieIn dies when so many bytes of a request are written.
func dieIn(token Token, kind byte, n int) error {
	conn, err := connect(time.Now().Add(limit))
	if err != nil {
		return err
	}
	b := written(&letter{kind: kind, token: token, deposit: deposit{state: []byte("state")}})
	if _, err := conn.Write(b[:min(n, len(b))]); err != nil {
		return err
	}
	die()
	return nil
}

func dieBetweenFiles(token Token) error {
	conn, err := connect(time.Now().Add(limit))
	if err != nil {
		return err
	}
	l := &letter{kind: abi.OfficePut, token: token, deposit: deposit{fds: make([]int, 300)}}
	if _, err := conn.Write(written(l)); err != nil {
		return err
	}
	if _, _, err := conn.WriteMsgUnix([]byte{0}, unix.UnixRights(make([]int, abi.OfficeGroup)...), nil); err != nil {
		return err
	}
	die()
	return nil
}

func dieBeforeTheWord(token Token) error {
	conn, err := connect(time.Now().Add(limit))
	if err != nil {
		return err
	}
	l := &letter{kind: abi.OfficePut, token: token, deposit: deposit{state: []byte("state"), fds: []int{0, 1}}}
	if err := l.send(conn); err != nil {
		return err
	}
	if answer, err := receive(conn); err != nil || answer.kind != abi.OfficeDone {
		return fmt.Errorf("%v, %w", answer, err)
	}
	// It is there, though nobody can know of it.
	if err := roles["has"](token); err != nil {
		return err
	}
	die()
	return nil
}

// converseAs says this byte of a kind that there is not.
func converseAs(token Token, kind byte) error {
	_, err := ask(&letter{kind: kind, token: token})
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("the answer to a letter that there is not: %w", err)
	}
	return nil
}

// dieTaking dies with what it takes under way to it.
func dieTaking(token Token) error {
	conn, err := connect(time.Now().Add(limit))
	if err != nil {
		return err
	}
	if err := (&letter{kind: abi.OfficeTake, token: token}).send(conn); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, make([]byte, abi.OfficeHead)); err != nil {
		return err
	}
	die()
	return nil
}

// filesEverywhere sends descriptors where nobody waits for any.
func filesEverywhere(token Token) error {
	conn, err := net.DialUnix("unix", nil, address())
	if err != nil {
		return err
	}
	root, mine := make([]byte, abi.OfficeNonce), make([]byte, abi.OfficeNonce)
	if _, err := io.ReadFull(conn, root); err != nil {
		return err
	}
	fds := unix.UnixRights(make([]int, 100)...)
	if _, _, err := conn.WriteMsgUnix(slices.Concat(mine, proof(memberPart, root, mine)), fds, nil); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, make([]byte, abi.OfficeProof)); err != nil {
		return err
	}
	if _, _, err := conn.WriteMsgUnix(written(&letter{kind: abi.OfficeDrop, token: token}), fds, nil); err != nil {
		return err
	}
	answer, err := receive(conn)
	if err != nil || answer.kind != abi.OfficeDone {
		return fmt.Errorf("%v, %w", answer, err)
	}
	return nil
}

// lie announces more than it sends.
func lie(token Token, size, files uint32) error {
	conn, err := connect(time.Now().Add(limit))
	if err != nil {
		return err
	}
	b := written(&letter{kind: abi.OfficePut, token: token})
	binary.LittleEndian.PutUint32(b[abi.OfficeToken:], size)
	binary.LittleEndian.PutUint32(b[abi.OfficeToken+4:], files)
	if _, err := conn.Write(b); err != nil {
		return err
	}
	if size == 0 && files == 2 {
		if _, _, err := conn.WriteMsgUnix([]byte{0}, unix.UnixRights(0), nil); err != nil {
			return err
		}
	}
	answer, err := receive(conn)
	if err != nil || answer.kind != abi.OfficeFailed || len(answer.state) == 0 {
		return fmt.Errorf("%v, %w", answer, err)
	}
	return nil
}

// A call that is cut short at any step is one that was not made, but for a Take that has begun.
func TestMemberIsKilled(t *testing.T) {
	noLeaks(t)
	for role := range brokenRoles {
		if !strings.HasPrefix(role, "dies") {
			continue
		}
		t.Run(role, func(t *testing.T) {
			token := NewToken()
			if role == "dies taking" {
				if err := putTwo(token); err != nil {
					t.Fatal(err)
				}
			}
			run(t, role, token, killed)
			await(t, func() string {
				if own.has(token) {
					return "there is a deposit"
				}
				return ""
			})
			if err := contract(token); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is handed out and does not arrive is closed: whoever waits at its other end sees it.
func TestTakenWithTheDead(t *testing.T) {
	noLeaks(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	token := NewToken()
	if err := Put(token, nil, []*os.File{w}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	run(t, "dies taking", token, killed)
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// A member that breaks the rules gets an error, or nothing, and hurts nobody.
func TestBrokenMember(t *testing.T) {
	noLeaks(t)
	for role := range brokenRoles {
		if strings.HasPrefix(role, "lies") || strings.HasPrefix(role, "sends") || strings.HasPrefix(role, "says") {
			run(t, role, NewToken(), well)
		}
	}
	run(t, "contract", Token{}, well)
}

// stranger knows the address, and is not of the family.
func stranger(Token) error {
	a := &net.UnixAddr{Net: "unix", Name: os.Getenv(addressVar)}
	right := func(conn *net.UnixConn) []byte { // with the wrong key
		root, mine := make([]byte, abi.OfficeNonce), make([]byte, abi.OfficeNonce)
		_, _ = io.ReadFull(conn, root)
		return slices.Concat(mine, proof(memberPart, root, mine))
	}
	for what, say := range map[string]func(*net.UnixConn) []byte{
		"nothing":     func(*net.UnixConn) []byte { return nil },
		"too little":  func(*net.UnixConn) []byte { return make([]byte, 63) },
		"zeros":       func(*net.UnixConn) []byte { return make([]byte, 1<<20) },
		"wrong proof": right,
		"echo": func(conn *net.UnixConn) []byte {
			root := make([]byte, abi.OfficeNonce)
			_, _ = io.ReadFull(conn, root)
			return slices.Concat(root, root)
		},
	} {
		conn, err := net.DialUnix("unix", nil, a)
		if err != nil {
			return err
		}
		_, _ = conn.Write(say(conn)) // what the other side does not read, it may refuse
		got, err := io.ReadAll(conn)
		if len(got) > abi.OfficeNonce || err != nil && !errors.Is(err, syscall.ECONNRESET) {
			return fmt.Errorf("%s: %d bytes, %w", what, len(got), err)
		}
		conn.Close()
	}
	return nil
}

// otherUser is a stranger of another user: it is not even given something to answer.
func otherUser(Token) error {
	for range 3 * seats {
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Net: "unix", Name: os.Getenv(addressVar)})
		if err != nil {
			return err
		}
		if got, err := io.ReadAll(conn); len(got) != 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
			return fmt.Errorf("%d bytes, %w", len(got), err)
		}
		conn.Close()
	}
	return nil
}

func program(ctx context.Context, role string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, osenv.SelfPath)
	cmd.Env = append(os.Environ(), roleVar+"="+role, addressVar+"="+address().Name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// A program that is no relative learns nothing, gets nothing, and does not stay.
func TestStranger(t *testing.T) {
	noLeaks(t)
	if out, err := program(t.Context(), "stranger").CombinedOutput(); err != nil || string(out) != "well" {
		t.Errorf("%s, %v", out, err)
	}
	run(t, "contract", Token{}, well)
}

// One of another user does not get a seat.
func TestStrangerOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	noLeaks(t)
	cmd := program(t.Context(), "another user's stranger")
	cmd.Path = copyOfSelf(t)
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "well" {
		t.Errorf("%s, %v", out, err)
	}
}

// copyOfSelf is this program where everybody may run it.
func copyOfSelf(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(osenv.SelfPath)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp("", "mp-office-*") //nolint:usetesting // t.TempDir is for this user only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(f.Name()) })
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Chmod(0o755), f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// Strangers that say nothing on every seat hold a member up, no more.
func TestSilentStrangers(t *testing.T) {
	noLeaks(t)
	for range 2 * seats {
		conn, err := net.DialUnix("unix", nil, address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	run(t, "contract", Token{}, well)
}

// Whoever has taken over the name gets no descriptor: a member asks for the proof first.
func TestFalseOffice(t *testing.T) {
	for what, say := range map[string]func(nonce, said []byte) []byte{
		"nothing":              func([]byte, []byte) []byte { return nil },
		"zeros":                func([]byte, []byte) []byte { return make([]byte, abi.OfficeProof) },
		"the member's own":     func(_, said []byte) []byte { return said[abi.OfficeNonce:] },
		"of the wrong part":    func(nonce, said []byte) []byte { return proof(memberPart, nonce, said[:abi.OfficeNonce]) },
		"of another exchange":  func(nonce, _ []byte) []byte { return proof(rootPart, nonce, nonce) },
		"of the other's bytes": func(nonce, said []byte) []byte { return proof(rootPart, said[:abi.OfficeNonce], nonce) },
	} {
		mine, its := pair(t)
		result := make(chan error, 1)
		go func() {
			result <- introduce(mine)
			mine.Close()
		}()
		nonce, said := make([]byte, abi.OfficeNonce), make([]byte, abi.OfficeNonce+abi.OfficeProof)
		if _, err := its.Write(nonce); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(its, said); err != nil {
			t.Fatal(err)
		}
		_, _ = its.Write(say(nonce, said))
		_ = its.CloseWrite()
		rest, _ := io.ReadAll(its)
		if err := <-result; err == nil || len(rest) > 0 {
			t.Errorf("%s: %v, and %d bytes more were said", what, err, len(rest))
		}
	}
}

// A process that was stopped finds the word though its time is over.
func TestHeardLate(t *testing.T) {
	a, b := pair(t)
	_ = a.SetDeadline(time.Now().Add(-time.Second))
	if heard(a) {
		t.Error("a word that was not said")
	}
	if _, err := b.Write([]byte{0}); err != nil {
		t.Fatal(err)
	}
	if !heard(a) {
		t.Error("not heard")
	}
	b.Close()
	_ = a.SetDeadline(time.Time{})
	if heard(a) {
		t.Error("the end is no word")
	}
}

// FuzzAttend says to the root what it never should be told, as a member and as a stranger.
func FuzzAttend(f *testing.F) {
	patience = time.Minute // the tests' own is too short for a machine that fuzzes on all CPUs
	f.Add([]byte{}, true)
	f.Add(written(&letter{kind: abi.OfficePut, deposit: deposit{state: []byte("state")}}), true)
	f.Add(append(written(&letter{kind: abi.OfficePut, deposit: deposit{fds: []int{0, 0}}}), 0), true)
	f.Add(written(&letter{kind: abi.OfficeTake}), true)
	f.Add(bytes.Repeat([]byte{255}, 100), true)
	f.Add(make([]byte, 64), false)
	f.Fuzz(func(t *testing.T, b []byte, member bool) {
		root, other := pair(t)
		var k desk
		done := make(chan struct{})
		go func() {
			attend(root, &k)
			root.Close()
			close(done)
		}()
		if member {
			if err := introduce(other); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = other.Write(b)
		_ = other.CloseWrite()
		_, _ = io.ReadAll(other)
		<-done
		for _, d := range k.deposits {
			if b[0] == 0 && len(d.fds) > 0 {
				t.Error("descriptors that nobody sent")
			}
			d.close()
		}
	})
}
