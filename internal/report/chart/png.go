package chart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// ErrNoConverter says that rsvg-convert, which makes PNG, is not installed.
var ErrNoConverter = errors.New("rsvg-convert is missing; install it (Debian, Ubuntu: apt-get install librsvg2-bin fonts-noto-cjk), or use the SVG")

// PNG turns an SVG of this package into a picture of so many pixels across, on white: twice
// the width of the SVG prints sharply. It runs rsvg-convert, and returns ErrNoConverter
// where that is not installed. With the same fonts, the same SVG gives the same bytes.
func PNG(ctx context.Context, svg []byte, width int) ([]byte, error) {
	if width < 1 || width > 8192 {
		return nil, fmt.Errorf("a PNG of %d pixels across: give 1 to 8192", width)
	}
	program, err := exec.LookPath("rsvg-convert")
	if err != nil {
		return nil, ErrNoConverter
	}
	cmd := exec.CommandContext(ctx, program, "--format=png", "--keep-aspect-ratio", "--background-color=white", "--width="+strconv.Itoa(width))
	var out, problem bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(svg), &out, &problem
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("rsvg-convert: %w: %s", err, strings.TrimSpace(problem.String()))
	}
	return out.Bytes(), nil
}

// PNGs turns pictures into PNG side by side on every core, in the order in which they are
// given.
func PNGs(ctx context.Context, svgs [][]byte, width int) ([][]byte, error) {
	out := make([][]byte, len(svgs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i, svg := range svgs {
		g.Go(func() (err error) {
			out[i], err = PNG(ctx, svg, width)
			return err
		})
	}
	return out, g.Wait()
}
