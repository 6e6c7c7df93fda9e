package emulator

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"time"
)

// Triple is how long something takes, in seconds: about the 5th percentile, the usual, about the 95th.
type Triple struct{ Low, Typical, High float64 }

// Profile tells how long each kind of operation takes. The zero value takes no time.
type Profile struct {
	Name  string            `json:"name"`
	Kinds map[string]Triple `json:"kinds"` // "compute_network.create" …; a kind that is missing takes no time
	// Spread draws each duration between low and high. Without it every operation takes its typical time.
	Spread bool `json:"spread"`
}

// typicalSeconds is the project's own table of estimates. Sources: public Terraform logs and operation records of
// 2020-2026, read as intervals because Terraform polls every 10 s; "guess" marks rows without evidence.
var typicalSeconds = map[string]Triple{ //nolint:gochecknoglobals // a constant table
	"rest":                             {0.1, 0.2, 0.6},
	"compute_network.create":           {9, 14, 25},
	"compute_network.create_auto":      {28, 40, 56},
	"compute_network.update":           {3, 6, 12}, // guess, as a firewall
	"compute_network.delete":           {8, 14, 20},
	"compute_network.delete_auto":      {35, 43, 65},
	"compute_subnetwork.create":        {5, 9, 18},
	"compute_subnetwork.update":        {3, 6, 12}, // guess
	"compute_subnetwork.delete":        {6, 10, 18},
	"compute_firewall.create":          {4, 7, 14},
	"compute_firewall.update":          {3, 6, 12}, // guess
	"compute_firewall.delete":          {3, 6, 10},
	"compute_route.create":             {4, 7, 14}, // guess, as a firewall
	"compute_route.delete":             {3, 6, 10}, // guess
	"compute_router.create":            {2, 5, 12},
	"compute_router.create_nat":        {3, 6, 14},
	"compute_router.update":            {3, 6, 14},
	"compute_router.delete":            {2, 5, 10},
	"compute_instance_template.create": {1, 2, 3},
	"compute_instance_template.delete": {1, 4, 10},
	"compute_group.create":             {10, 16, 25},
	"compute_group.update":             {2, 4, 8}, // guess
	"compute_group.delete":             {60, 75, 120},
	"compute_instance.create":          {7, 15, 45},
	"compute_instance.update":          {2, 4, 8}, // guess
	"compute_instance.delete":          {12, 22, 95},
	"guest.proxy":                      {20, 40, 90}, // guess: a Deep Learning VM registers with the Jupyter proxy after boot
	"storage_bucket.create":            {0.6, 1.6, 4},
	"storage_bucket.delete":            {0.4, 0.9, 2},
	"storage_object.write":             {0.1, 0.2, 0.9},
	"service.enable":                   {8, 16, 30},
}

// ProfileNamed gives "off", "typical" (every operation takes its usual time), "slow" (the high estimate and 30 % on top),
// or the profile in a JSON file of that name, in the form of Profile.
func ProfileNamed(name string) (Profile, error) {
	switch name {
	case "", "off":
		return Profile{Name: "off"}, nil
	case "typical":
		return Profile{Name: name, Kinds: typicalSeconds}, nil
	case "slow":
		slow := make(map[string]Triple, len(typicalSeconds))
		for k, t := range typicalSeconds {
			slow[k] = Triple{t.High, t.High * 1.3, t.High * 1.3}
		}
		return Profile{Name: name, Kinds: slow}, nil
	}
	raw, err := os.ReadFile(name) //nolint:gosec // the user names the file
	if err != nil {
		return Profile{}, fmt.Errorf("latency profile %q is neither off, typical, slow nor a readable file: %w", name, err)
	}
	p := Profile{Name: name}
	if err := json.Unmarshal(raw, &p); err != nil {
		return Profile{}, fmt.Errorf("latency profile %s: %w", name, err)
	}
	return p, nil
}

// duration is how long the n-th thing takes. It is the same for the same seed, kind and number.
func (p Profile) duration(kind string, seed uint64, n int64) time.Duration {
	t, ok := p.Kinds[kind]
	if !ok {
		return 0
	}
	seconds := t.Typical
	if p.Spread {
		seconds = triangular(t, uniform(seed, kind, n))
	}
	return time.Duration(seconds * float64(time.Second))
}

// uniform is a number in [0,1) that depends on its arguments only.
func uniform(seed uint64, kind string, n int64) float64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%d", seed, kind, n)
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

// triangular is the inverse of the triangular distribution's cumulative function.
func triangular(t Triple, u float64) float64 {
	span := t.High - t.Low
	if span <= 0 {
		return t.Typical
	}
	if cut := (t.Typical - t.Low) / span; u < cut {
		return t.Low + math.Sqrt(u*span*(t.Typical-t.Low))
	}
	return t.High - math.Sqrt((1-u)*span*(t.High-t.Typical))
}
