package server

import (
	"bytes"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"io"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"github.com/suyang-survey/suyang/surveys"
)

// QR is the QR code of an address.
type QR struct{ code barcode.Barcode }

// QRCode makes the QR code of an address, with level M: it still reads with 15 % of it
// damaged.
func QRCode(url string) (QR, error) {
	b, err := qr.Encode(url, qr.M, qr.Auto)
	if err != nil {
		return QR{}, fmt.Errorf("an address of %d bytes cannot be a QR code: %w", len(url), err)
	}
	return QR{b}, nil
}

const (
	// quiet is the white border of a QR code, in modules.
	quiet = 4
	// pixels is the side of a module in a PNG.
	pixels = 8
)

func (q QR) dark(x, y int) bool {
	r, _, _, _ := q.code.At(x, y).RGBA()
	return r == 0
}

// SVG draws the code, one unit a module.
func (q QR) SVG() []byte {
	n := q.code.Bounds().Dx()
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges">`+
		`<rect width="%[1]d" height="%[1]d" fill="#fff"/><path d="`, n+2*quiet)
	for y := range n {
		for x := 0; x < n; x++ {
			from := x
			for x < n && q.dark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&out, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	out.WriteString(`" fill="#000"/></svg>`)
	return out.Bytes()
}

// PNG draws the code, 8 pixels a module.
func (q QR) PNG() []byte {
	side := (q.code.Bounds().Dx() + 2*quiet) * pixels
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if at := image.Pt(x/pixels-quiet, y/pixels-quiet); at.In(q.code.Bounds()) && q.dark(at.X, at.Y) {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic("server: a picture in memory cannot be written: " + err.Error())
	}
	return out.Bytes()
}

// Label is a case with the address of its personal link.
type Label struct{ Case, URL string }

// labelView is a label as it is drawn.
type labelView struct {
	Label
	Code template.HTML
}

// labelsPage is web/pages/labels: what is printed and cut.
type labelsPage struct {
	frame
	Issuer string
	Labels []labelView
}

// WriteLabels writes one HTML page of labels with QR codes, to be printed on A4 and cut.
// The page behind a code is in language l.
func WriteLabels(out io.Writer, q *surveys.Questionnaire, list []Label, l surveys.Lang) error {
	p, err := loadPages(nil)
	if err != nil {
		return err
	}
	if p.templates[l] == nil {
		return fmt.Errorf("labels in language %q: %w", l, surveys.ErrNotFound)
	}
	page := labelsPage{frame: p.frame(l), Issuer: q.Statutory.Issuer.In(l)}
	page.Title = q.Title.In(l)
	for _, one := range list {
		code, err := QRCode(one.URL + "?lang=" + string(l))
		if err != nil {
			return fmt.Errorf("case %s: %w", one.Case, err)
		}
		page.Labels = append(page.Labels, labelView{one, template.HTML(code.SVG())}) // numbers within our own words
	}
	return p.templates[l]["labels"].ExecuteTemplate(out, "labels", page)
}
