package mp

import (
	"io/fs"
	"testing"
)

// T013, W40: of the groups that a process is in, and of those that they are in, the least quota counts, rounded up; of either version, also where a
// container sees the root only.
func TestConformCPUQuota(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  int
	}{
		"no groups":     {nil, 0},
		"no limit":      {map[string]string{"/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 0},
		"own":           {map[string]string{"/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/cpu.max": "200000 100000\n"}, 2},
		"rounded up":    {map[string]string{"/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/cpu.max": "150000 100000\n"}, 2},
		"less than one": {map[string]string{"/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/cpu.max": "1000 100000\n"}, 1},
		"of the group around it": {map[string]string{
			"/proc/self/cgroup": "0::/a/b/c\n", "/sys/fs/cgroup/a/b/c/cpu.max": "800000 100000\n", "/sys/fs/cgroup/a/cpu.max": "300000 100000\n",
		}, 3},
		"in a container": {map[string]string{"/proc/self/cgroup": "0::/docker/of/the/host\n", "/sys/fs/cgroup/cpu.max": "400000 100000\n"}, 4},
		"version 1": {map[string]string{
			"/proc/self/cgroup":                              "5:cpu,cpuacct:/a\n3:memory:/a\n",
			"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us":  "500000\n",
			"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
		}, 5},
		"version 1 without a limit": {map[string]string{
			"/proc/self/cgroup": "5:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, 0},
		"both": {map[string]string{
			"/proc/self/cgroup":                       "5:cpu:/a\n0::/a\n",
			"/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us":   "700000\n",
			"/sys/fs/cgroup/cpu/a/cpu.cfs_period_us":  "100000\n",
			"/sys/fs/cgroup/a/cpu.max":                "600000 100000\n",
			"/sys/fs/cgroup/cpu/cpu.cfs_quota_us":     "-1\n",
			"/sys/fs/cgroup/cpu/cpu.cfs_period_us":    "100000\n",
			"/sys/fs/cgroup/another/group/of/cpu.max": "100000 100000\n",
		}, 6},
		"nonsense": {map[string]string{
			"/proc/self/cgroup": "x\n0::/a\n", "/sys/fs/cgroup/a/cpu.max": "200000 0\n", "/sys/fs/cgroup/cpu.max": "many few too\n",
		}, 0},
	} {
		read := func(name string) ([]byte, error) {
			if text, ok := c.files[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}
		if got := quotaOf(read); got != c.want {
			t.Errorf("%s: %d CPUs, not %d", name, got, c.want)
		}
	}
}
