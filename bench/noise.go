package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is how much CPU time was spent: by everybody, and by this program and the processes it has waited for. So it is
// taken when those of a group have ended. Python's fork server is nobody's: it and its children count as others.
type usage struct {
	at             time.Time
	everybody, own time.Duration
}

// clockTick is the unit of /proc/stat, which is the same on all Linux systems that Go runs on.
const clockTick = time.Second / 100

func takeUsage() usage {
	u := usage{at: time.Now()}
	stat, _ := os.ReadFile("/proc/stat") // without it everybody is nobody
	first, _, _ := strings.Cut(string(stat), "\n")
	// cpu user nice system idle iowait irq softirq steal, as proc(5) has it
	for i, field := range strings.Fields(first) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		ticks, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers
		u.everybody += time.Duration(ticks) * clockTick
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		if syscall.Getrusage(who, &r) == nil {
			u.own += time.Duration(r.Utime.Nano() + r.Stime.Nano())
		}
	}
	return u
}

// others is how many CPUs the rest of the machine has used since, on average.
func (u usage) others() float64 {
	now := takeUsage()
	spent := (now.everybody - u.everybody) - (now.own - u.own)
	return max(0, spent.Seconds()/now.at.Sub(u.at).Seconds())
}

// disturbed is above how many CPUs used by others a group's figures are not to be trusted.
const disturbed = 0.1

// disturbance is the remark on a group; empty if there is nothing to remark.
func disturbance(group string, others float64) string {
	if others <= disturbed {
		return ""
	}
	return fmt.Sprintf("Disturbed: while %s was measured, other programs used %.2f CPUs.", group, others)
}
