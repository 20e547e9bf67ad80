package definition

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
)

// decoder fills plain structs from YAML nodes by their json names. It is strict,
// goes on after a fault, and remembers where everything was written.
type decoder struct {
	report
	// lists are the named option lists; used are those that an item refers to.
	lists map[string]*yaml.Node
	used  map[string]bool
	// spent is how many options the lists have given so far.
	spent int
	known map[reflect.Type][]reflect.StructField
	// pictures is how many bytes the figures have so far.
	pictures int
}

// value decodes n into v; path says where v is in the questionnaire.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	d.at[path] = n
	if !d.written(n, path) {
		return
	}
	switch target := v.Addr().Interface().(type) {
	case *surveys.Figure:
		d.figure(n, target, path)
		return
	case *[]surveys.Item:
		d.items(n, target, path)
		return
	case *[]surveys.Option:
		if n.Kind == yaml.ScalarNode {
			d.optionList(n, v, path)
			return
		}
	case *[]string:
		if n.Kind == yaml.ScalarNode {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			d.scalar(n, v.Index(0), path)
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.mapping(n, path, func(key, value *yaml.Node) { d.field(key, value, v, path) })
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		d.mapping(n, path, func(key, value *yaml.Node) { d.entry(key, value, v, path) })
	case reflect.Slice:
		d.sequence(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// written reports whether a node says something itself, and does not repeat another.
func (d *decoder) written(n *yaml.Node, path string) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.fault(n, path, "anchors and aliases are not supported", "write the text out, or use option_lists for shared options")
		return false
	}
	return true
}

// mapping calls each for every entry of a mapping and reports keys given twice.
func (d *decoder) mapping(n *yaml.Node, path string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		if d.wideColonIn(n, path) {
			return
		}
		d.fault(n, path, fmt.Sprintf("%s is %s", named(path), describe(n)), "write a mapping, “key: value”")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" {
			d.fault(key, path, "a key must be a plain word", "write “key: value”")
			continue
		}
		if line, twice := seen[key.Value]; twice {
			d.fault(key, path, fmt.Sprintf("key %q is given twice, first in line %d", key.Value, line), "keep one")
			continue
		}
		seen[key.Value] = key.Line
		if d.wideColonIn(key, path) {
			continue
		}
		each(key, n.Content[i+1])
	}
}

// shortFor are the keys that exist in YAML only, see the comment of the package.
var shortFor = map[reflect.Type][]string{
	reflect.TypeFor[surveys.Questionnaire](): {"option_lists"},
	reflect.TypeFor[surveys.Item]():          {"rows"},
}

func (d *decoder) field(key, value *yaml.Node, v reflect.Value, path string) {
	var names []string
	for _, f := range d.fields(v.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == key.Value {
			d.value(value, v.FieldByIndex(f.Index), join(path, name))
			return
		}
		names = append(names, name)
	}
	d.fault(key, path, fmt.Sprintf("unknown key %q", key.Value), unknownKey(key.Value, append(names, shortFor[v.Type()]...)))
}

// fields lists the fields of a struct that have a name in a file; reflect takes its time
// for that, so once.
func (d *decoder) fields(t reflect.Type) []reflect.StructField {
	if d.known[t] == nil {
		d.known[t] = slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return f.Anonymous || name == "" || name == "-"
		})
	}
	return d.known[t]
}

// entry decodes an entry of a map of strings, such as a text by language.
func (d *decoder) entry(key, value *yaml.Node, v reflect.Value, path string) {
	e := reflect.New(v.Type().Elem()).Elem()
	d.value(value, e, join(path, key.Value))
	v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), e)
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value, path string) {
	if !d.list(n, path) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		d.value(c, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// maxEntries is how many entries a list may have.
const maxEntries = 10_000

// list reports whether a node is a list that is not too long.
func (d *decoder) list(n *yaml.Node, path string) bool {
	switch {
	case n.Kind != yaml.SequenceNode:
		d.fault(n, path, fmt.Sprintf("%s is %s", named(path), describe(n)), "write a list, each entry after “- ”")
	case len(n.Content) > maxEntries:
		d.fault(n, path, fmt.Sprintf("%s has %d entries, more than %d", named(path), len(n.Content), maxEntries), "divide the questionnaire")
	default:
		return true
	}
	return false
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	d.at[path] = n
	if n.Kind != yaml.ScalarNode {
		way := "write " + wanted[v.Kind()]
		if n.Kind == yaml.SequenceNode {
			way = "write one value here, without [ ]; for several, repeat what it stands in, such as the rule, for each"
		}
		d.fault(n, path, fmt.Sprintf("%s is %s", named(path), describe(n)), way)
		return
	}
	tag := n.ShortTag()
	ok := false
	switch v.Kind() {
	case reflect.String:
		if ok = tag == "!!str"; ok {
			v.SetString(n.Value)
		}
	case reflect.Bool:
		if ok = tag == "!!bool"; ok {
			v.SetBool(n.Value == "true")
		}
	case reflect.Int:
		var x int64
		if ok = tag == "!!int" && parsed(n.Value, &x); ok {
			v.SetInt(x)
		}
	case reflect.Float64:
		var x float64
		if ok = (tag == "!!int" || tag == "!!float") && parsed(n.Value, &x); ok {
			v.SetFloat(x)
		}
	}
	if !ok {
		way := "write " + wanted[v.Kind()]
		if v.Kind() == reflect.String && tag == "!!timestamp" {
			way = fmt.Sprintf("put it in quotes: %q", shorten(n.Value))
		}
		d.fault(n, path, fmt.Sprintf("%s is %s", named(path), describe(n)), way)
	}
}

// scalarInto decodes a text.
func (d *decoder) scalarInto(n *yaml.Node, s *string, path string) {
	d.value(n, reflect.ValueOf(s).Elem(), path)
}

// text decodes a wording in its languages.
func (d *decoder) text(n *yaml.Node, t *surveys.Text, path string) {
	d.value(n, reflect.ValueOf(t).Elem(), path)
}

// wanted says what a scalar of a kind looks like.
var wanted = map[reflect.Kind]string{
	reflect.String:  "a text; put it in quotes if it looks like a number",
	reflect.Bool:    "true or false",
	reflect.Int:     "a whole number in decimal digits",
	reflect.Float64: "a number in decimal digits",
}

// parsed reads a number written the plain way and reports whether it could.
func parsed[T int64 | float64](s string, x *T) bool {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsAny(s, "xX_") || math.IsNaN(f) || math.Abs(f) > 1e9 {
		return false
	}
	*x = T(f)
	return float64(*x) == f
}

// optionList resolves “options: NAME”.
func (d *decoder) optionList(n *yaml.Node, v reflect.Value, path string) {
	list, ok := d.lists[n.Value]
	if !ok {
		d.fault(n, path, fmt.Sprintf("there is no option list %q", n.Value), "define it under option_lists, or write the options here")
		return
	}
	d.used[n.Value] = true
	if list.Kind != yaml.SequenceNode {
		d.fault(list, path, fmt.Sprintf("option list %q is %s", n.Value, describe(list)), "write a list of options")
		return
	}
	if d.spent += len(list.Content); d.spent > maxEntries {
		d.fault(n, path, fmt.Sprintf("option lists give more than %d options in all", maxEntries), "divide the questionnaire")
		return
	}
	d.value(list, v, path)
	d.at[path] = n
}

// takeLists removes option_lists from the document and remembers the lists.
func (d *decoder) takeLists(root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "option_lists" {
			continue
		}
		d.mapping(root.Content[i+1], "option_lists", func(key, value *yaml.Node) {
			d.lists[key.Value] = value
			d.at["option_lists."+key.Value] = key
		})
		root.Content = slices.Delete(slices.Clone(root.Content), i, i+2)
		return
	}
}

// unknownKey is the way out for a key that does not exist: the known key it most
// resembles, or all of them.
func unknownKey(key string, names []string) string {
	for _, n := range names {
		if distance(key, n) <= min(2, len(key)/2) {
			return fmt.Sprintf("did you mean %q?", n)
		}
	}
	sorted := slices.Sorted(slices.Values(names))
	return "keys known here: " + strings.Join(sorted, ", ")
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// describe names what a node is, for messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!str":
		return fmt.Sprintf("the text %q", shorten(n.Value))
	case "!!int", "!!float":
		return "the number " + shorten(n.Value)
	case "!!timestamp":
		return "the date " + shorten(n.Value) + ", which YAML does not take for a text"
	case "!!bool":
		return shorten(n.Value) + ", yes or no"
	}
	return fmt.Sprintf("%s with the tag %s", shorten(n.Value), shorten(n.ShortTag()))
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 30 {
		return string(r[:29]) + "…"
	}
	return s
}

// named is the last part of a path, as an author would say it.
func named(path string) string {
	if path == "" {
		return "the definition"
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
