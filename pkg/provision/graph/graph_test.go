package graph_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/graph"
)

// parse reads "c: a b; d" as "c needs a and b; d needs nothing".
func parse(text string) *graph.Graph[string] {
	g := graph.New[string]()
	for part := range strings.SplitSeq(text, ";") {
		k, needs, _ := strings.Cut(part, ":")
		if k = strings.TrimSpace(k); k != "" {
			g.Add(k, strings.Fields(needs)...)
		}
	}
	return g
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, graph, want, back string }{
		{"nothing has an empty order", "", "", ""},
		{"what is needed comes first", "mig: template; template: subnet; subnet: net", "net subnet template mig", "mig template subnet net"},
		{"the order does not depend on the order of adding", "b; a; c", "a b c", "a b c"},
		{"a need that was never added is there", "b: z", "z b", "b z"},
		{"a need named twice counts once", "b: a a; b: a", "a b", "b a"},
		{"a diamond closes after both sides", "d: b c; b: a; c: a", "a b c d", "d b c a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(c.graph).Order()
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("order is %v, %v; want %s", got, err, c.want)
			}
			back, err := parse(c.graph).Reverse().Order()
			if err != nil || strings.Join(back, " ") != c.back {
				t.Errorf("reverse order is %v, %v; want %s", back, err, c.back)
			}
		})
	}
}

func TestCyclesAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, graph, want string }{
		{"of one", "a: a", "a a"},
		{"of two, with a tail that is not part of it", "t: a; a: b; b: a; free", "a b a"},
		{"of three, reached through a key that sorts first", "a: b; b: c; c: d; d: b", "b c d b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(c.graph).Order()
			var cycle *graph.CycleError
			if !errors.As(err, &cycle) {
				t.Fatalf("error is %v, want a cycle", err)
			}
			if got := strings.Join(cycle.Path, " "); got != c.want {
				t.Errorf("path is %s, want %s", got, c.want)
			}
		})
	}
}

func TestCritical(t *testing.T) {
	t.Parallel()
	cost := map[string]time.Duration{"net": 14, "subnet": 9, "firewall": 7, "router": 5, "template": 2, "mig": 60}
	g := parse("subnet: net; firewall: net; router: net; template: subnet; mig: template")
	path, total := g.Critical(func(k string) time.Duration { return cost[k] })
	if diff := cmp.Diff([]string{"net", "subnet", "template", "mig"}, path); diff != "" || total != 85 {
		t.Errorf("total %d, path (-want +got):\n%s", total, diff)
	}
	if path, total := parse("a: b; b: a").Critical(func(string) time.Duration { return 1 }); path != nil || total != 0 {
		t.Errorf("a cycle has the critical path %v, %v", path, total)
	}
	if path, total := parse("b: a").Critical(func(string) time.Duration { return 0 }); total != 0 || len(path) == 0 {
		t.Errorf("without costs the path is %v, %v", path, total)
	}
}

func TestDrawing(t *testing.T) {
	t.Parallel()
	g := parse(`b: a; c: a`)
	style := graph.Style[string]{Marked: []string{"a", "b"}, Label: func(k string) string { return k + "\n\"<1>\"" }}
	dot := `digraph {
  rankdir=LR;
  node [shape=box];
  "a" [label="a\n\"<1>\"", color=red, penwidth=2];
  "b" [label="b\n\"<1>\"", color=red, penwidth=2];
  "c" [label="c\n\"<1>\""];
  "a" -> "b" [color=red, penwidth=2];
  "a" -> "c";
}
`
	if diff := cmp.Diff(dot, g.DOT(style)); diff != "" {
		t.Errorf("DOT (-want +got):\n%s", diff)
	}
	mermaid := `flowchart LR
  n0["a<br/>#quot;#lt;1#gt;#quot;"]
  n1["b<br/>#quot;#lt;1#gt;#quot;"]
  n2["c<br/>#quot;#lt;1#gt;#quot;"]
  n0 ==> n1
  n0 --> n2
  style n0 stroke:red,stroke-width:3px
  style n1 stroke:red,stroke-width:3px
`
	if diff := cmp.Diff(mermaid, g.Mermaid(style)); diff != "" {
		t.Errorf("Mermaid (-want +got):\n%s", diff)
	}
	raw, err := graph.New[string]().JSON(graph.Style[string]{})
	if err != nil || string(raw) != "{\n  \"nodes\": [],\n  \"edges\": []\n}" {
		t.Errorf("an empty graph is %s, %v", raw, err)
	}
	raw, err = parse("b: a").JSON(graph.Style[string]{Marked: []string{"a", "b"}})
	if err != nil || !strings.Contains(string(raw), `"critical": true`) || !strings.Contains(string(raw), `"from": "a"`) {
		t.Errorf("JSON is %s, %v", raw, err)
	}
}

func TestAHundredThousandKeysAreOrderedQuickly(t *testing.T) {
	t.Parallel()
	g := graph.New[int]()
	for i := 1; i < 100_000; i++ {
		g.Add(i, i/2)
	}
	order, err := g.Order()
	if err != nil || len(order) != 100_000 || order[0] != 0 {
		t.Errorf("%d keys, %v", len(order), err)
	}
}

func ExampleGraph_Order() {
	g := graph.New[string]()
	g.Add("subnet", "net")
	g.Add("mig", "subnet")
	order, _ := g.Order()
	fmt.Println(order)
	// Output: [net subnet mig]
}
