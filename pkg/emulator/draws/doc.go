// Package draws gives what looks random and is the same in every run: shares, durations, ids, optimistic-locking tokens. Each
// depends on its arguments only.
//
// Worked example:
//
//	if draws.Uniform(seed, "shares", n) < 0.2 { … }  // a fifth of the time
//	network["id"] = draws.ID(tx.Count())             // "1730123456789012345"
//	network["fingerprint"] = draws.Token(tx.Count()) // "qF3-7g1kQxw="
package draws
