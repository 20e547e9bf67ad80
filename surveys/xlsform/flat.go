package xlsform

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A field is one simple value of a plain struct: its path in JSON names, such as
// statutory.issuer.zh or checks[0].assert, and the value as text.
type field struct{ path, text string }

// flatten lists the simple values of a struct that are not zero, in the order of its
// fields. A list of texts without spaces in them is one value, its elements separated
// by spaces.
func flatten(v any) []field {
	var fs []field
	collect(reflect.ValueOf(v), "", &fs)
	return fs
}

func collect(v reflect.Value, path string, fs *[]field) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			collect(v.Elem(), path, fs)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			collect(v.Field(i), joinPath(path, name), fs)
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			collect(v.MapIndex(k), joinPath(path, k.String()), fs)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			if v.Len() > 0 {
				words := make([]string, v.Len())
				for i := range words {
					words[i] = v.Index(i).String()
				}
				*fs = append(*fs, field{path, strings.Join(words, " ")})
			}
			return
		}
		for i := range v.Len() {
			collect(v.Index(i), path+"["+strconv.Itoa(i)+"]", fs)
		}
	case reflect.String:
		if v.Len() > 0 {
			*fs = append(*fs, field{path, v.String()})
		}
	case reflect.Bool:
		if v.Bool() {
			*fs = append(*fs, field{path, "yes"})
		}
	case reflect.Int:
		if v.Int() != 0 {
			*fs = append(*fs, field{path, strconv.FormatInt(v.Int(), 10)})
		}
	case reflect.Float64:
		if v.Float() != 0 {
			*fs = append(*fs, field{path, strconv.FormatFloat(v.Float(), 'g', -1, 64)})
		}
	}
}

// maxElements is the longest list that set makes.
const maxElements = 2000

// set puts a value that flatten wrote back into its place; v points to the struct. The
// elements of a list may come in any order.
func set(v any, path, text string) error {
	at := reflect.ValueOf(v)
	return assign(at.Elem(), path, text)
}

func assign(v reflect.Value, path, text string) error {
	if path == "" {
		return scalar(v, text)
	}
	if rest, ok := strings.CutPrefix(path, "["); ok {
		digits, rest, ok := strings.Cut(rest, "]")
		i, err := strconv.Atoi(digits)
		if !ok || err != nil || i < 0 || i >= maxElements || v.Kind() != reflect.Slice || v.Type().Elem().Kind() == reflect.Uint8 {
			return fmt.Errorf("there is no element [%s]", short(digits))
		}
		for v.Len() <= i {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		}
		return assign(v.Index(i), strings.TrimPrefix(rest, "."), text)
	}
	name, rest := path, ""
	if i := strings.IndexAny(path, ".["); i >= 0 {
		name, rest = path[:i], strings.TrimPrefix(path[i:], ".")
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return assign(v.Elem(), path, text)
	case reflect.Map:
		if rest != "" {
			break
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), reflect.ValueOf(text).Convert(v.Type().Elem()))
		return nil
	case reflect.Struct:
		for i := range v.NumField() {
			if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == name {
				return assign(v.Field(i), rest, text)
			}
		}
	}
	return fmt.Errorf("there is no %q", short(name))
}

func scalar(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			words := strings.Fields(text)
			list := reflect.MakeSlice(v.Type(), len(words), len(words))
			for i, w := range words {
				list.Index(i).SetString(w)
			}
			v.Set(list)
			return nil
		}
	case reflect.Bool:
		yes, ok := yesNo(text)
		if !ok {
			return fmt.Errorf("%q is neither yes nor no", short(text))
		}
		v.SetBool(yes)
		return nil
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is no whole number", short(text))
		}
		v.SetInt(int64(n))
		return nil
	case reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%q is no number", short(text))
		}
		v.SetFloat(x)
		return nil
	}
	return fmt.Errorf("a text cannot stand here")
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
