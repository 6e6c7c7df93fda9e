package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// largest bounds a map's text; more than all the metadata that a VM can have.
const largest = 1 << 20

// parseMap reads { key = "value", … } in HCL's syntax, or a JSON object. Values are texts; numbers and booleans become
// texts. Nothing is evaluated: no variables, no functions.
func parseMap(s string) (map[string]string, error) {
	if len(s) > largest {
		return nil, fmt.Errorf("is longer than %d bytes", largest)
	}
	if !looksLikeJSON(s) {
		return parseHCL(s)
	}
	m, err := parseJSON(s)
	if err == nil {
		return m, nil
	}
	if m, other := parseHCL(s); other == nil { // HCL too may write "key": value
		return m, nil
	}
	return nil, err
}

func parseHCL(s string) (map[string]string, error) {
	if err := flat(s); err != nil {
		return nil, err
	}
	expr, diags := hclsyntax.ParseExpression([]byte(s), "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, hclError(diags)
	}
	object, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil, errors.New("is not a map")
	}
	out := make(map[string]string, len(object.Items))
	for _, item := range object.Items {
		key, diags := item.KeyExpr.Value(nil)
		if diags.HasErrors() {
			return nil, hclError(diags)
		}
		value, diags := item.ValueExpr.Value(nil)
		if diags.HasErrors() {
			return nil, hclError(diags)
		}
		k, err1 := asText(key)
		v, err2 := asText(value)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if _, twice := out[k]; twice {
			return nil, fmt.Errorf("has the key %.60q twice", k)
		}
		out[k] = v
	}
	return out, nil
}

// flat refuses, by its tokens, whatever a flat map of texts, numbers and booleans does not need. hclsyntax recurses into all
// else, and would run out of stack on a megabyte of it.
func flat(s string) error {
	tokens, diags := hclsyntax.LexExpression([]byte(s), "", hcl.InitialPos)
	if diags.HasErrors() {
		return hclError(diags)
	}
	if len(tokens) > mostTokens {
		return fmt.Errorf("has more than %d parts", mostTokens)
	}
	braces := 0
	for i, t := range tokens {
		switch t.Type { //nolint:exhaustive // what is not named is refused
		case hclsyntax.TokenOBrace:
			braces++
		case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			return errors.New(`has "${" or "%{" in a text: write "$${" or "%%{" for the characters themselves`)
		case hclsyntax.TokenMinus:
			if i+1 >= len(tokens) || tokens[i+1].Type != hclsyntax.TokenNumberLit || i > 0 && tokens[i-1].Type == hclsyntax.TokenMinus {
				return errors.New("has a value that is not a text, a number or a boolean")
			}
		case hclsyntax.TokenNumberLit:
			if len(t.Bytes) > mostDigits || bytes.ContainsAny(t.Bytes, "eE") {
				return errors.New("has a number that is better written as a text, in quotes")
			}
		case hclsyntax.TokenCBrace, hclsyntax.TokenEqual, hclsyntax.TokenColon, hclsyntax.TokenComma, hclsyntax.TokenNewline,
			hclsyntax.TokenIdent, hclsyntax.TokenOQuote, hclsyntax.TokenQuotedLit, hclsyntax.TokenCQuote, hclsyntax.TokenOHeredoc,
			hclsyntax.TokenStringLit, hclsyntax.TokenCHeredoc, hclsyntax.TokenComment, hclsyntax.TokenEOF:
		default:
			return errors.New("has a value that is not a text, a number or a boolean")
		}
	}
	if braces > 1 {
		return errors.New("has a value that is not a text, a number or a boolean")
	}
	return nil
}

// mostTokens bounds what is parsed. hclsyntax joins the parts of a text one by one, and each "$${" is a part: without a bound, time
// grows with the square of their number. A pair is about six tokens.
const mostTokens = 1 << 14

// mostDigits bounds a number that is not in quotes.
const mostDigits = 40

func looksLikeJSON(s string) bool {
	inner, ok := strings.CutPrefix(strings.TrimSpace(s), "{")
	inner = strings.TrimSpace(inner)
	if !ok || !strings.HasPrefix(inner, `"`) {
		return false
	}
	_, after, ok := strings.Cut(inner[1:], `"`)
	return ok && strings.HasPrefix(strings.TrimSpace(after), ":")
}

func hclError(diags hcl.Diagnostics) error {
	text := diags[0].Summary
	if diags[0].Detail != "" {
		text += ": " + diags[0].Detail
	}
	if strings.Contains(text, "Variables not allowed") || strings.Contains(text, "Function calls not allowed") {
		text += ` Write a text in quotes, and "$${" for the characters "${".`
	}
	return errors.New(text)
}

func asText(v cty.Value) (string, error) {
	if v.IsNull() || !v.IsWhollyKnown() || !v.Type().IsPrimitiveType() {
		return "", errors.New("has a value that is not a text, a number or a boolean")
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", err
	}
	return s.AsString(), nil
}

// parseJSON reads an object token by token, because encoding/json would let the last of two equal keys win.
func parseJSON(s string) (map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(s)))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		k, ok := key.(string)
		if !ok {
			return nil, errors.New("has a key that is not a text")
		}
		value, err := dec.Token()
		if err != nil {
			return nil, err
		}
		if _, twice := out[k]; twice {
			return nil, fmt.Errorf("has the key %.60q twice", k)
		}
		switch v := value.(type) {
		case string:
			out[k] = v
		case json.Number, bool:
			out[k] = fmt.Sprint(v)
		default:
			return nil, fmt.Errorf("has under %.60q a value that is not a text, a number or a boolean", k)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("goes on after the object")
	}
	return out, nil
}

// table reads a setting that holds a map.
func (r *reader) table(key string) map[string]string {
	s := r.text(key)
	if s == "" {
		return nil
	}
	m, err := parseMap(s)
	if err != nil {
		if inner := strings.Trim(s, quoteMarks); inner != s {
			if _, err := parseMap(inner); err == nil {
				r.fail(key, s, "has quotes around it, which are part of the value, as with docker run --env-file", "drop the quotes: "+line(key, inner))
				return nil
			}
		}
		r.fail(key, s, "is not a map: "+strings.TrimSuffix(err.Error(), "."), `write it like { key1 = "val1", key2 = "val2" }`)
		return nil
	}
	return m
}

var (
	labelKey    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`) }) //nolint:gochecknoglobals // a constant
	labelValue  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`) })               //nolint:gochecknoglobals // a constant
	metadataKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`) })                      //nolint:gochecknoglobals // a constant
)

// Limits of the compute v1 discovery document: labels of a resource, one of which is ours; metadata of a VM.
const (
	mostLabels       = 63
	maxMetadataValue = 262144
	maxMetadata      = 524288
)

func (r *reader) labels(reserved string) map[string]string {
	m := r.table("LABELS")
	if len(m) > mostLabels {
		r.fail("LABELS", "", fmt.Sprintf("has %d labels", len(m)), fmt.Sprintf("give at most %d", mostLabels))
	}
	for _, k := range slices.Sorted(mapKeys(m)) {
		switch {
		case k == reserved:
			r.fail("LABELS", k, "is the label by which this tool knows its own", "use another key")
		case !labelKey().MatchString(k) || !labelValue().MatchString(m[k]):
			r.fail("LABELS", k+"="+m[k], "is not a label", "keys and values hold lower-case letters, digits, _ and -, at most 63; keys begin with a letter")
		}
	}
	return m
}

func (r *reader) metadata() map[string]string {
	m := r.table("METADATA")
	total := 0
	for _, k := range slices.Sorted(mapKeys(m)) {
		total += len(k) + len(m[k])
		if !metadataKey().MatchString(k) {
			r.fail("METADATA", k, "is not a metadata key", "keys hold letters, digits, _ and -, at most 128")
		}
		if len(m[k]) > maxMetadataValue {
			r.fail("METADATA", k, fmt.Sprintf("has a value of %d bytes", len(m[k])), fmt.Sprintf("at most %d are possible", maxMetadataValue))
		}
	}
	if total >= maxMetadata {
		r.fail("METADATA", "", fmt.Sprintf("is %d bytes large", total), fmt.Sprintf("all keys and values together must be under %d", maxMetadata))
	}
	return m
}
