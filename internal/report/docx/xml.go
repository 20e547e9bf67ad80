package docx

import (
	"bytes"
	"encoding/xml"

	"github.com/suyang-survey/suyang/internal/report/grid"
)

// The names that the parts use.
const (
	nsW    = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
	nsR    = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	nsA    = "http://schemas.openxmlformats.org/drawingml/2006/main"
	nsWP   = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
	nsPic  = "http://schemas.openxmlformats.org/drawingml/2006/picture"
	nsASVG = "http://schemas.microsoft.com/office/drawing/2016/SVG/main"
)

const declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// markup is XML that is being written. encoding/xml escapes its texts, but its encoder cannot
// write the prefixes of names that office programs insist on.
type markup struct {
	bytes.Buffer
	open []string
}

// begin opens an element; attributes are pairs of a name and a value.
func (m *markup) begin(name string, attributes ...string) {
	m.tag(name, attributes)
	m.WriteByte('>')
	m.open = append(m.open, name)
}

// empty writes an element without contents.
func (m *markup) empty(name string, attributes ...string) {
	m.tag(name, attributes)
	m.WriteString("/>")
}

func (m *markup) tag(name string, attributes []string) {
	m.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		m.WriteString(" " + attributes[i] + `="`)
		m.text(attributes[i+1])
		m.WriteByte('"')
	}
}

// end closes the innermost element that is open.
func (m *markup) end() {
	last := len(m.open) - 1
	m.WriteString("</" + m.open[last] + ">")
	m.open = m.open[:last]
}

// text writes characters, without those that XML forbids.
func (m *markup) text(s string) { _ = xml.EscapeText(&m.Buffer, []byte(grid.Plain(s))) } // a buffer takes everything

// leaf writes an element that has only text.
func (m *markup) leaf(name, text string, attributes ...string) {
	m.begin(name, attributes...)
	m.text(text)
	m.end()
}
