package blueprint

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// reserved addresses of a primary IPv4 range: network, gateway, second-to-last, broadcast (VPC documentation, "Unusable
// addresses in IPv4 subnet ranges").
const reserved = 4

// wanted is the size we take when there is room: /16 holds 65,532 VMs, so a resize never has to touch the subnetwork.
const wanted = 16

// pools are the private ranges that are searched, in this order. 10.128.0.0/9 is left out: auto-mode networks cut theirs
// out of it.
var pools = [...]string{"10.0.0.0/9", "172.16.0.0/12", "192.168.0.0/16"} //nolint:gochecknoglobals // a constant table

// Hosts is how many VMs fit into a primary IPv4 range.
func Hosts(p netip.Prefix) int { return size(p.Bits()) }

func size(bits int) int { return 1<<(32-bits) - reserved }

// PickRange picks the first private range that holds count VMs and overlaps none of used: a /16 when there is one free,
// the largest free size that still fits otherwise. The pick depends on nothing but its arguments.
func PickRange(used []netip.Prefix, count int) (netip.Prefix, error) {
	bits := wanted
	for size(bits) < count {
		bits--
	}
	for ; bits <= 29 && size(bits) >= count; bits++ {
		if p, ok := firstFree(used, bits); ok {
			return p, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("no private range for %d VMs is free in this project (%d ranges are in use); give one with NETWORK_RANGE",
		count, len(used))
}

func firstFree(used []netip.Prefix, bits int) (netip.Prefix, bool) {
	for _, s := range pools {
		pool := netip.MustParsePrefix(s)
		if bits < pool.Bits() {
			continue
		}
		for p, ok := netip.PrefixFrom(pool.Addr(), bits), true; ok && pool.Contains(p.Addr()); p, ok = next(p) {
			if !overlaps(p, used) {
				return p, true
			}
		}
	}
	return netip.Prefix{}, false
}

// next is the following range of the same size.
func next(p netip.Prefix) (netip.Prefix, bool) {
	a := p.Addr().As4()
	v := binary.BigEndian.Uint32(a[:])
	step := uint32(1) << (32 - p.Bits())
	if v+step < v {
		return netip.Prefix{}, false
	}
	binary.BigEndian.PutUint32(a[:], v+step)
	return netip.PrefixFrom(netip.AddrFrom4(a), p.Bits()), true
}

func overlaps(p netip.Prefix, used []netip.Prefix) bool {
	for _, u := range used {
		if p.Overlaps(u) {
			return true
		}
	}
	return false
}
