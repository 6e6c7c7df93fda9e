package storage

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// listing is what a list of objects asks for (reference page of objects.list).
type listing struct {
	prefix, delimiter, start, end string
	glob                          *regexp.Regexp // nil for all
	trailing                      bool           // what ends with the delimiter is an element too
	after                         string         // key of the last element or prefix of the page before; "" at first
}

// listObjects lists objects and, with a delimiter, what groups them. Folders and object contexts are not emulated:
// includeFoldersAsPrefixes finds none, and a filter is refused.
func (c *call) listObjects(bucket *world.Object) (*wire.Response, error) {
	l, err := c.listing()
	if err != nil {
		return nil, err
	}
	all, err := c.candidates(bucket)
	if err != nil {
		return nil, err
	}
	out := doc.Map{"kind": "storage#objects"}
	size := c.pageSize()
	var items, prefixes []any
	last := l.after
	for _, o := range all {
		name := doc.Str(o.Doc, "name")
		group, in := l.takes(name)
		key := fmt.Sprintf("%s\x00%020d", name, doc.Num(o.Doc, "generation"))
		element := group == "" || l.trailing && group == name
		if !in || l.seen(key, group, element) {
			continue
		}
		fresh := group != "" && (len(prefixes) == 0 || prefixes[len(prefixes)-1] != group)
		if !fresh && !element {
			continue
		}
		if len(items)+len(prefixes) >= size {
			out["nextPageToken"] = base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		if fresh && !strings.HasPrefix(l.after, group) {
			prefixes = append(prefixes, group)
		}
		if last = key; element {
			items = append(items, c.show(o, bucket))
		}
	}
	if len(items) > 0 {
		out["items"] = items
	}
	if len(prefixes) > 0 {
		out["prefixes"] = prefixes
	}
	return c.reply(out)
}

func (c *call) listing() (listing, error) {
	q := c.r.Query
	l := listing{
		prefix: q.Get("prefix"), delimiter: q.Get("delimiter"), start: q.Get("startOffset"), end: q.Get("endOffset"), trailing: rest.True(q, "includeTrailingDelimiter"),
	}
	if q.Get("filter") != "" {
		return l, wire.ErrNotEmulated
	}
	after, err := base64.URLEncoding.DecodeString(q.Get("pageToken"))
	if err != nil {
		return l, invalid("Invalid argument.")
	}
	l.after = string(after)
	if glob := q.Get("matchGlob"); glob != "" {
		if l.delimiter != "" && l.delimiter != "/" {
			return l, invalid("Invalid argument.")
		}
		if l.glob, err = globbed(glob); err != nil {
			return l, invalid("Invalid argument.")
		}
	}
	return l, nil
}

// takes says whether a name is in the list at all, and which prefix stands for it; "" for none.
func (l listing) takes(name string) (group string, in bool) {
	if !strings.HasPrefix(name, l.prefix) || name < l.start || l.end != "" && name >= l.end || l.glob != nil && !l.glob.MatchString(name) {
		return "", false
	}
	if i := strings.Index(name[len(l.prefix):], l.delimiter); l.delimiter != "" && i >= 0 {
		return name[:len(l.prefix)+i+len(l.delimiter)], true
	}
	return "", true
}

// seen says whether an earlier page had it: the element itself, or the prefix that stands for it.
func (l listing) seen(key, group string, element bool) bool {
	if l.after == "" {
		return false
	}
	if element {
		return key <= l.after
	}
	return strings.HasPrefix(l.after, group) || key <= l.after
}

// candidates are the generations that a list is made of, by name and generation.
func (c *call) candidates(bucket *world.Object) ([]*world.Object, error) {
	all := c.tx.List(bucket.Name + "/o")
	versions := rest.True(c.r.Query, "versions")
	switch {
	case rest.True(c.r.Query, "softDeleted") && versions: // measured: not together
		return nil, invalid("Invalid argument.")
	case rest.True(c.r.Query, "softDeleted"):
		if doc.Num(bucket.Doc, "softDeletePolicy", "retentionDurationSeconds") == 0 {
			return nil, errNoSoftDelete
		}
		all = c.tx.List(bucket.Name + "/soft")
	case versions:
		all = append(all, c.tx.List(bucket.Name+"/old")...)
	}
	slices.SortStableFunc(all, func(a, b *world.Object) int {
		if d := strings.Compare(doc.Str(a.Doc, "name"), doc.Str(b.Doc, "name")); d != 0 {
			return d
		}
		return int(doc.Num(a.Doc, "generation") - doc.Num(b.Doc, "generation"))
	})
	return all, nil
}

// globbed reads a glob: * and ? stop at slashes, ** does not, [a-z] and {one,two} choose (page "List objects").
func globbed(glob string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	depth := 0
	for i := 0; i < len(glob); i++ {
		switch ch := glob[i]; {
		case strings.HasPrefix(glob[i:], "**"):
			b.WriteString(".*")
			i++
		case ch == '*':
			b.WriteString("[^/]*")
		case ch == '?':
			b.WriteString("[^/]")
		case ch == '[':
			end := strings.IndexByte(glob[i:], ']')
			if end < 0 {
				return nil, fmt.Errorf("glob %q has no end of a class", glob)
			}
			class := glob[i+1 : i+end]
			if rest, not := strings.CutPrefix(class, "!"); not {
				class = "^" + rest
			}
			b.WriteString("[" + strings.ReplaceAll(class, `\`, `\\`) + "]")
			i += end
		case ch == '{':
			depth++
			b.WriteString("(?:")
		case ch == '}' && depth > 0:
			depth--
			b.WriteString(")")
		case ch == ',' && depth > 0:
			b.WriteString("|")
		case ch == '\\' && i+1 < len(glob):
			i++
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	b.WriteString(`\z`)
	return regexp.Compile(b.String())
}
