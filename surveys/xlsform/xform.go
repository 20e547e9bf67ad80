package xlsform

import (
	"fmt"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// XForm writes a questionnaire as an ODK XForm, the XML that ODK Collect, Enketo and
// Web Forms run, with the pictures that belong beside it and what these clients will
// not do as our own pages do. The same questionnaire gives the same bytes.
func XForm(q *surveys.Questionnaire) ([]byte, []File, []Loss, error) {
	e, err := plan(q)
	if err != nil {
		return nil, nil, nil, err
	}
	w := &xformWriter{e: e, paths: map[string][]string{}, repeats: map[string]string{}}
	w.walk(e.root, []string{"data"}, "")
	return w.document(), e.files, e.losses, nil
}

// An xformWriter writes a form as XML.
type xformWriter struct {
	strings.Builder
	e *exporter
	// paths are the steps to each row, by its name; repeats is the repeat it stands in.
	paths   map[string][]string
	repeats map[string]string
}

// walk finds where every row stands.
func (w *xformWriter) walk(nodes []*node, at []string, repeat string) {
	for _, n := range nodes {
		w.paths[n.name] = append(at[:len(at):len(at)], n.name)
		w.repeats[n.name] = repeat
		inner := repeat
		if n.kind == "begin_repeat" {
			inner = n.name
		}
		w.walk(n.within, w.paths[n.name], inner)
	}
}

func (w *xformWriter) path(name string) string { return "/" + strings.Join(w.paths[name], "/") }

// spelled replaces ${name} by the path to the row. From within a repeat, rows of the
// same repeat are found from where the expression stands; before says what comes ahead
// of such a path.
func (w *xformWriter) spelled(xpath, from, before string) string {
	var b strings.Builder
	for {
		head, rest, found := strings.Cut(xpath, "${")
		b.WriteString(head)
		if !found {
			return b.String()
		}
		name, tail, _ := strings.Cut(rest, "}")
		b.WriteString(w.reference(name, from, before))
		xpath = tail
	}
}

func (w *xformWriter) reference(name, from, before string) string {
	repeat := w.repeats[name]
	if repeat == "" || repeat != w.repeats[from] {
		return w.path(name)
	}
	inside := len(w.paths[repeat])
	up := strings.Repeat("../", len(w.paths[from])-inside)
	return before + up + strings.Join(w.paths[name][inside:], "/")
}

func (w *xformWriter) f(format string, args ...any) { fmt.Fprintf(w, format, args...) }

func (w *xformWriter) document() []byte {
	q := w.e.q
	w.f("%s", `<?xml version="1.0" encoding="UTF-8"?>
<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml" xmlns:jr="http://openrosa.org/javarosa" xmlns:odk="http://www.opendatakit.org/xforms" xmlns:orx="http://openrosa.org/xforms" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
`)
	w.f("<h:head>\n<h:title>%s</h:title>\n<model odk:xforms-version=\"1.0.0\">\n<itext>\n", escape(q.Title.In(q.Languages[0])))
	for i, l := range q.Languages {
		standard := ""
		if i == 0 {
			standard = ` default="true()"`
		}
		w.f("<translation lang=\"%s\"%s>\n", escape(languageName(l)), standard)
		w.each(w.e.root, func(n *node) { w.wordings(n, l) })
		for _, list := range w.e.lists {
			for i, o := range list.options {
				w.f("<text id=\"%s-%d\"><value>%s</value></text>\n", list.name, i, escape(o.Text[l]))
			}
		}
		w.f("</translation>\n")
	}
	w.f("</itext>\n<instance>\n<data id=\"%s\" version=\"%s\">\n", escape(q.ID), escape(version(q)))
	w.instance(w.e.root)
	w.f("<orx:meta><orx:instanceID/></orx:meta>\n</data>\n</instance>\n")
	for _, list := range w.e.lists {
		w.f("<instance id=\"%s\"><root>\n", list.name)
		for i, o := range list.options {
			w.f("<item><itextId>%s-%d</itextId><name>%s</name></item>\n", list.name, i, escape(o.Code))
		}
		w.f("</root></instance>\n")
	}
	w.each(w.e.root, w.bind)
	w.f("<bind nodeset=\"/data/orx:meta/orx:instanceID\" type=\"string\" readonly=\"true()\" jr:preload=\"uid\"/>\n</model>\n</h:head>\n<h:body>\n")
	for _, n := range w.e.root {
		w.control(n)
	}
	w.f("</h:body>\n</h:html>\n")
	return []byte(w.String())
}

// each calls f for every row.
func (w *xformWriter) each(nodes []*node, f func(*node)) {
	for _, n := range nodes {
		f(n)
		w.each(n.within, f)
	}
}

// wordings writes the texts of a row in a language.
func (w *xformWriter) wordings(n *node, l surveys.Lang) {
	path := w.path(n.name)
	if len(n.label) > 0 {
		w.f("<text id=\"%s:label\"><value>%s</value>", path, w.worded(n.label[l], n.name))
		if n.image != "" {
			w.f("<value form=\"image\">jr://images/%s</value>", escape(n.image))
		}
		w.f("</text>\n")
	}
	if len(n.hint) > 0 {
		w.f("<text id=\"%s:hint\"><value>%s</value></text>\n", path, w.worded(n.hint[l], n.name))
	}
	if n.constraint != "" && len(n.message) > 0 {
		w.f("<text id=\"%s:jr:constraintMsg\"><value>%s</value></text>\n", path, escape(n.message[l]))
	}
}

// worded writes a text with the answers that are put into it.
func (w *xformWriter) worded(s, from string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "${")
		b.WriteString(escape(before))
		if !found {
			return b.String()
		}
		name, rest, _ := strings.Cut(after, "}")
		b.WriteString(`<output value="` + escape(w.reference(name, from, "")) + `"/>`)
		s = rest
	}
}

func (w *xformWriter) instance(nodes []*node) {
	for _, n := range nodes {
		switch {
		case n.kind == "begin_repeat":
			w.f("<%s jr:template=\"\">\n", n.name)
			w.instance(n.within)
			w.f("</%s>\n", n.name)
		case n.group():
			w.f("<%s>\n", n.name)
			w.instance(n.within)
			w.f("</%s>\n", n.name)
		default:
			w.f("<%s/>\n", n.name)
		}
	}
}

// dataTypes are the types of answers by the type of the row; others are texts.
var dataTypes = map[string]string{"integer": "int", "decimal": "decimal", "date": "date", "rank": "odk:rank"}

func (w *xformWriter) bind(n *node) {
	w.f("<bind nodeset=\"%s\"", w.path(n.name))
	put := func(name, xpath string) {
		if xpath != "" {
			w.f(" %s=\"%s\"", name, escape(w.spelled(xpath, n.name, "")))
		}
	}
	if !n.group() {
		typ := dataTypes[n.kind]
		if typ == "" {
			typ = "string"
		}
		w.f(" type=\"%s\"", typ)
	}
	switch n.required {
	case "yes":
		put("required", "true()")
	default:
		put("required", n.required)
	}
	put("relevant", n.relevant)
	put("constraint", n.constraint)
	if n.constraint != "" && len(n.message) > 0 {
		w.f(" jr:constraintMsg=\"jr:itext('%s:jr:constraintMsg')\"", w.path(n.name))
	}
	put("calculate", n.calculation)
	if n.kind == "note" {
		put("readonly", "true()")
	}
	w.f("/>\n")
}

// control writes what is shown of a row.
func (w *xformWriter) control(n *node) {
	path := w.path(n.name)
	look := ""
	if n.appearance != "" {
		look = ` appearance="` + n.appearance + `"`
	}
	words := ""
	if len(n.label) > 0 {
		words = `<label ref="jr:itext('` + path + `:label')"/>`
	}
	if len(n.hint) > 0 {
		words += `<hint ref="jr:itext('` + path + `:hint')"/>`
	}
	switch n.kind {
	case "calculate":
	case "begin_group", "begin_repeat":
		w.f("<group ref=\"%s\"%s>%s\n", path, look, words)
		if n.kind == "begin_repeat" {
			w.f("<repeat nodeset=\"%s\" jr:count=\"%s\" jr:noAddRemove=\"true()\">\n", path, escape(w.spelled(n.count, n.name, "")))
		}
		for _, c := range n.within {
			w.control(c)
		}
		if n.kind == "begin_repeat" {
			w.f("</repeat>\n")
		}
		w.f("</group>\n")
	case "select_one", "select_multiple", "rank":
		tag := map[string]string{"select_one": "select1", "select_multiple": "select", "rank": "odk:rank"}[n.kind]
		w.f("<%s ref=\"%s\"%s>%s<itemset nodeset=\"%s\"><value ref=\"name\"/><label ref=\"jr:itext(itextId)\"/></itemset></%s>\n",
			tag, path, look, words, escape(w.itemset(n)), tag)
	default:
		w.f("<input ref=\"%s\"%s>%s</input>\n", path, look, words)
	}
}

// itemset says which choices a row offers.
func (w *xformWriter) itemset(n *node) string {
	set := "instance('" + n.list + "')/root/item"
	if n.filter != "" {
		set += "[" + w.spelled(n.filter, n.name, "current()/") + "]"
	}
	if _, seed, random := strings.Cut(n.parameters, "seed="); random {
		set = "randomize(" + set + ", " + w.spelled(seed, n.name, "current()/") + ")"
	}
	return set
}
