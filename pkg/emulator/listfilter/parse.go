package listfilter

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxDepth bounds nesting, so that a hostile expression cannot exhaust the stack.
const maxDepth = 100

// Parse reads an expression. The error says what is wrong in words that fit into an API's answer.
func Parse(expression string) (Filter, error) {
	tokens, err := scan(expression)
	if err != nil {
		return Filter{}, err
	}
	if len(tokens) == 0 {
		return Filter{}, nil
	}
	p := &parser{tokens: tokens}
	root, err := p.allOf(0)
	if err != nil {
		return Filter{}, err
	}
	if p.pos < len(p.tokens) {
		return Filter{}, fmt.Errorf("unexpected %q", p.tokens[p.pos].text)
	}
	if p.exact && p.regular {
		return Filter{}, fmt.Errorf("eq and ne cannot be mixed with other comparisons")
	}
	return Filter{root: root, fields: p.fields}, nil
}

type token struct {
	text   string
	quoted bool
}

func (t token) is(words ...string) bool { return !t.quoted && slices.Contains(words, t.text) }

// scan cuts an expression into parentheses, operators, words and quoted words.
func scan(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case ' ', '\t', '\n':
			i++
		case '(', ')', ':', '=':
			out = append(out, token{text: string(c)})
			i++
		case '!', '<', '>':
			op := string(c)
			if i+1 < len(s) && s[i+1] == '=' {
				op += "="
			}
			if op == "!" {
				return nil, fmt.Errorf("unexpected %q", "!")
			}
			out = append(out, token{text: op})
			i += len(op)
		case '"', '\'':
			word, n, err := quoted(s[i:])
			if err != nil {
				return nil, err
			}
			out = append(out, token{text: word, quoted: true})
			i += n
		default:
			n := strings.IndexAny(s[i:], " \t\n()=!<>:\"'")
			if n < 0 {
				n = len(s) - i
			}
			if (s[i] == '-' || s[i] == '+') && n == 1 {
				return nil, fmt.Errorf("unexpected %q", s[i:i+1])
			}
			out = append(out, token{text: s[i : i+n]})
			i += n
		}
	}
	return out, nil
}

func quoted(s string) (string, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if s[i+1] != s[0] && s[i+1] != '\\' {
				b.WriteByte('\\') // part of a regular expression
			}
			i++
			b.WriteByte(s[i])
		case s[i] == s[0]:
			return b.String(), i + 1, nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, fmt.Errorf("missing closing %q", s[0])
}

type parser struct {
	tokens []token
	pos    int
	fields []string
	// exact and regular say which of the two kinds of comparisons were met: they "cannot be mixed in one request" (discovery
	// document).
	exact, regular bool
}

func (p *parser) peek() (token, bool) {
	if p.pos >= len(p.tokens) {
		return token{}, false
	}
	return p.tokens[p.pos], true
}

// allOf reads what must all hold: terms joined by AND, or by nothing. OR binds more tightly (AIP-160).
func (p *parser) allOf(depth int) (node, error) {
	left, err := p.anyOf(depth)
	for err == nil {
		t, ok := p.peek()
		if !ok || t.is(")") {
			return left, nil
		}
		if t.is("AND") {
			p.pos++
		}
		var right node
		right, err = p.anyOf(depth)
		left = both{left, right}
	}
	return nil, err
}

// anyOf reads terms joined by OR.
func (p *parser) anyOf(depth int) (node, error) {
	left, err := p.one(depth)
	for err == nil {
		t, ok := p.peek()
		if !ok || !t.is("OR") {
			return left, nil
		}
		p.pos++
		var right node
		right, err = p.one(depth)
		left = either{left, right}
	}
	return nil, err
}

func (p *parser) one(depth int) (node, error) {
	t, ok := p.peek()
	switch {
	case !ok:
		return nil, fmt.Errorf("expression ends too early")
	case depth > maxDepth:
		return nil, fmt.Errorf("expression is nested too deeply")
	case t.is("NOT"):
		p.pos++
		inner, err := p.one(depth + 1)
		return negate{inner}, err
	case !t.quoted && strings.HasPrefix(t.text, "-") && len(t.text) > 1:
		p.tokens[p.pos].text = t.text[1:]
		inner, err := p.one(depth + 1)
		return negate{inner}, err
	case t.is("("):
		p.pos++
		inner, err := p.allOf(depth + 1)
		if err != nil {
			return nil, err
		}
		if end, ok := p.peek(); !ok || !end.is(")") {
			return nil, fmt.Errorf("missing closing parenthesis")
		}
		p.pos++
		return inner, nil
	}
	return p.comparison()
}

func (p *parser) comparison() (node, error) {
	field := p.tokens[p.pos]
	if field.is(")", "AND", "OR", "=", "!=", "<", ">", "<=", ">=", ":") {
		return nil, fmt.Errorf("unexpected %q", field.text)
	}
	p.pos++
	op, ok := p.peek()
	if !ok || !op.is("=", "!=", "<", ">", "<=", ">=", ":", "eq", "ne") {
		return nil, fmt.Errorf("field %q has no comparison", field.text)
	}
	p.pos++
	value, ok := p.peek()
	if !ok || value.is("(", ")", "=", "!=", "<", ">", "<=", ">=") {
		return nil, fmt.Errorf("field %q is compared with nothing", field.text)
	}
	p.pos++
	for { // an unquoted value may hold colons, as times and URLs do
		next, ok := p.peek()
		if !ok || !next.is(":") || value.quoted || p.pos+1 >= len(p.tokens) {
			break
		}
		value.text += ":" + p.tokens[p.pos+1].text
		p.pos += 2
	}
	p.fields = append(p.fields, field.text)
	if op.is("eq", "ne") {
		p.regular = true
	} else {
		p.exact = true
	}
	t := term{path: strings.Split(field.text, "."), op: op.text, value: value.text}
	var err error
	switch {
	case t.op == "eq" || t.op == "ne":
		t.exp, err = regexp.Compile("^(?:" + t.value + ")$")
	case (t.op == "=" || t.op == "!=") && strings.Contains(t.value, "*"):
		parts := strings.Split(t.value, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		t.exp, err = regexp.Compile("^" + strings.Join(parts, ".*") + "$")
	}
	if err != nil {
		return nil, fmt.Errorf("value %q is not a regular expression", t.value)
	}
	return t, nil
}
