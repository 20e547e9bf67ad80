package chart

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

func TestPNG(t *testing.T) {
	if _, err := exec.LookPath("rsvg-convert"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("rsvg-convert is missing; install it (make deps), pictures of documents must be tried")
		}
		t.Skip("rsvg-convert is missing; install it (make deps) to try pictures of documents")
	}
	picture := []byte(svg(t, bars(surveys.ZH), surveys.ZH, Paper))
	ctx := context.Background()
	all, err := PNGs(ctx, [][]byte{picture, picture}, 1280)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(all[0], all[1]) {
		t.Error("the same SVG gave different bytes")
	}
	image, err := png.Decode(bytes.NewReader(all[0]))
	if err != nil {
		t.Fatal(err)
	}
	if b := image.Bounds(); b.Dx() != 1280 || b.Dy() < 400 {
		t.Errorf("the PNG is %v", b)
	}
	if r, g, b, a := image.At(0, 0).RGBA(); r+g+b+a != 4*0xffff {
		t.Errorf("the corner of the PNG is %x %x %x %x, not white", r, g, b, a)
	}
	if _, err := PNG(ctx, []byte("<svg"), 100); err == nil || !strings.Contains(err.Error(), "rsvg-convert") {
		t.Errorf("half an SVG: error = %v", err)
	}
	if _, err := PNG(ctx, picture, 0); err == nil {
		t.Error("a PNG of no width was made")
	}
}

func TestPNGWithoutConverter(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := PNG(context.Background(), nil, 100); !errors.Is(err, ErrNoConverter) || !strings.Contains(err.Error(), "librsvg2-bin") {
		t.Errorf("error = %v, want %v with the way out", err, ErrNoConverter)
	}
}
