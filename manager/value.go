package manager

import (
	"bytes"
	"encoding/binary"
)

// A value is what a client gave the server to keep: bytes, and the objects whose numbers are in them. While it is kept it counts
// against MaxBytes, and those objects live. The zero value is of length 0, and free.
type value struct {
	data []byte
	refs []*entry
}

// valueOverhead is what a kept value costs beside its bytes, about.
const valueOverhead = 64

// keep makes a value of bytes, which it copies.
func (srv *server) keep(b []byte) (value, error) {
	if err := srv.charge(int64(len(b)) + valueOverhead); err != nil {
		return value{}, err
	}
	return srv.copy(b), nil
}

// copy makes a value of bytes that were charged for.
func (srv *server) copy(b []byte) value {
	v := value{data: append(make([]byte, 0, len(b)), b...)}
	v.refs = srv.refer(v.data)
	return v
}

// charge counts bytes that an object keeps; drop, or charge with less than 0, gives them back.
func (srv *server) charge(n int64) error {
	if srv.bytes.Add(n) > srv.cfg.MaxBytes && n > 0 {
		srv.bytes.Add(-n)
		return ErrLimit
	}
	return nil
}

// refer finds the objects that bytes refer to, and holds them.
func (srv *server) refer(b []byte) (refs []*entry) {
	for {
		at := bytes.Index(b, srv.id[:])
		if at < 0 || len(b) < at+len(srv.id)+8 {
			return refs
		}
		b = b[at+len(srv.id):]
		if e := srv.hold(binary.LittleEndian.Uint64(b)); e != nil {
			refs = append(refs, e)
		}
	}
}
