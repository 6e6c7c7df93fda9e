package graph

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// Style says how a graph is drawn. The zero value draws plain keys.
type Style[K cmp.Ordered] struct {
	Label  func(K) string // text of a box; lines are separated by "\n". Plain key when nil
	Marked []K            // a chain that stands out, each key needed by the next
}

func (s Style[K]) label(k K) string {
	if s.Label == nil {
		return fmt.Sprint(k)
	}
	return s.Label(k)
}

// marks gives the marked keys and the marked edges, from what is needed to what needs it.
func (s Style[K]) marks() (map[K]bool, map[[2]K]bool) {
	keys, edges := map[K]bool{}, map[[2]K]bool{}
	for i, k := range s.Marked {
		keys[k] = true
		if i > 0 {
			edges[[2]K{s.Marked[i-1], k}] = true
		}
	}
	return keys, edges
}

// DOT draws the graph for Graphviz. Arrows go from what is needed to what needs it, the order in which things are made.
func (g *Graph[K]) DOT(s Style[K]) string {
	keys, edges := s.marks()
	var b strings.Builder
	b.WriteString("digraph {\n  rankdir=LR;\n  node [shape=box];\n")
	for _, k := range g.Keys() {
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", dotQuote(fmt.Sprint(k)), dotQuote(s.label(k)), mark(keys[k], ", color=red, penwidth=2"))
	}
	for _, k := range g.Keys() {
		for _, n := range g.Needs(k) {
			fmt.Fprintf(&b, "  %s -> %s%s;\n", dotQuote(fmt.Sprint(n)), dotQuote(fmt.Sprint(k)),
				mark(edges[[2]K{n, k}], " [color=red, penwidth=2]"))
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// Mermaid draws the graph as a Mermaid flowchart, with the same arrows as DOT.
func (g *Graph[K]) Mermaid(s Style[K]) string {
	keys, edges := s.marks()
	number := map[K]int{}
	var b, styles strings.Builder
	b.WriteString("flowchart LR\n")
	for i, k := range g.Keys() {
		number[k] = i
		fmt.Fprintf(&b, "  n%d[\"%s\"]\n", i, mermaidText(s.label(k)))
		if keys[k] {
			fmt.Fprintf(&styles, "  style n%d stroke:red,stroke-width:3px\n", i)
		}
	}
	for _, k := range g.Keys() {
		for _, n := range g.Needs(k) {
			arrow := "-->"
			if edges[[2]K{n, k}] {
				arrow = "==>"
			}
			fmt.Fprintf(&b, "  n%d %s n%d\n", number[n], arrow, number[k])
		}
	}
	return b.String() + styles.String()
}

type jsonNode[K cmp.Ordered] struct {
	ID       K      `json:"id"`
	Label    string `json:"label"`
	Critical bool   `json:"critical"`
}

type jsonEdge[K cmp.Ordered] struct {
	From     K    `json:"from"`
	To       K    `json:"to"`
	Critical bool `json:"critical"`
}

// JSON gives nodes and edges for programs, with the same arrows as DOT.
func (g *Graph[K]) JSON(s Style[K]) ([]byte, error) {
	keys, edges := s.marks()
	out := struct {
		Nodes []jsonNode[K] `json:"nodes"`
		Edges []jsonEdge[K] `json:"edges"`
	}{[]jsonNode[K]{}, []jsonEdge[K]{}}
	for _, k := range g.Keys() {
		out.Nodes = append(out.Nodes, jsonNode[K]{ID: k, Label: s.label(k), Critical: keys[k]})
		for _, n := range g.Needs(k) {
			out.Edges = append(out.Edges, jsonEdge[K]{From: n, To: k, Critical: edges[[2]K{n, k}]})
		}
	}
	return json.MarshalIndent(out, "", "  ")
}

func mark(on bool, text string) string {
	if on {
		return text
	}
	return ""
}

// dotQuote makes a DOT string. Only quotes and backslashes are special in one (Graphviz, "The DOT Language", ID); a line
// break in a label is written \n.
func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// mermaidText makes the inside of a quoted Mermaid label, where characters may be given as entities.
func mermaidText(s string) string {
	return strings.NewReplacer("&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "#", "#35;", "\n", "<br/>").Replace(s)
}
