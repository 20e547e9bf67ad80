package definition

import (
	"strings"
	"testing"
)

func TestCleanSVG(t *testing.T) {
	const open, end = `<svg xmlns="http://www.w3.org/2000/svg">`, `</svg>`
	for _, c := range []struct{ name, in, out string }{
		{"shapes and text", open + `<g fill="red"><text x="1">a &lt; b</text></g>` + end,
			open + `<g fill="red"><text x="1">a &lt; b</text></g>` + end},
		{"a declaration and comments are dropped", `<?xml version="1.0"?><!-- c -->` + open + `<!-- d -->` + end, open + end},
		{"a character section becomes text", open + `<text><![CDATA[<script>]]></text>` + end, open + `<text>&lt;script&gt;</text>` + end},
		{"quotes in attributes stay quoted", open + `<g font-family='"A" B'></g>` + end, open + `<g font-family="&#34;A&#34; B"></g>` + end},
	} {
		if got, err := cleanSVG(c.in); err != nil || got != c.out {
			t.Errorf("%s: cleanSVG() = %q, %v; want %q", c.name, got, err, c.out)
		}
	}
}

func TestCleanSVGRefuses(t *testing.T) {
	wrap := func(s string) string { return `<svg xmlns="http://www.w3.org/2000/svg">` + s + `</svg>` }
	for name, src := range map[string]string{
		"a script":                   wrap(`<script>alert(1)</script>`),
		"an event":                   wrap(`<rect onclick="alert(1)"/>`),
		"an event on the root":       `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
		"a link":                     wrap(`<a href="https://example.org"><text>x</text></a>`),
		"a picture from elsewhere":   wrap(`<image href="https://example.org/x.png"/>`),
		"a reference":                wrap(`<use href="#x"/>`),
		"an XLink reference":         wrap(`<g xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="#x"/>`),
		"a style sheet":              wrap(`<style>*{background:url(//example.org)}</style>`),
		"a style attribute":          wrap(`<rect style="fill:red"/>`),
		"a paint server":             wrap(`<rect fill="url(https://example.org#x)"/>`),
		"a paint server in disguise": wrap(`<rect fill="u\72l(#x)"/>`),
		"HTML inside":                wrap(`<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>`),
		"an element of HTML":         wrap(`<text xmlns="http://www.w3.org/1999/xhtml">x</text>`),
		"an entity":                  `<!DOCTYPE svg [<!ENTITY x "y">]>` + wrap(`&x;`),
		"an animation":               wrap(`<animate attributeName="href" to="javascript:alert(1)"/>`),
		"a second drawing":           wrap(``) + wrap(``),
		"no drawing":                 `hello`,
		"another root":               `<g xmlns="http://www.w3.org/2000/svg"/>`,
		"no name space":              `<svg/>`,
		"broken XML":                 `<svg xmlns="http://www.w3.org/2000/svg"><g></svg>`,
		"a giant":                    `<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="10"/>`,
		"a width in other units":     `<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="10"/>`,
		"too large":                  wrap(strings.Repeat("<g/>", maxDrawing/4)),
	} {
		if got, err := cleanSVG(src); err == nil {
			t.Errorf("%s: cleanSVG() = %q, want an error", name, got)
		}
	}
}
