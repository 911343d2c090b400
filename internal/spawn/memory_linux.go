package spawn

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// A sampler looks at the memory of one process again and again. The open file means this process, whoever has its pid later.
type sampler struct {
	file *os.File
	buf  [256]byte
}

func newSampler(pid int) (*sampler, bool) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return nil, false
	}
	return &sampler{file: f}, true
}

// private is the resident memory that the process shares with nobody: what it allocated, not the program's text, nor pages of the arena,
// which belong to all. False when it has ended.
func (s *sampler) private() (int64, bool) {
	n, _ := s.file.ReadAt(s.buf[:], 0) // always with an error: the file is short
	f := bytes.Fields(s.buf[:n])
	if len(f) < 3 {
		return 0, false
	}
	resident, err1 := strconv.ParseInt(string(f[1]), 10, 64)
	shared, err2 := strconv.ParseInt(string(f[2]), 10, 64)
	return max(0, resident-shared) * int64(os.Getpagesize()), err1 == nil && err2 == nil
}

func (s *sampler) close() { s.file.Close() }
