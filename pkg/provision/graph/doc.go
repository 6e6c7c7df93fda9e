// Package graph orders things by what they need. It knows no domain: a key is anything that can be sorted, and every answer
// is the same for the same graph, whatever the order in which it was built.
//
// Worked example:
//
//	g := graph.New[string]()
//	g.Add("mig", "template")
//	g.Add("template", "subnet")
//	g.Add("subnet", "net")
//	order, err := g.Order()           // net subnet template mig
//	back, err := g.Reverse().Order()  // mig template subnet net: the order of removal
//	path, total := g.Critical(cost)   // the chain that takes longest, and how long
//	fmt.Print(g.DOT(graph.Style[string]{Marked: path}))
package graph
