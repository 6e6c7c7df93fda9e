package storage

import (
	"fmt"
	"strconv"
	"strings"
	"text/scanner"
	"time"
)

// facts are what conditions of a policy are about.
type facts struct {
	name, kind string // resource.name, resource.type
	now        time.Time
}

// evaluate tells whether a condition of a policy is met. It reads the part of CEL that conditions on buckets are written in:
// resource.name, .type and .service against a text by ==, !=, startsWith and endsWith, request.time against timestamp("…"),
// joined by &&, ||, ! and parentheses. Anything else is an error: such a policy is answered with 501 when it is set.
func evaluate(expression string, f facts) (bool, error) {
	p := &parser{facts: f}
	p.s.Init(strings.NewReader(doubleQuoted(expression)))
	p.s.Mode = scanner.ScanIdents | scanner.ScanStrings
	p.s.Error = func(*scanner.Scanner, string) { p.bad = true }
	p.next()
	met := p.or()
	if p.bad || p.tok != scanner.EOF {
		return false, fmt.Errorf("condition %q is not one that is emulated", expression)
	}
	return met, nil
}

// doubleQuoted writes CEL's texts in single quotes as Go has them.
func doubleQuoted(s string) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, `'"`)
		if i < 0 {
			break
		}
		end := strings.IndexByte(s[i+1:], s[i])
		if end < 0 {
			break
		}
		text := s[i : i+end+2]
		if s[i] == '\'' {
			text = strconv.Quote(text[1 : len(text)-1])
		}
		b.WriteString(s[:i] + text)
		s = s[i+end+2:]
	}
	return b.String() + s
}

type parser struct {
	facts
	s   scanner.Scanner
	tok rune
	bad bool
}

func (p *parser) next() { p.tok = p.s.Scan() }

// take goes on behind a token, or marks the expression as bad.
func (p *parser) take(tok rune) string {
	text := p.s.TokenText()
	if p.tok != tok {
		p.bad, p.tok = true, scanner.EOF
		return ""
	}
	p.next()
	return text
}

// Both sides are always read, so that what follows is checked too.
func (p *parser) or() bool {
	met := p.and()
	for p.tok == '|' {
		p.take('|')
		p.take('|')
		other := p.and()
		met = met || other
	}
	return met
}

func (p *parser) and() bool {
	met := p.one()
	for p.tok == '&' {
		p.take('&')
		p.take('&')
		other := p.one()
		met = met && other
	}
	return met
}

func (p *parser) one() bool {
	switch p.tok {
	case '!':
		p.take('!')
		return !p.one()
	case '(':
		p.take('(')
		met := p.or()
		p.take(')')
		return met
	}
	subject := p.take(scanner.Ident)
	p.take('.')
	subject += "." + p.take(scanner.Ident)
	if subject == "request.time" {
		return p.time()
	}
	have, known := map[string]string{"resource.name": p.name, "resource.type": p.kind, "resource.service": host}[subject]
	p.bad = p.bad || !known
	if p.tok != '.' {
		if p.compare() == "==" {
			return have == p.text()
		}
		return have != p.text()
	}
	p.take('.')
	function := p.take(scanner.Ident)
	p.take('(')
	text := p.text()
	p.take(')')
	switch function {
	case "startsWith":
		return strings.HasPrefix(have, text)
	case "endsWith":
		return strings.HasSuffix(have, text)
	}
	p.bad = true
	return false
}

// compare reads == or !=.
func (p *parser) compare() string {
	first := p.tok
	p.bad = p.bad || first != '=' && first != '!'
	p.take(first)
	p.take('=')
	return string(first) + "="
}

func (p *parser) text() string {
	s, err := strconv.Unquote(p.take(scanner.String))
	p.bad = p.bad || err != nil
	return s
}

// time reads "< timestamp(…)" and its like.
func (p *parser) time() bool {
	sign := p.tok
	p.bad = p.bad || sign != '<' && sign != '>'
	p.take(sign)
	orEqual := p.tok == '='
	if orEqual {
		p.take('=')
	}
	p.bad = p.bad || p.take(scanner.Ident) != "timestamp"
	p.take('(')
	at, err := time.Parse(time.RFC3339, p.text())
	p.bad = p.bad || err != nil
	p.take(')')
	switch {
	case p.now.Equal(at):
		return orEqual
	case sign == '<':
		return p.now.Before(at)
	}
	return p.now.After(at)
}
