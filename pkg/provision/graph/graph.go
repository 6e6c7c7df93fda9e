package graph

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Graph holds keys and what each of them needs. New makes one.
type Graph[K cmp.Ordered] struct {
	needs map[K]map[K]bool
}

// New makes an empty graph.
func New[K cmp.Ordered]() *Graph[K] { return &Graph[K]{needs: map[K]map[K]bool{}} }

// Add puts k into the graph, after everything it needs. What it needs is in the graph from then on, and adding a key again
// adds to its needs.
func (g *Graph[K]) Add(k K, needs ...K) {
	if g.needs[k] == nil {
		g.needs[k] = map[K]bool{}
	}
	for _, n := range needs {
		g.needs[k][n] = true
		if g.needs[n] == nil {
			g.needs[n] = map[K]bool{}
		}
	}
}

// Keys lists every key, sorted.
func (g *Graph[K]) Keys() []K { return slices.Sorted(maps.Keys(g.needs)) }

// Needs lists what a key needs directly, sorted.
func (g *Graph[K]) Needs(k K) []K { return slices.Sorted(maps.Keys(g.needs[k])) }

// Reverse gives the graph in which everything is needed by what it needed: the order of removal.
func (g *Graph[K]) Reverse() *Graph[K] {
	out := New[K]()
	for k, needs := range g.needs {
		out.Add(k)
		for n := range needs {
			out.Add(n, k)
		}
	}
	return out
}

// Order lists every key after all that it needs; among those that could come next the smallest comes first. When there is
// no such order the error is a *CycleError.
func (g *Graph[K]) Order() ([]K, error) {
	users := g.Reverse()
	missing := make(map[K]int, len(g.needs))
	ready := &minHeap[K]{}
	for k, needs := range g.needs {
		missing[k] = len(needs)
		if len(needs) == 0 {
			heap.Push(ready, k)
		}
	}
	order := make([]K, 0, len(g.needs))
	for ready.Len() > 0 {
		k, _ := heap.Pop(ready).(K)
		order = append(order, k)
		delete(missing, k)
		for u := range users.needs[k] {
			if missing[u]--; missing[u] == 0 {
				heap.Push(ready, u)
			}
		}
	}
	if len(missing) > 0 {
		return nil, g.cycleAmong(missing)
	}
	return order, nil
}

// cycleAmong finds a cycle among keys of which each needs another one of them. Walking to the smallest such need must come
// back to a key that was passed.
func (g *Graph[K]) cycleAmong(left map[K]int) *CycleError {
	at := slices.Min(slices.Collect(maps.Keys(left)))
	seen := map[K]int{}
	var path []string
	for {
		if i, ok := seen[at]; ok {
			return &CycleError{Path: append(path[i:], fmt.Sprint(at))}
		}
		seen[at] = len(path)
		path = append(path, fmt.Sprint(at))
		for _, n := range g.Needs(at) {
			if _, ok := left[n]; ok {
				at = n
				break
			}
		}
	}
}

// CycleError says that things need each other in a circle.
type CycleError struct {
	Path []string // each needs the next; the last is the first again
}

// Error names the circle.
func (e *CycleError) Error() string {
	return "these need each other in a circle: " + strings.Join(e.Path, " needs ")
}

// Critical is the chain of keys, in order, whose costs add up to the most, and that sum: how long everything takes when
// all that can goes side by side. Of equally long chains the same one is given every time. A graph with a cycle has none.
func (g *Graph[K]) Critical(cost func(K) time.Duration) ([]K, time.Duration) {
	order, err := g.Order()
	if err != nil || len(order) == 0 {
		return nil, 0
	}
	end := make(map[K]time.Duration, len(order))
	via := make(map[K]K, len(order))
	last := order[0]
	for _, k := range order {
		var start time.Duration
		for i, n := range g.Needs(k) {
			if i == 0 || end[n] > start {
				start, via[k] = end[n], n
			}
		}
		if end[k] = start + cost(k); end[k] > end[last] {
			last = k
		}
	}
	path := []K{last}
	for k, ok := via[last]; ok; k, ok = via[k] {
		path = append(path, k)
	}
	slices.Reverse(path)
	return path, end[last]
}

// minHeap is for container/heap: the smallest key first.
type minHeap[K cmp.Ordered] []K

func (h minHeap[K]) Len() int           { return len(h) }
func (h minHeap[K]) Less(i, j int) bool { return h[i] < h[j] }
func (h minHeap[K]) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push appends; use heap.Push.
func (h *minHeap[K]) Push(x any) {
	if k, ok := x.(K); ok {
		*h = append(*h, k)
	}
}

// Pop takes the last; use heap.Pop.
func (h *minHeap[K]) Pop() any {
	old := *h
	k := old[len(old)-1]
	*h = old[:len(old)-1]
	return k
}
