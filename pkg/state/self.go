package state

import (
	"os"
	"os/user"
	"strconv"
	"time"
)

// Self describes this process as a holder. The store fills in the times.
func Self(action, run string) Holder {
	h := Holder{Owner: "unknown user", PID: os.Getpid(), Place: place(), Born: born(os.Getpid()), Run: run, Action: action}
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

// Ended says why nobody holds the lease any more, as far as that is known: its process is gone, or it has not been renewed in
// time. Empty while it may be held. The next run takes such a lease over.
func (h Holder) Ended(now time.Time) string {
	switch {
	case h.Gone():
		return "its process has ended"
	case h.Expired(now, 0):
		return "it was not renewed and has run out"
	}
	return ""
}

// Gone says that the holder's process certainly does not run any more: there is none with its PID, it is dead and nobody has
// fetched its end (a zombie), or the PID is another process's by now. It knows only about processes beside this one; of all
// others it says false.
func (h Holder) Gone() bool {
	if h.Place == "" || h.PID <= 0 || h.PID == os.Getpid() && h.Born == born(h.PID) || h.Place != place() {
		return false
	}
	return ended(h.PID, h.Born)
}
