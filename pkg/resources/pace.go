package resources

import "time"

// Pace makes all waiting so many times as quick: 1 with the real cloud, the time scale with an emulator. 0 means 1.
type Pace float64

// Scaled is how long a wait takes at this pace.
func (p Pace) Scaled(d time.Duration) time.Duration {
	if p <= 0 {
		return d
	}
	return time.Duration(float64(d) / float64(p))
}

// Unscaled is the opposite: what a time that has passed here means at the normal pace.
func (p Pace) Unscaled(d time.Duration) time.Duration {
	if p <= 0 {
		return d
	}
	return time.Duration(float64(d) * float64(p))
}
