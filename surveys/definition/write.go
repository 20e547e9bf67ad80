package definition

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
)

// Write returns the YAML of a questionnaire. Read gives the same questionnaire again if
// it has no faults. Options that several items share stand under option_lists; figures
// stand in the definition itself. The same questionnaire gives the same bytes.
func Write(q *surveys.Questionnaire) ([]byte, error) {
	w := &writer{languages: q.Languages}
	w.share(q)
	root := w.node(reflect.ValueOf(*q))
	if len(w.shared) > 0 {
		lists := &yaml.Node{Kind: yaml.MappingNode}
		for _, s := range w.shared {
			list := w.node(reflect.ValueOf(s.options))
			lists.Content = append(lists.Content, scalarNode(s.name), list)
		}
		at := len(root.Content)
		for i := 0; i < len(root.Content); i += 2 {
			if root.Content[i].Value == "sections" {
				at = i
			}
		}
		root.Content = slices.Insert(root.Content, at, scalarNode("option_lists"), lists)
		w.refer()
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("write the definition: %w", err)
	}
	return out.Bytes(), enc.Close()
}

// A writer makes the nodes of a definition.
type writer struct {
	languages []surveys.Lang
	shared    []sharedOptions
	uses      []sharedUse
}

// sharedOptions is a list that several items use.
type sharedOptions struct {
	name    string
	options []surveys.Option
}

// A sharedUse is a node of options that becomes the name of a list.
type sharedUse struct {
	node *yaml.Node
	name string
}

// share finds the lists of options that stand at more than one item.
func (w *writer) share(q *surveys.Questionnaire) {
	type entry struct {
		name    string
		options []surveys.Option
		count   int
	}
	var seen []entry
	for it := range q.Items {
		if len(it.Options) < 2 {
			continue
		}
		i := slices.IndexFunc(seen, func(e entry) bool { return reflect.DeepEqual(e.options, it.Options) })
		if i < 0 {
			seen = append(seen, entry{name: it.ID, options: it.Options})
			i = len(seen) - 1
		}
		seen[i].count++
	}
	for _, e := range seen {
		if e.count > 1 {
			w.shared = append(w.shared, sharedOptions{e.name, e.options})
		}
	}
}

// refer puts the names of the shared lists into their places.
func (w *writer) refer() {
	for _, u := range w.uses {
		*u.node = *scalarNode(u.name)
	}
}

func scalarNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	plain := strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || !unicode.IsPrint(r)) })
	switch {
	case strings.Contains(s, "\n") && plain && !strings.Contains(s, " \n"):
		n.Style = yaml.LiteralStyle
	case !plain:
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// node writes a value; nil for one that is left out because it is empty.
func (w *writer) node(v reflect.Value) *yaml.Node {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return w.node(v.Elem())
	case reflect.Struct:
		return w.structure(v)
	case reflect.Map:
		return w.wording(v.Interface().(surveys.Text))
	case reflect.Slice:
		return w.sequence(v)
	case reflect.String:
		if v.Len() == 0 {
			return nil
		}
		return scalarNode(v.String())
	case reflect.Bool:
		if !v.Bool() {
			return nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
	case reflect.Int:
		if v.Int() == 0 {
			return nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Int(), 10)}
	case reflect.Float64:
		if v.Float() == 0 {
			return nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: strconv.FormatFloat(v.Float(), 'f', -1, 64)}
	}
	panic("definition: a questionnaire must be plain data, not " + v.Type().String())
}

func (w *writer) structure(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		value := w.node(v.Field(i))
		if value == nil {
			continue
		}
		if options, ok := v.Field(i).Interface().([]surveys.Option); ok {
			for _, s := range w.shared {
				if reflect.DeepEqual(s.options, options) {
					w.uses = append(w.uses, sharedUse{value, s.name})
				}
			}
		}
		n.Content = append(n.Content, scalarNode(name), value)
	}
	switch v.Interface().(type) {
	case surveys.Option, surveys.Dimension, surveys.Level:
		n.Style = yaml.FlowStyle
	}
	return n
}

func (w *writer) sequence(v reflect.Value) *yaml.Node {
	if v.Len() == 0 {
		return nil
	}
	if b, ok := v.Interface().([]byte); ok {
		return scalarNode(base64.StdEncoding.EncodeToString(b))
	}
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range v.Len() {
		if c := w.node(v.Index(i)); c != nil {
			n.Content = append(n.Content, c)
		}
	}
	if v.Type().Elem().Kind() == reflect.String {
		n.Style = yaml.FlowStyle
	}
	return n
}

// wording writes a text in the order of the languages, short ones in one line.
func (w *writer) wording(t surveys.Text) *yaml.Node {
	if len(t) == 0 {
		return nil
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	langs := slices.Clone(w.languages)
	for _, l := range slices.Sorted(maps.Keys(t)) {
		if !slices.Contains(langs, l) {
			langs = append(langs, l)
		}
	}
	length := 0
	for _, l := range langs {
		s, ok := t[l]
		if !ok {
			continue
		}
		if length += len(s); strings.Contains(s, "\n") {
			length += 1000
		}
		n.Content = append(n.Content, scalarNode(string(l)), scalarNode(s))
	}
	if length < 160 {
		n.Style = yaml.FlowStyle
	}
	return n
}
