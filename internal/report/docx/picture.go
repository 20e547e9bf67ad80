package docx

import (
	"bytes"
	"fmt"
	"image/png"

	"github.com/suyang-survey/suyang/internal/report/document"
)

// chart writes a chart as a picture with its caption below it. Without a picture, what it
// shows stands there in words.
func (b *body) chart(c *document.Chart) error {
	var raster, vector []byte
	if b.opt.Picture != nil {
		var err error
		if raster, vector, err = b.opt.Picture(c); err != nil {
			return fmt.Errorf("draw chart %q: %w", c.ID, err)
		}
	}
	if raster == nil {
		b.caption("figure", c.Number, c.Title, true, func() {})
		b.line("Remark", c.Alt)
		return nil
	}
	size, err := png.DecodeConfig(bytes.NewReader(raster))
	if err != nil {
		return fmt.Errorf("the picture of chart %q is no PNG: %w", c.ID, err)
	}
	b.pictures++
	name := fmt.Sprintf("media/chart%d", b.pictures)
	b.files["word/"+name+".png"] = raster
	rasterID, vectorID := b.relate("image", name+".png"), ""
	if vector != nil {
		b.files["word/"+name+".svg"] = vector
		vectorID = b.relate("image", name+".svg")
	}
	width, height := b.fit(size.Width, size.Height)
	b.paragraph("Picture", func() { b.drawing(c, width, height, rasterID, vectorID) })
	b.caption("figure", c.Number, c.Title, c.Base != "", func() {})
	if c.Base != "" {
		b.line("Base", c.Base)
	}
	return nil
}

// fit makes a picture as wide as the text, but lower than a page with its caption; lengths
// are in EMU, of which a twip has 635.
func (b *body) fit(width, height int) (w, h int) {
	width, height = max(width, 1), max(height, 1)
	w = b.textWidth() * emuOfTwip
	highest := textHeight * emuOfTwip * 8 / 10
	if b.sideways {
		highest = uprightText * emuOfTwip * 8 / 10
	}
	h = w * height / width
	if h > highest {
		w, h = highest*width/height, highest
	}
	return max(w, 1), max(h, 1)
}

// drawing places a picture in a line of text. Programs that know SVG show that one.
func (b *body) drawing(c *document.Chart, width, height int, raster, vector string) {
	w, h, id := twips(width), twips(height), twips(b.pictures)
	x := &b.x
	outside := len(x.open)
	x.begin("w:r")
	x.begin("w:drawing")
	x.begin("wp:inline", "distT", "0", "distB", "0", "distL", "0", "distR", "0")
	x.empty("wp:extent", "cx", w, "cy", h)
	x.empty("wp:docPr", "id", id, "name", c.Number, "descr", c.Alt, "title", c.Title)
	x.begin("wp:cNvGraphicFramePr")
	x.empty("a:graphicFrameLocks", "noChangeAspect", "1")
	x.end()
	x.begin("a:graphic")
	x.begin("a:graphicData", "uri", nsPic)
	x.begin("pic:pic")
	x.begin("pic:nvPicPr")
	x.empty("pic:cNvPr", "id", id, "name", c.Number, "descr", c.Alt)
	x.empty("pic:cNvPicPr")
	x.end()
	x.begin("pic:blipFill")
	b.blip(raster, vector)
	x.begin("a:stretch")
	x.empty("a:fillRect")
	x.end()
	x.end()
	x.begin("pic:spPr")
	x.begin("a:xfrm")
	x.empty("a:off", "x", "0", "y", "0")
	x.empty("a:ext", "cx", w, "cy", h)
	x.end()
	x.begin("a:prstGeom", "prst", "rect")
	x.empty("a:avLst")
	x.end()
	for len(x.open) > outside {
		x.end()
	}
}

// blip refers to the picture, and to the SVG by the extension that Word 2016 brought.
func (b *body) blip(raster, vector string) {
	if vector == "" {
		b.x.empty("a:blip", "r:embed", raster)
		return
	}
	b.x.begin("a:blip", "r:embed", raster)
	b.x.begin("a:extLst")
	b.x.begin("a:ext", "uri", "{96DAC541-7B7A-43D3-8B79-37D633B846F1}")
	b.x.empty("asvg:svgBlip", "xmlns:asvg", nsASVG, "r:embed", vector)
	for range 3 {
		b.x.end()
	}
}
