package mp

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// affinity is how many CPUs this process may run on now: a worker is bound to some after its start, when the runtime has counted them.
func affinity() int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return runtime.NumCPU() // there are more CPUs than a CPUSet holds
	}
	return set.Count()
}

// cgroupQuota is the least CPU quota of the cgroups that this process is in, in whole CPUs, rounded up; 0 if none is set.
func cgroupQuota() int { return quotaOf(os.ReadFile) }

// quotaOf is cgroupQuota with a file system that a test can make up.
func quotaOf(read func(string) ([]byte, error)) int {
	groups, err := read("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := math.Inf(1)
	lines := bufio.NewScanner(bytes.NewReader(groups))
	for lines.Scan() {
		// hierarchy-ID:controllers:path, as cgroups(7) has it
		f := strings.SplitN(lines.Text(), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[1] == "":
			least = min(least, walkUp(read, "/sys/fs/cgroup", f[2], quotaV2))
		case hasController(f[1], "cpu"):
			least = min(least, walkUp(read, "/sys/fs/cgroup/"+f[1], f[2], quotaV1), walkUp(read, "/sys/fs/cgroup/cpu", f[2], quotaV1))
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return max(1, int(math.Ceil(least)))
}

func hasController(list, name string) bool {
	for c := range strings.SplitSeq(list, ",") {
		if c == name {
			return true
		}
	}
	return false
}

// walkUp is the least quota of a group and of those it is in. In a container the path may be the host's, and then only
// the root exists.
func walkUp(read func(string) ([]byte, error), root, group string, quota func(func(string) ([]byte, error), string) float64) float64 {
	least := math.Inf(1)
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		if q := quota(read, path.Join(root, dir)); q > 0 {
			least = min(least, q)
		}
		if dir == "/" {
			return least
		}
	}
}

func quotaV2(read func(string) ([]byte, error), dir string) float64 {
	b, err := read(dir + "/cpu.max")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) != 2 {
		return 0
	}
	return ratio(f[0], f[1])
}

func quotaV1(read func(string) ([]byte, error), dir string) float64 {
	quota, err := read(dir + "/cpu.cfs_quota_us")
	if err != nil {
		return 0
	}
	period, err := read(dir + "/cpu.cfs_period_us")
	if err != nil {
		return 0
	}
	return ratio(strings.TrimSpace(string(quota)), strings.TrimSpace(string(period)))
}

// ratio is 0 for "max" and for the -1 of v1.
func ratio(quota, period string) float64 {
	q, err := strconv.ParseFloat(quota, 64)
	if err != nil || q <= 0 {
		return 0
	}
	p, err := strconv.ParseFloat(period, 64)
	if err != nil || p <= 0 {
		return 0
	}
	return q / p
}
