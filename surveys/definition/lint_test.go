package definition_test

import (
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys/definition"
)

// What would stop people in the field, or let half an answer pass, is found beforehand.
func TestLintOfItems(t *testing.T) {
	const q1 = `{id: q1, type: multiple, text: {en: Q1}, options: [{code: x1, text: {en: X1}}, {code: x2, text: {en: X2}}, {code: none, exclusive: true, text: {en: None}}]}`
	for name, c := range map[string]struct {
		items []string
		want  string // "" for no fault
	}{
		"a chain in one section":         {[]string{q1, `{id: q2, type: multiple, text: {en: Q2}, from: q1}`, `{id: q3, type: ranking, text: {en: Q3}, from: q2, most: 2}`}, ""},
		"least as many as there are":     {[]string{strings.Replace(q1, "options", "least: 2, options", 1)}, ""},
		"least more than can be chosen":  {[]string{strings.Replace(q1, "options", "least: 3, options", 1)}, "least is 3; use a number from 1 to 2"},
		"least more than is handed on":   {[]string{q1, `{id: q2, type: multiple, text: {en: Q2}, from: q1, least: 5}`}, "least is 5; use a number from 1 to 2"},
		"a region as deep as its list":   {[]string{`{id: home, type: region, text: {en: Home}, division: {list: cn-zj-gd-2023, level: county}}`}, ""},
		"a region deeper than its list":  {[]string{`{id: home, type: region, text: {en: Home}, division: {list: cn-zj-gd-2023, level: village}}`}, "has none there; write “level: county”"},
		"a region deeper than its place": {[]string{`{id: home, type: region, text: {en: Home}, division: {list: cn-zj-gd-2023, within: "11", level: county}}`}, "has none there; write “level: province”"},
	} {
		src := `id: x
edition: "1"
languages: [en]
title: {en: T}
consent: {en: C}
statutory: {form_number: F, issuer: {en: I}, approval: {en: A}, valid_until: "2030-01-01"}
sections:
  - id: s
    title: {en: S}
    items:
      - ` + strings.Join(c.items, "\n      - ") + "\n"
		_, err := definition.Read("x.yaml", []byte(src), nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Read() = %v, want %q", name, err, c.want)
		}
	}
}
