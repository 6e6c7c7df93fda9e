// Package latency tells how long each kind of work takes. Services bring the rows of their own kinds; a profile is a set of rows.
//
// Worked example:
//
//	p, err := latency.Named("typical", map[string]latency.Triple{"compute_network.create": {Low: 9, Typical: 14, High: 25}})
//	d := p.Duration("compute_network.create", seed, n) // 14 s; drawn between 9 and 25 s when p.Spread is set
package latency
