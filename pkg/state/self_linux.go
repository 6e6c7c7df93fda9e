package state

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// place names the running kernel and the process space, in which a PID means one process. Two containers on one machine
// have different spaces, so one never takes the other's process for dead.
func place() string {
	boot, err1 := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, err2 := os.Readlink("/proc/self/ns/pid")
	if err1 != nil || err2 != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + "/" + space
}

// born is when a process started, in ticks since boot; empty when that cannot be seen.
func born(pid int) string {
	_, start := stat(pid)
	return start
}

// stat reads state and start time: fields 3 and 22 of /proc/PID/stat (proc_pid_stat(5)). The name in field 2 is in
// parentheses and may hold anything, parentheses too.
func stat(pid int) (status, start string) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", ""
	}
	line := string(raw)
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 20 {
		return "", ""
	}
	return fields[0], fields[19]
}

// ended says that a process that started at the given time has certainly ended. What /proc hides (its option hidepid) is
// asked for with a signal that does nothing.
func ended(pid int, start string) bool {
	switch status, now := stat(pid); {
	case status == "Z", status == "X":
		return true
	case status != "":
		return start != "" && start != now
	}
	err := syscall.Kill(pid, 0)
	return errors.Is(err, syscall.ESRCH)
}
