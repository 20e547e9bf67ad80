package definition

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// The elements and attributes a drawing may use. They draw and do nothing else: no
// script, no event, no style sheet, no address.
var (
	svgElements = strings.Fields("svg g title desc path line polyline polygon rect circle ellipse text tspan")
	svgAttrs    = strings.Fields("xmlns viewBox width height preserveAspectRatio x y x1 y1 x2 y2 dx dy d points cx cy r rx ry " +
		"transform fill fill-opacity fill-rule stroke stroke-width stroke-dasharray stroke-linecap stroke-linejoin " +
		"stroke-opacity opacity font-family font-size font-weight text-anchor dominant-baseline")
)

const svgSpace = "http://www.w3.org/2000/svg"

// cleanSVG reads a drawing and writes it anew with nothing but known elements and
// attributes. Anything else is an error, not silently lost, so that the author sees
// what will be shown.
func cleanSVG(src string) (string, error) {
	if len(src) > maxDrawing {
		return "", fmt.Errorf("the figure has %d bytes, more than %d", len(src), maxDrawing)
	}
	dec := xml.NewDecoder(strings.NewReader(src))
	var out bytes.Buffer
	depth, roots := 0, 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("the figure is not well-formed SVG: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			if err := writeStart(&out, t, depth == 1); err != nil {
				return "", err
			}
		case xml.EndElement:
			depth--
			fmt.Fprintf(&out, "</%s>", t.Name.Local)
		case xml.CharData:
			if depth > 0 {
				writeText(&out, string(t))
			}
		case xml.Directive:
			return "", fmt.Errorf("the figure has a document type or entity declaration")
		case xml.ProcInst:
			if t.Target != "xml" {
				return "", fmt.Errorf("the figure has a processing instruction %q", t.Target)
			}
		}
	}
	if roots != 1 {
		return "", fmt.Errorf("the figure needs exactly one <svg> element")
	}
	return out.String(), nil
}

func writeStart(out *bytes.Buffer, t xml.StartElement, root bool) error {
	name := t.Name.Local
	if t.Name.Space != svgSpace || !slices.Contains(svgElements, name) {
		return fmt.Errorf("the figure has the element <%s>, which is not allowed", name)
	}
	if root != (name == "svg") {
		return fmt.Errorf("the figure needs one <svg> element around everything")
	}
	fmt.Fprintf(out, "<%s", name)
	for _, a := range t.Attr {
		if a.Name.Space != "" || !slices.Contains(svgAttrs, a.Name.Local) {
			return fmt.Errorf("the figure has the attribute %q on <%s>, which is not allowed", a.Name.Local, name)
		}
		if strings.Contains(strings.ToLower(a.Value), "url") || strings.ContainsAny(a.Value, `\:`) && a.Name.Local != "xmlns" {
			return fmt.Errorf("the figure has an address in the attribute %q on <%s>", a.Name.Local, name)
		}
		if root && (a.Name.Local == "width" || a.Name.Local == "height") && !drawable(a.Value) {
			return fmt.Errorf("the figure has the %s %q; it must be a number of pixels from 1 to %d", a.Name.Local, shorten(a.Value), maxSide)
		}
		fmt.Fprintf(out, ` %s="`, a.Name.Local)
		writeText(out, a.Value)
		out.WriteByte('"')
	}
	out.WriteByte('>')
	return nil
}

// drawable reports whether a drawing may be so wide or high.
func drawable(s string) bool {
	x, err := strconv.ParseFloat(strings.TrimSuffix(s, "px"), 64)
	return err == nil && x >= 1 && x <= maxSide
}

var svgEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

func writeText(out *bytes.Buffer, s string) { svgEscaper.WriteString(out, s) }
