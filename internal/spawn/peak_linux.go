package spawn

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// PeakRSS is the largest resident set that the worker ever had, in bytes; 0 if it is not known. What the kernel tells with a child's
// exit status may be its parent's.
func (c *Child) PeakRSS() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped {
		return 0
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.PID))
	if err != nil {
		return 0
	}
	return peak(b)
}

// peak finds the high-water mark in /proc/pid/status: a line like "VmHWM:     7140 kB".
func peak(status []byte) int64 {
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	number, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte(" kB\n"))
	kb, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}
