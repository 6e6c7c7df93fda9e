package world

import "container/heap"

// eventHeap orders events by time, equal times by the order in which they were planned.
type eventHeap []Event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if h[i].At.Equal(h[j].At) {
		return h[i].Seq < h[j].Seq
	}
	return h[i].At.Before(h[j].At)
}

func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is for container/heap; use push.
func (h *eventHeap) Push(x any) {
	if e, ok := x.(Event); ok {
		*h = append(*h, e)
	}
}

// Pop is for container/heap; use pop.
func (h *eventHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

func (h *eventHeap) push(e Event) { heap.Push(h, e) }

func (h *eventHeap) pop() Event {
	e, _ := heap.Pop(h).(Event)
	return e
}
