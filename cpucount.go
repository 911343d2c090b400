package mp

// CPUCount is the number of CPUs that this process may use: its affinity and the quota of its cgroups, v1 and v2, taken into
// account, rounded up, and at least 1.
func CPUCount() int {
	n := affinity()
	if q := cgroupQuota(); q > 0 {
		n = min(n, q)
	}
	return max(1, n)
}
