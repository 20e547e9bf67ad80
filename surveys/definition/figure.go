package definition

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // pictures may be JPEG
	_ "image/png"  // and PNG
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	_ "golang.org/x/image/webp" // and WebP

	"github.com/suyang-survey/suyang/surveys"
)

// The limits of figures. Pages carry them to phones on a bad network, and a picture of
// few bytes can stand for very many pixels.
const (
	maxDrawing  = 32 << 10  // bytes of an SVG drawing
	maxPicture  = 100 << 10 // bytes of a picture
	maxPictures = 4 << 20   // bytes of all figures of a questionnaire
	maxSide     = 4096      // pixels
	maxPixels   = 4 << 20
)

// figure decodes a figure, whose drawing or picture stands in a file or in the
// definition.
func (d *decoder) figure(n *yaml.Node, f *surveys.Figure, path string) {
	var file, picture, from string
	given := 0
	d.mapping(n, path, func(key, value *yaml.Node) {
		at := join(path, key.Value)
		into := map[string]*string{"file": &file, "svg": &f.SVG, "image": &picture}[key.Value]
		switch {
		case into != nil:
			d.scalarInto(value, into, at)
			from = at
			given++
		case key.Value == "alt":
			d.text(value, &f.Alt, at)
		default:
			d.fault(key, path, fmt.Sprintf("unknown key %q", key.Value), unknownKey(key.Value, []string{"alt", "file", "image", "svg"}))
		}
	})
	if given != 1 || file+f.SVG+picture == "" {
		d.fault(n, path, "a figure needs one of: a file, an svg drawing, an image in base64", "write “file: NAME.svg” or “file: NAME.png”")
		return
	}
	var err error
	switch {
	case file != "":
		d.load(file, f, from)
	case picture != "":
		f.Image, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(picture), ""))
	}
	switch {
	case err != nil:
		d.faultAt(from, "the image is not base64", "name a file instead: “file: NAME.png”")
	case f.SVG != "":
		d.drawing(f, from)
	case f.Image != nil:
		if err := checkPicture(f.Image); err != nil {
			d.faultAt(from, err.Error(), "save it as PNG, JPEG or WebP, smaller or with fewer colours")
		}
	}
	if d.pictures += len(f.SVG) + len(f.Image); d.pictures > maxPictures {
		d.faultAt(from, fmt.Sprintf("the figures up to here have more than %d bytes", maxPictures), "make them smaller or divide the questionnaire")
	}
}

func (d *decoder) drawing(f *surveys.Figure, path string) {
	clean, err := cleanSVG(f.SVG)
	if err != nil {
		d.faultAt(path, err.Error(), "draw with plain shapes and texts only, coloured by attributes")
	}
	f.SVG = clean
}

// load reads a figure from a file; what its name ends in says what it is.
func (d *decoder) load(file string, f *surveys.Figure, at string) {
	if d.files == nil || !fs.ValidPath(file) {
		d.faultAt(at, fmt.Sprintf("figure %q cannot be read", shorten(file)), "name a file in the folder of the definition")
		return
	}
	b, err := readLimited(d.files, file, maxPicture)
	if err != nil {
		d.faultAt(at, fmt.Sprintf("figure %q cannot be read", shorten(file)), "put the file into the folder of the definition")
		return
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".svg":
		f.SVG = string(b)
	case ".png", ".jpg", ".jpeg", ".webp":
		f.Image = b
	default:
		d.faultAt(at, fmt.Sprintf("figure %q is no kind of picture known here", shorten(file)), "use a file .svg, .png, .jpg or .webp")
		return
	}
	if len(b) == 0 {
		d.faultAt(at, fmt.Sprintf("figure %q is empty", shorten(file)), "save it again")
	}
}

// readLimited reads a file up to one byte more than the limit.
func readLimited(files fs.FS, name string, limit int64) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// checkPicture reads a picture, its size first, so that one with far too many pixels
// is never unpacked.
func checkPicture(b []byte) error {
	if len(b) > maxPicture {
		return fmt.Errorf("the figure has more than %d bytes", maxPicture)
	}
	c, kind, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || !slices.Contains([]string{"png", "jpeg", "webp"}, kind) {
		return errors.New("the figure is no PNG, JPEG or WebP picture")
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels {
		return fmt.Errorf("the figure has %d × %d pixels; a side has at most %d, all of it %d", c.Width, c.Height, maxSide, maxPixels)
	}
	if _, _, err := image.Decode(bytes.NewReader(b)); err != nil {
		return errors.New("the figure is damaged")
	}
	return nil
}
