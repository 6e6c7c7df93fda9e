package state

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// Self describes this process as a holder. The store fills in the times.
func Self(action, run string) Holder {
	h := Holder{Owner: "unknown user", PID: os.Getpid(), Place: place(), Run: run, Action: action}
	if u, err := user.Current(); err == nil && u.Username != "" {
		h.Owner = u.Username
	} else if uid := os.Getuid(); uid >= 0 { // in a container the user often has no name
		h.Owner = "uid " + strconv.Itoa(uid)
	}
	if host, err := os.Hostname(); err == nil {
		h.Host = host
	}
	return h
}

// place names the running kernel and the process space, in which a PID means one process. Two containers on one machine
// have different spaces, so one never takes the other's process for dead. Empty where the system does not tell.
func place() string {
	boot, err1 := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, err2 := os.Readlink("/proc/self/ns/pid")
	if err1 != nil || err2 != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + "/" + space
}

// Gone says that the holder's process certainly does not run any more. It knows only about processes beside this one; of all
// others it says false. A PID that was given to another process since looks alive, which is the safe mistake.
func (h Holder) Gone() bool {
	if h.Place == "" || h.PID <= 0 || h.PID == os.Getpid() || h.Place != place() {
		return false
	}
	p, err := os.FindProcess(h.PID)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH) || errors.Is(err, fs.ErrNotExist)
}
